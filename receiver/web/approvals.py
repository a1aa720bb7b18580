"""What people say to a run of a runbook, over HTTP: yes, no, or that it is called off."""

from __future__ import annotations

from aiohttp import web
from pydantic import Field

from receiver.decide import Decider, NoSuchIncident
from receiver.engine.policy import Step
from receiver.engine.run import Run, RunState
from receiver.engine.running import ended
from receiver.respond import Answer, Responder
from receiver.store.ledger import Ledger
from receiver.store.runs import Runs
from receiver.web import run_answers as answers
from receiver.web.access import in_person
from receiver.web.bodies import Name, Reasoned
from receiver.web.declared import operation
from receiver.web.problems import Impossible
from receiver.web.run_shapes import run_json
from receiver.web.runbooks import TAG
from receiver.web.runs import PATH, REFUSED, named_run


class Agreement(Reasoned):
    """To exactly which plan: the hash of the one that was shown."""

    plan_hash: Name


class Objection(Reasoned):
    """To which plan, and why; without a hash to whatever the run would do."""

    plan_hash: str = Field("", max_length=200)


class ApprovalApi:
    """`/api/v1/runs/{id}/` `approve`, `reject` and `cancel`."""

    def __init__(self, runs: Runs, ledger: Ledger, responder: Responder, decider: Decider) -> None:
        self._runs = runs
        self._ledger = ledger
        self._responder = responder
        self._decider = decider

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(f"{PATH}/{{id}}/approve", self.approve),
            web.post(f"{PATH}/{{id}}/reject", self.reject),
            web.post(f"{PATH}/{{id}}/cancel", self.cancel),
        ]

    @operation(
        "Agree with a run",
        "remediation:approve",
        {200: answers.ChangedRunJson},
        takes=Agreement,
        problems=REFUSED,
        tag=TAG,
    )
    async def approve(self, request: web.Request, said: Agreement) -> web.Response:
        """With exactly the plan of that hash; it begins once enough have, whoever asked for it not counted alone."""
        step, run = await self._answered(request, "approve", said)
        if not step.events and in_person(request, said.by).name not in run.approved_by:
            raise Impossible(step.reason)
        return await self._changed(run, step, _agreed(run) if step.events else step.reason)

    @operation(
        "Refuse a run",
        "remediation:approve",
        {200: answers.ChangedRunJson},
        takes=Objection,
        problems=REFUSED,
        tag=TAG,
    )
    async def reject(self, request: web.Request, said: Objection) -> web.Response:
        """One no is enough: the run ends, and nothing of it is done."""
        step, run = await self._answered(request, "reject", said)
        if not step.events and run.outcome != "rejected":
            raise Impossible(step.reason)
        return await self._changed(run, step, "rejected: nothing of it is done" if step.events else step.reason)

    @operation(
        "Call a run off",
        "remediation:run",
        {200: answers.ChangedRunJson},
        takes=Reasoned,
        problems=REFUSED,
        tag=TAG,
    )
    async def cancel(self, request: web.Request, said: Reasoned) -> web.Response:
        """One that has not begun; what has begun is ended by nobody but itself, or by stopping all remediation."""
        row, who = await named_run(self._runs, request), in_person(request, said.by)
        incident = await self._ledger.incident(row.incident)
        run = incident.run(row.id) if incident else None
        if run is None:
            raise NoSuchIncident(f"the incident of run {row.id} is no longer kept")
        reason = said.reason or f"{who.name} called it off"
        step = await self._decider.decide(row.incident, ended(run, "cancelled", reason, by=who.name))
        after = step.incident.run(row.id) or run
        if not step.events and after.outcome != "cancelled":
            way_out = "" if after.over else "; tocsin remediation stop lets no further step begin"
            raise Impossible(f"{step.reason}{way_out}")
        return await self._changed(after, step, "cancelled: nothing of it is done" if step.events else step.reason)

    async def _answered(self, request: web.Request, action: str, said: Agreement | Objection) -> tuple[Step, Run]:
        """What came of an answer, and the run after it."""
        row = await named_run(self._runs, request)
        answer = Answer(action, text=said.reason, run=row.id, plan_hash=said.plan_hash)
        step = await self._responder.respond(row.incident, answer, in_person(request, said.by))
        run = step.incident.run(row.id)
        if run is None:
            raise NoSuchIncident(f"there is no run {row.id}")
        return step, run

    async def _changed(self, run: Run, step: Step, message: str) -> web.Response:
        row = await self._runs.get(run.id)
        if row is None:
            raise NoSuchIncident(f"there is no run {run.id}")
        told: answers.ChangedRunJson = {**run_json(row), "changed": bool(step.events), "message": message}
        return web.json_response(told)


def _agreed(run: Run) -> str:
    """What an approval has come to."""
    count = run.plan.approval.count if run.plan.approval else 1
    if run.state is not RunState.AWAITING:
        return "approved: it begins unless its guards or limits refuse it"
    if len(run.approved_by) < count:
        return f"{len(run.approved_by)} of {count} have agreed"
    return f"{run.by} asked for it: somebody else must agree, too"
