"""Runs of runbooks over HTTP: what was done, and what waits for approval."""

from __future__ import annotations

from aiohttp import web
from pydantic import Field

from receiver.decide import NoSuchIncident
from receiver.engine.occurrence import one_line
from receiver.engine.run import RunState
from receiver.engine.run_events import RunOutcome
from receiver.store.ledger import Ledger
from receiver.store.queries import Queries
from receiver.store.runs import RunFilter, RunRow, Runs
from receiver.web import run_answers as answers
from receiver.web.access import tenants
from receiver.web.answers import Page
from receiver.web.api import named
from receiver.web.declared import operation
from receiver.web.filters import Paged
from receiver.web.problems import Impossible
from receiver.web.run_shapes import plan_json, run_json
from receiver.web.run_story import of_run, story
from receiver.web.runbooks import TAG

PATH = "/api/v1/runs"
REFUSED = (404, 409)


class Runnings(Paged):
    """Which runs, newest first."""

    incident: str = Field("", max_length=200, description="An incident's id, or its beginning.")
    runbook: str = Field("", max_length=200)
    target: str = Field("", max_length=1_000)
    state: RunState | None = None
    outcome: RunOutcome | None = None


class RunApi:
    """`/api/v1/runs` and `/api/v1/approvals`; what was done can be read though no runbook is configured any more."""

    def __init__(self, runs: Runs, queries: Queries, ledger: Ledger) -> None:
        self._runs = runs
        self._queries = queries
        self._ledger = ledger

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(PATH, self.list),
            web.get(f"{PATH}/{{id}}", self.show),
            web.get("/api/v1/approvals", self.approvals),
        ]

    @operation(
        "List runs of runbooks",
        "incidents:read",
        {200: Page[answers.RunJson]},
        takes=Runnings,
        problems=REFUSED,
        tag=TAG,
    )
    async def list(self, request: web.Request, asked: Runnings) -> web.Response:
        """Newest first, dry runs and refused ones included."""
        own = tenants(request)
        incident = (await named(self._queries, asked.incident, own)).id if asked.incident else ""
        wanted = RunFilter(incident, asked.runbook, asked.target, asked.state or "", asked.outcome or "", own)
        page = await self._runs.page(wanted, asked.limit, asked.cursor)
        return web.json_response({"items": [run_json(one) for one in page.items], "next": page.next})

    @operation("Show a run", "incidents:read", {200: answers.RunStoryJson}, problems=REFUSED, tag=TAG)
    async def show(self, request: web.Request) -> web.Response:
        """Its whole record: plan, approvals, each step with how things were before, its output and outcome, and the
        guards' values before and after.
        """
        row = await named_run(self._runs, request)
        told = story(row, of_run(await self._queries.timeline(row.incident), row.id))
        if told is None:
            raise NoSuchIncident(f"the incident of run {row.id} is no longer kept")
        return web.json_response(told)

    @operation(
        "List what waits for approval", "incidents:read", {200: Page[answers.AwaitingRunJson]}, takes=Paged, tag=TAG
    )
    async def approvals(self, request: web.Request, asked: Paged) -> web.Response:
        """Newest first, each with the plan that an approval is about and who has agreed so far."""
        wanted = RunFilter(state=RunState.AWAITING.value, tenants=tenants(request))
        page = await self._runs.page(wanted, asked.limit, asked.cursor)
        known = await self._ledger.incidents(one.incident for one in page.items)
        items: list[answers.AwaitingRunJson] = []
        for row in page.items:
            incident = known.get(row.incident)
            run = incident.run(row.id) if incident else None
            if incident is not None and run is not None and run.state is RunState.AWAITING:
                items.append(
                    {
                        **run_json(row),
                        "title": incident.title,
                        "approved_by": [*run.approved_by],
                        "plan": plan_json(run.plan),
                    }
                )
        return web.json_response({"items": items, "next": page.next})


async def named_run(runs: Runs, request: web.Request) -> RunRow:
    """The run of one's tenants that the request's id, or the unique beginning of one, names.

    Raises:
        NoSuchIncident: there is none.
        Impossible: there are several.
    """
    prefix = request.match_info["id"].lower()
    found = await runs.named(prefix, tenants(request))
    if not found:
        raise NoSuchIncident(f"there is no run {one_line(prefix, 40)}")
    if len(found) > 1:
        raise Impossible(f"more than one run begins with {prefix}: {found[0].id}, {found[1].id}…")
    return found[0]
