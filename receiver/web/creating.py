"""`POST /api/v1/incidents`: incidents that people open, one or many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from aiohttp import web
from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag, TypeAdapter

from receiver.engine.events import AnyEvent
from receiver.engine.incident import Incident
from receiver.engine.occurrence import new_id, one_line
from receiver.raising import Raising, Wanted
from receiver.respond import LONGEST_COMMENT, Forbidden, NotPossible
from receiver.web import answers
from receiver.web.access import asking
from receiver.web.declared import Said, operation
from receiver.web.idempotency import key_of
from receiver.web.shapes import acted_json
from tocsin.model import Severity

MOST = 1_000  # incidents in one request
PATH = "/api/v1/incidents"


def _title(text: str) -> str:
    line = one_line(text)
    if not line:
        raise ValueError("must say something")
    return line


Label = Annotated[str, Field(max_length=2_000)]
Tenant = Annotated[str, Field(max_length=200), AfterValidator(lambda text: one_line(text, 200))]


class New(Said):
    """An incident without alerts, under the route that its labels match; `notify` are told at once, before its policy.

    To `labels` come `severity` and the tenant.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"title": "Payments are stuck", "severity": "critical", "by": "alice"}]}
    )

    title: Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"[!-~]"), AfterValidator(_title)]
    severity: Severity = Severity.WARNING
    tenant: Tenant = ""
    description: str = Field("", max_length=LONGEST_COMMENT)
    labels: dict[Annotated[str, Field(min_length=1, max_length=200)], Label] = Field({}, max_length=100)
    notify: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field((), max_length=100)
    policy: str = Field("", max_length=200, description="Instead of the one that the labels choose.")
    by: str = Field("", max_length=1_000)


class Many(Said):
    """Several incidents, each with its own result."""

    items: tuple[New, ...] = Field(min_length=1, max_length=MOST)
    by: str = Field("", max_length=1_000)


def _which(said: object) -> str:
    return "many" if isinstance(said, dict) and "items" in said else "one"


NewOrMany: TypeAdapter[New | Many] = TypeAdapter(
    Annotated[Annotated[New, Tag("one")] | Annotated[Many, Tag("many")], Discriminator(_which)]
)


class Creating:
    """Opens incidents by hand. `fresh` gives a text that nobody had before, where no key names the request."""

    def __init__(self, raising: Raising, fresh: Callable[[], str]) -> None:
        self._raising = raising
        self._fresh = fresh

    def routes(self) -> list[web.RouteDef]:
        return [web.post(PATH, self.create)]

    @operation(
        "Open an incident by hand",
        "incidents:write",
        {200: answers.ActedJson | answers.ResultsJson, 201: answers.ActedJson},
        takes=NewOrMany,
        problems=(409,),
    )
    async def create(self, request: web.Request, said: New | Many) -> web.Response:
        """201 with the incident; with `items` 200 with each one's result.

        The same `Idempotency-Key` names the same incident, for good: sent again, nothing is opened twice.
        """
        key = key_of(request)
        seed = f"{asking(request, '').name}/{key}" if key else self._fresh()
        if isinstance(said, Many):
            found: answers.ResultsJson = {"items": await self._many(seed, said, request), "more": False}
            return web.json_response(found)
        name = new_id("incident", seed)
        events = self._raising.opening(name, _wanted(said), asking(request, said.by))
        incident, opened = (await self._raising.open({name: events}))[name]
        told = acted_json(incident, changed=opened, reason=_outcome(incident, opened))
        status = 201 if opened else 200
        return web.json_response(told, status=status, headers={"Location": f"{PATH}/{incident.id}"})

    async def _many(self, seed: str, said: Many, request: web.Request) -> list[answers.ResultJson]:
        """What can be opened is, in one commit; the others tell why not."""
        names = [new_id("incident", seed, number) for number in range(len(said.items))]
        openings: dict[str, list[AnyEvent]] = {}
        refused: dict[str, answers.ResultJson] = {}
        for name, one in zip(names, said.items, strict=True):
            try:
                openings[name] = self._raising.opening(name, _wanted(one), asking(request, one.by or said.by))
            except (Forbidden, NotPossible) as error:
                status = 403 if isinstance(error, Forbidden) else 409
                refused[name] = {"id": None, "status": status, "changed": False, "reason": str(error)}
        opened = await self._raising.open(openings)
        return [refused.get(name) or _result(*opened[name]) for name in names]


def _wanted(said: New) -> Wanted:
    return Wanted(said.title, said.severity, said.tenant, said.description, said.labels, said.notify, said.policy)


def _result(incident: Incident, opened: bool) -> answers.ResultJson:
    status, reason = 201 if opened else 200, _outcome(incident, opened)
    return {"id": incident.id, "status": status, "changed": opened, "reason": reason}


def _outcome(incident: Incident, opened: bool) -> str:
    """What came of it, and whom it reaches: an incident that tells nobody says so."""
    if not opened:
        return "it was opened before, by the same Idempotency-Key"
    if not incident.escalation:
        return "opened; nobody is told: no policy applies to it, and no `notify` names anybody"
    return f"opened under the policy {incident.plan.policy}" if incident.plan.policy else "opened"
