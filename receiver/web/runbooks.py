"""Runbooks over HTTP: which there are, what they would do about an incident, and that one of them is to run."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from pydantic import ConfigDict, Field

from receiver.engine.occurrence import new_id
from receiver.proposing import Proposing
from receiver.remediate.choosing import asked_for, chosen
from receiver.remediate.values import Unfit
from receiver.store.queries import Queries
from receiver.store.runs import Runs
from receiver.web import run_answers as answers
from receiver.web.access import in_person, principal, tenants
from receiver.web.answers import Page
from receiver.web.api import named
from receiver.web.bodies import Name, Reasoned
from receiver.web.declared import Asked, operation
from receiver.web.idempotency import key_of
from receiver.web.problems import Impossible
from receiver.web.run_shapes import run_json
from receiver.web.runbook_shapes import possible_json, runbook_json

TAG = "remediation"
NOT_CONFIGURED = "runbooks are not configured: name files of them under remediation.runbook_files"


class Would(Asked):
    """Who would ask, where no token tells it: whoever has the incident may run what nobody else may then."""

    by: str = Field("", max_length=1_000)


class NewRun(Reasoned):
    """Which runbook, and on which target where it could be several.

    `plan_hash`, that of the plan that was shown: any other is refused. `dry_run`: only tell what it would do; a runbook
    whose mode is dry-run does no more anyway.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"runbook": "restart-deployment", "by": "alice"}]})

    runbook: Name
    target: str = Field("", max_length=1_000)
    dry_run: bool = False
    plan_hash: str = Field("", max_length=200)


class RunbookApi:
    """`/api/v1/runbooks`, and those of an incident. `configured` follows the configuration."""

    def __init__(self, proposing: Proposing, runs: Runs, queries: Queries, fresh: Callable[[], str]) -> None:
        """`fresh` gives a text that nobody had before, where no key names the request."""
        self.configured = False
        self._proposing = proposing
        self._runs = runs
        self._queries = queries
        self._fresh = fresh

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/runbooks", self.list),
            web.get("/api/v1/incidents/{id}/runbooks", self.possible),
            web.post("/api/v1/incidents/{id}/runs", self.run),
        ]

    @operation("List runbooks", "incidents:read", {200: Page[answers.RunbookJson]}, problems=(409,), tag=TAG)
    async def list(self, request: web.Request) -> web.Response:
        """Those that are configured and serve one's tenants, by name: when they fit, and what they may do."""
        self._must_be_configured()
        own = tenants(request)
        found = [one for _, one in sorted(self._proposing.runbooks.items())]
        served = [one for one in found if own is None or any(one.serves(tenant) for tenant in own)]
        return web.json_response({"items": [runbook_json(one, own) for one in served], "next": None})

    @operation(
        "Say what runbooks would do",
        "incidents:read",
        {200: Page[answers.PossibleJson]},
        takes=Would,
        problems=(404, 409),
        tag=TAG,
    )
    async def possible(self, request: web.Request, asked: Would) -> web.Response:
        """For each that fits: its plan, its guards as they are now, and what stands against it. Nothing is done."""
        self._must_be_configured()
        incident = await named(self._queries, request.match_info["id"], tenants(request))
        found = await self._proposing.possible(incident, principal(request).name or asked.by)
        return web.json_response({"items": [possible_json(one, incident.runs) for one in found], "next": None})

    @operation(
        "Run a runbook",
        "remediation:run",
        {200: answers.ChangedRunJson, 201: answers.ChangedRunJson},
        takes=NewRun,
        problems=(404, 409),
        tag=TAG,
    )
    async def run(self, request: web.Request, said: NewRun) -> web.Response:
        """201 with the run, which then waits for its approval, or asks its guards and limits and begins.

        The same `Idempotency-Key` names the same run, for good: sent again (200), it is not proposed twice.
        """
        self._must_be_configured()
        incident = await named(self._queries, request.match_info["id"], tenants(request))
        who, key = in_person(request, said.by), key_of(request)
        name = new_id("run", incident.id, f"{principal(request).name}/{key}" if key else self._fresh())
        if (before := await self._runs.get(name)) is not None:
            told = "it was asked for before, by the same Idempotency-Key"
            return web.json_response({**run_json(before), "changed": False, "message": told})
        alerts = await self._proposing.alerts(incident)
        try:
            plan = chosen(self._proposing.runbooks, said.runbook, alerts, target=said.target, dry_run=said.dry_run)
        except Unfit as error:
            raise Impossible(str(error)) from error
        plan = asked_for(plan, incident, who.name)
        if said.plan_hash not in ("", plan.hash):
            raise Impossible(f"that is not the plan as it is now: its hash is {plan.hash}; look at it again")
        step = await self._proposing.propose(incident, name, plan, by=who.name, reason=said.reason)
        row = await self._runs.get(name)
        if not step.events or row is None:
            raise Impossible(step.reason)
        told = "it waits for approval" if row.state == "awaiting" else "it begins unless its guards or limits refuse it"
        answer = {**run_json(row), "changed": True, "message": "it shows what it would do" if plan.dry_run else told}
        return web.json_response(answer, status=201, headers={"Location": f"/api/v1/runs/{name}"})

    def _must_be_configured(self) -> None:
        if not self.configured:
            raise Impossible(NOT_CONFIGURED)
