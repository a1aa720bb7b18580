"""What people decide about incidents, over HTTP: merge, split, move, mark. The engine carries it out, in its order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from aiohttp import web
from pydantic import ConfigDict, JsonValue
from pydantic.config import JsonDict

from receiver.access.principal import Tenants
from receiver.engine.causes.people import What, decision
from receiver.engine.events import AlertsLeft, AnyEvent, CauseMarked, MergedInto, NoiseMarked
from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.occurrence import Occurrence
from receiver.store.inbox import Inbox
from receiver.store.queries import Queries
from receiver.web import answers
from receiver.web.access import asking, tenants
from receiver.web.api import home, named
from receiver.web.bodies import By, Name
from receiver.web.declared import operation
from receiver.web.named_alerts import NamedAlerts
from receiver.web.problems import BadRequest, Impossible
from receiver.web.shapes import incident_json
from tocsin.clock import Clock

WAIT_SECONDS = 5.0  # for the engine
LOOK_SECONDS = 0.02
ONE: JsonDict = {"required": ["alert"], "properties": {"alert": {"minLength": 1}}}
ONLY_ONE: list[JsonValue] = [
    {"properties": {"alerts": {"maxItems": 1}}},
    {"not": {"required": ["alert", "alerts"]}},
]
NAMED: list[JsonValue] = [
    {"required": ["alerts"], "properties": {"alerts": {"minItems": 1}}},
    {"required": ["name"], "properties": {"name": {"minLength": 1}}},
]
DECIDED = {200: answers.DecidedJson, 202: answers.DecidedJson}
REFUSED = (404, 409)
SAYS: dict[What, type[AnyEvent]] = {  # the event by which an incident tells that it was carried out
    What.MERGE: MergedInto,
    What.MOVE: AlertsLeft,
    What.CAUSE: CauseMarked,
    What.NOISE: NoiseMarked,
}


class ByName(By):
    """Alerts of the incident: by `alerts`, ids or their beginnings, or all of one alert name by `name`."""

    model_config = ConfigDict(json_schema_extra={"anyOf": NAMED})

    alerts: tuple[str, ...] = ()
    name: str = ""


class Merge(By):
    """The incident that goes on."""

    into: Name


class Move(ByName):
    """The open incident that they are part of."""

    to: Name


class Cause(ByName):
    """The alert that is the cause."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [*NAMED, ONE], "allOf": ONLY_ONE})

    alert: str = ""


class DecisionApi:
    """`/api/v1/incidents/{id}/` `merge`, `split`, `move`, `cause` and `noise`."""

    def __init__(self, queries: Queries, inbox: Inbox, clock: Clock) -> None:
        self._queries = queries
        self._inbox = inbox
        self._clock = clock
        self._alerts = NamedAlerts(queries)
        self.wait_seconds = WAIT_SECONDS

    def routes(self) -> list[web.RouteDef]:
        path = "/api/v1/incidents/{id}"
        wanted = {"merge": self.merge, "split": self.split, "move": self.move, "cause": self.cause, "noise": self.noise}
        return [web.post(f"{path}/{name}", does) for name, does in wanted.items()]

    @operation("Make it part of another incident", "incidents:write", DECIDED, takes=Merge, problems=REFUSED)
    async def merge(self, request: web.Request, said: Merge) -> web.Response:
        """It ends; its alerts, and whoever was told of it, count there. 202: taken in, and carried out later."""
        incident, by = await self._standing(request.match_info["id"], tenants(request)), asking(request, said.by).name
        into = await self._standing(said.into, tenants(request))
        _differ(incident, into)
        if into.status is IncidentStatus.RESOLVED and incident.status is not IncidentStatus.RESOLVED:
            raise Impossible(
                f"{into.id} is resolved, and what is open would end in it unheard; "
                f"merge the other way round: {into.id} into {incident.id}"
            )
        words = f"{by} merged {incident.id} into {into.id}"
        return await self._carry_out(What.MERGE, incident, by, words, to=into.id)

    @operation("Take alerts out of an incident", "incidents:write", DECIDED, takes=ByName, problems=REFUSED)
    async def split(self, request: web.Request, said: ByName) -> web.Response:
        """They become an incident of their own. 202: taken in, and carried out later."""
        incident, by = await self._standing(request.match_info["id"], tenants(request)), asking(request, said.by).name
        alerts = await self._alerts.of(incident, said.alerts, said.name)
        if await self._alerts.are_all(incident, alerts):
            raise Impossible(f"that is all of {incident.id}: nothing would be left to split them from")
        words = f"{by} took {_count(alerts)} out of {incident.id}"
        return await self._carry_out(What.MOVE, incident, by, words, alerts=alerts)

    @operation("Move alerts to another incident", "incidents:write", DECIDED, takes=Move, problems=REFUSED)
    async def move(self, request: web.Request, said: Move) -> web.Response:
        """To one that is open; for one of their own use split. 202: taken in, and carried out later."""
        incident, by = await self._standing(request.match_info["id"], tenants(request)), asking(request, said.by).name
        to = await self._standing(said.to, tenants(request))
        _differ(incident, to)
        if to.status is IncidentStatus.RESOLVED:
            raise Impossible(f"{to.id} is resolved; alerts can be moved to an open incident, or split off")
        alerts = await self._alerts.of(incident, said.alerts, said.name)
        words = f"{by} moved {_count(alerts)} from {incident.id} to {to.id}"
        return await self._carry_out(What.MOVE, incident, by, words, to=to.id, alerts=alerts)

    @operation("Say which alert is the cause", "incidents:write", DECIDED, takes=Cause, problems=REFUSED)
    async def cause(self, request: web.Request, said: Cause) -> web.Response:
        """Of several of one name it is the one that began first. 202: taken in, and carried out later."""
        incident, by = await self._standing(request.match_info["id"], tenants(request)), asking(request, said.by).name
        wanted = (said.alert, *said.alerts) if said.alert else said.alerts
        if len(wanted) > 1:
            raise BadRequest("one alert is the cause; name one")
        alert = (await self._alerts.of(incident, wanted, said.name))[0]
        words = f"{by} marked {alert.name} ({alert.id}) as the cause of {incident.id}"
        if incident.cause is not None and incident.cause.id == alert.id:
            return _answer([incident], f"{alert.name} is marked as the cause of {incident.id} already", changed=False)
        return await self._carry_out(What.CAUSE, incident, by, words, alerts=[alert])

    @operation("Say which alerts are noise", "incidents:write", DECIDED, takes=ByName, problems=REFUSED)
    async def noise(self, request: web.Request, said: ByName) -> web.Response:
        """They have nothing to do with it, or with anything. 202: taken in, and carried out later."""
        incident, by = await self._standing(request.match_info["id"], tenants(request)), asking(request, said.by).name
        alerts = [
            one for one in await self._alerts.of(incident, said.alerts, said.name) if one.id not in incident.noise
        ]
        if not alerts:
            return _answer([incident], f"they are marked as noise in {incident.id} already", changed=False)
        words = f"{by} marked {_count(alerts)} of {incident.id} as noise"
        return await self._carry_out(What.NOISE, incident, by, words, alerts=alerts)

    async def _standing(self, prefix: str, tenants: Tenants) -> Incident:
        """An incident that is not part of another."""
        incident = await named(self._queries, prefix, tenants)
        if incident.merged_into:
            whole = await home(self._queries, incident)
            raise Impossible(f"{incident.id} has become part of {whole.id}: decide about that one")
        return incident

    async def _carry_out(
        self, what: What, before: Incident, by: str, words: str, *, to: str = "", alerts: Sequence[Occurrence] = ()
    ) -> web.Response:
        """Hands the decision to the engine and waits until the incident says that it was carried out."""
        body = decision(what, before.id, by, self._clock.now(), to=to, alerts=alerts)
        async with self._inbox.beside(body):
            pass
        deadline = time.monotonic() + self.wait_seconds
        while (event := await self._event(what, before, by)) is None:
            if time.monotonic() >= deadline:
                return await self._not_yet(before)
            await asyncio.sleep(LOOK_SECONDS)
        other = event.to if isinstance(event, AlertsLeft) else to
        found = [one for name in (before.id, other) if name for one in await self._queries.named(name)]
        new = f"; they are the incident {other} now" if what is What.MOVE and not to else ""
        return _answer(found, words + new, changed=True)

    async def _event(self, what: What, before: Incident, by: str) -> AnyEvent | None:
        for _, event in await self._queries.timeline(before.id, after=before.version):
            if isinstance(event, SAYS[what]) and getattr(event, "by", "") == by:
                return event
        return None

    async def _not_yet(self, before: Incident) -> web.Response:
        reason = (
            f"taken in, but the engine has not carried it out within {self.wait_seconds:g} s: it is late, or it has "
            f"become impossible meanwhile (the receiver's log tells); look at tocsin incidents show {before.id}"
        )
        return _answer(await self._queries.named(before.id), reason, changed=False, status=202)


def _differ(incident: Incident, other: Incident) -> None:
    if incident.id == other.id:
        raise Impossible(f"{incident.id} is named twice; name two incidents")
    if incident.tenant != other.tenant:
        raise Impossible(
            f"they are of different tenants, {incident.tenant} and {other.tenant}: nothing crosses a tenant; "
            "name an incident of the same one"
        )


def _count(alerts: Sequence[Occurrence]) -> str:
    return f"{alerts[0].name} ({alerts[0].id})" if len(alerts) == 1 else f"{len(alerts)} alerts"


def _answer(incidents: Sequence[Incident], reason: str, *, changed: bool, status: int = 200) -> web.Response:
    told: answers.DecidedJson = {
        "changed": changed,
        "reason": reason,
        "incidents": list(map(incident_json, incidents)),
    }
    return web.json_response(told, status=status)
