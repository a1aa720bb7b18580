"""What people do about an incident: acknowledge, resolve, snooze, give it to somebody; one by one, or many at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal, Self

from aiohttp import web
from pydantic import ConfigDict, Field, model_validator

from receiver.decide import NoSuchIncident
from receiver.engine.occurrence import one_line
from receiver.engine.policy import Step
from receiver.respond import Answer, Responder
from receiver.store.queries import Queries
from receiver.web import answers
from receiver.web.access import asking, tenants
from receiver.web.api import named
from receiver.web.bodies import Comment, Escalate, Long, Name, Rate, Reasoned, Reassign, Snooze, Text
from receiver.web.declared import Moment, operation
from receiver.web.filters import Filter, filtered
from receiver.web.problems import BadRequest, Impossible, problem_of
from receiver.web.shapes import acted_json
from tocsin.clock import Clock
from tocsin.errors import TocsinError
from tocsin.model import Severity

MOST = 1_000  # incidents in one request
PATH = "/api/v1/incidents/{id}"
NEEDS: dict[str, Any] = {  # what an action cannot do without
    "snooze": {"oneOf": [{"required": ["until"]}, {"required": ["for"]}]},
    "reassign": {"required": ["to"]},
    "severity": {"required": ["severity"]},
    "comment": {"required": ["text"]},
}
ACTED = {200: answers.ActedJson}
REFUSED = (404, 409)


class Bulk(Reasoned):
    """One action on many incidents, named by `ids` or found by `filter`; the fields of that action as for one."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["ids"]}, {"required": ["filter"]}],
            "allOf": [
                {"if": {"properties": {"action": {"const": action}}}, "then": then} for action, then in NEEDS.items()
            ],
            "examples": [{"action": "acknowledge", "filter": {"tenant": "acme", "text": "payments"}, "by": "alice"}],
        }
    )

    action: Literal["acknowledge", "resolve", "snooze", "unsnooze", "reassign", "escalate", "severity", "comment"]
    ids: tuple[Name, ...] = Field((), min_length=1, max_length=MOST)
    filter: Filter = None  # type: ignore[assignment]  # absent, never null
    until: Moment = None  # type: ignore[assignment]
    for_: Long = Field(None, alias="for")  # type: ignore[assignment]
    to: Name = ""
    policy: Name = ""
    severity: Severity = None  # type: ignore[assignment]
    text: Text = ""

    @model_validator(mode="after")
    def _names_some(self) -> Self:
        if bool(self.ids) == (self.filter is not None):
            raise ValueError("say which incidents, as `ids` or as a `filter`")
        return self


class Responses:
    """`/api/v1/incidents/{id}/ACTION` and `/api/v1/incidents/actions`."""

    def __init__(self, queries: Queries, responder: Responder, clock: Clock) -> None:
        self._queries = queries
        self._responder = responder
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/v1/incidents/actions", self.many),
            web.post(f"{PATH}/acknowledge", self.acknowledge),
            web.post(f"{PATH}/resolve", self.resolve),
            web.post(f"{PATH}/snooze", self.snooze),
            web.post(f"{PATH}/unsnooze", self.unsnooze),
            web.post(f"{PATH}/reassign", self.reassign),
            web.post(f"{PATH}/escalate", self.escalate),
            web.post(f"{PATH}/severity", self.severity),
            web.post(f"{PATH}/comment", self.comment),
        ]

    @operation("Say that somebody has it", "incidents:write", ACTED, takes=Reasoned, problems=REFUSED)
    async def acknowledge(self, request: web.Request, said: Reasoned) -> web.Response:
        """Nobody else is told. 200 whether or not it changed anything: what was wanted is so, and `changed` tells."""
        return await self._respond(request, said.by, Answer("acknowledge", text=said.reason))

    @operation("Say that it is over", "incidents:write", ACTED, takes=Reasoned, problems=REFUSED)
    async def resolve(self, request: web.Request, said: Reasoned) -> web.Response:
        """Alerts that still fire page again only once they have ended and come back."""
        return await self._respond(request, said.by, Answer("resolve", text=said.reason))

    @operation("Leave it alone for a while", "incidents:write", ACTED, takes=Snooze, problems=REFUSED)
    async def snooze(self, request: web.Request, said: Snooze) -> web.Response:
        """It counts as acknowledged until then; if it is still open, it escalates anew. At most 30 days."""
        return await self._respond(request, said.by, Answer("snooze", until=self._until(said), text=said.reason))

    @operation("End a snooze", "incidents:write", ACTED, takes=Reasoned, problems=REFUSED)
    async def unsnooze(self, request: web.Request, said: Reasoned) -> web.Response:
        """It escalates from its first step on."""
        return await self._respond(request, said.by, Answer("unsnooze", text=said.reason))

    @operation("Give it to somebody else", "incidents:write", ACTED, takes=Reassign, problems=REFUSED)
    async def reassign(self, request: web.Request, said: Reassign) -> web.Response:
        """They are told at once; if they do not acknowledge within 10 minutes the policy goes on."""
        return await self._respond(request, said.by, Answer("reassign", to=said.to, text=said.reason))

    @operation("Tell the next people now", "incidents:write", ACTED, takes=Escalate, problems=REFUSED)
    async def escalate(self, request: web.Request, said: Escalate) -> web.Response:
        """The next step of its policy comes now or, with `policy`, that one from its beginning."""
        return await self._respond(request, said.by, Answer("escalate", to=said.policy, text=said.reason))

    @operation("Say how bad it is", "incidents:write", ACTED, takes=Rate, problems=REFUSED)
    async def severity(self, request: web.Request, said: Rate) -> web.Response:
        """People may raise and lower it; the SLA's clocks go by it."""
        return await self._respond(request, said.by, Answer("severity", severity=said.severity, text=said.reason))

    @operation("Say something of it", "incidents:write", ACTED, takes=Comment, problems=REFUSED)
    async def comment(self, request: web.Request, said: Comment) -> web.Response:
        """It stands on the timeline, and whoever follows the incident sees it."""
        return await self._respond(request, said.by, Answer("comment", text=said.text))

    @operation("Do one thing with many", "incidents:write", {200: answers.ResultsJson}, takes=Bulk)
    async def many(self, request: web.Request, said: Bulk) -> web.Response:
        """At most 1,000, each with its own result; one that cannot be done keeps none of the others from it."""
        answer, who = self._answer(said), asking(request, said.by)
        found: answers.ResultsJson = {"items": [], "more": False}
        if "filter" in said.model_fields_set:
            page = await filtered(self._queries, said.filter, MOST, tenants(request))
            ids, found["more"] = {incident.id: incident.id for incident in page.items}, page.next is not None
        else:
            ids = {}
            for prefix in dict.fromkeys(said.ids):
                try:
                    ids[prefix] = (await named(self._queries, prefix, tenants(request))).id
                except (NoSuchIncident, Impossible) as error:
                    found["items"].append(_refused(prefix, error))
        done = await self._responder.respond_all(list(dict.fromkeys(ids.values())), answer, who)
        found["items"] += [_result(prefix, done[name]) for prefix, name in ids.items()]
        return web.json_response(found)

    async def _respond(self, request: web.Request, by: str, answer: Answer) -> web.Response:
        incident = await named(self._queries, request.match_info["id"], tenants(request))
        step = await self._responder.respond(incident.id, answer, asking(request, by))
        return web.json_response(acted_json(step.incident, changed=bool(step.events), reason=step.reason))

    def _answer(self, said: Bulk) -> Answer:
        """The answer that is given for each; what that action needs and is not said is a bad request."""
        needs: dict[str, tuple[str, Any]] = {
            "snooze": ("until", said.until or said.for_),
            "reassign": ("to", said.to),
            "severity": ("severity", said.severity),
            "comment": ("text", said.text),
        }
        field, value = needs.get(said.action, ("", True))
        if not value:
            raise BadRequest(f"{said.action} needs {field}", [(field, "is missing")])
        if said.action == "snooze" and said.until and said.for_:
            raise BadRequest("say until when, as `until` or as `for` how long", [("until", "is told twice")])
        until = self._until(said) if said.action == "snooze" else None
        to = said.policy if said.action == "escalate" else said.to
        return Answer(said.action, until, to, said.severity, said.text or said.reason)

    def _until(self, said: Snooze | Bulk) -> datetime:
        return said.until or self._clock.now() + _bounded(said.for_)


def _bounded(duration: timedelta) -> timedelta:
    """What no calendar holds is as good as ten years, which is refused with the reason."""
    return min(duration, timedelta(days=3650))


def _result(wanted: str, done: Step | TocsinError) -> answers.ResultJson:
    if isinstance(done, TocsinError):
        return _refused(wanted, done)
    return {"id": done.incident.id, "status": 200, "changed": bool(done.events), "reason": done.reason}


def _refused(wanted: str, error: Exception) -> answers.ResultJson:
    found = problem_of(error)
    status = 500 if found is None else found.status
    return {"id": one_line(wanted, 40), "status": status, "changed": False, "reason": str(error)}
