"""What people decide about incidents, over HTTP: merge, split, move, mark. The engine carries it out, in its order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from aiohttp import web

from receiver.engine.causes.people import What, decision
from receiver.engine.events import AlertsLeft, AnyEvent, CauseMarked, MergedInto, NoiseMarked
from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.occurrence import Occurrence, one_line
from receiver.store.inbox import Inbox
from receiver.store.queries import Queries
from receiver.web.api import home, named
from receiver.web.named_alerts import NamedAlerts
from receiver.web.problems import BadRequest, Impossible
from receiver.web.shapes import incident_json
from tocsin.clock import Clock

WAIT_SECONDS = 5.0  # for the engine
LOOK_SECONDS = 0.02
SAYS: dict[What, type[AnyEvent]] = {  # the event by which an incident tells that it was carried out
    What.MERGE: MergedInto,
    What.MOVE: AlertsLeft,
    What.CAUSE: CauseMarked,
    What.NOISE: NoiseMarked,
}


class _Said(msgspec.Struct):
    """The body of a decision. Alerts are named by id, by its beginning, or all of one alert name by `name`."""

    by: str = ""
    into: str = ""
    to: str = ""
    alert: str = ""
    alerts: list[str] = []
    name: str = ""


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
        return [web.post(f"{path}/{name}", self._handled(does)) for name, does in wanted.items()]

    def _handled(
        self, does: Callable[[Incident, _Said], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            said = await _said(request)
            return await does(await self._standing(request.match_info["id"]), said)

        return handle

    async def merge(self, incident: Incident, said: _Said) -> web.Response:
        """This incident becomes part of another."""
        if not said.into:
            raise BadRequest('say into which incident: {"into": "its id"}')
        into = await self._standing(said.into)
        _differ(incident, into)
        if into.status is IncidentStatus.RESOLVED and incident.status is not IncidentStatus.RESOLVED:
            raise Impossible(
                f"{into.id} is resolved, and what is open would end in it unheard; "
                f"merge the other way round: {into.id} into {incident.id}"
            )
        words = f"{said.by} merged {incident.id} into {into.id}"
        return await self._carry_out(What.MERGE, incident, said.by, words, to=into.id)

    async def split(self, incident: Incident, said: _Said) -> web.Response:
        """Alerts become an incident of their own."""
        alerts = await self._alerts.of(incident, said.alerts, said.name)
        if await self._alerts.are_all(incident, alerts):
            raise Impossible(f"that is all of {incident.id}: nothing would be left to split them from")
        words = f"{said.by} took {_count(alerts)} out of {incident.id}"
        return await self._carry_out(What.MOVE, incident, said.by, words, alerts=alerts)

    async def move(self, incident: Incident, said: _Said) -> web.Response:
        """Alerts become part of another open incident."""
        if not said.to:
            raise BadRequest('say to which incident: {"to": "its id"}; for one of their own use split')
        to = await self._standing(said.to)
        _differ(incident, to)
        if to.status is IncidentStatus.RESOLVED:
            raise Impossible(f"{to.id} is resolved; alerts can be moved to an open incident, or split off")
        alerts = await self._alerts.of(incident, said.alerts, said.name)
        words = f"{said.by} moved {_count(alerts)} from {incident.id} to {to.id}"
        return await self._carry_out(What.MOVE, incident, said.by, words, to=to.id, alerts=alerts)

    async def cause(self, incident: Incident, said: _Said) -> web.Response:
        """An alert is the cause; of several of one name the one that began first."""
        wanted = [said.alert, *said.alerts] if said.alert else said.alerts
        if len(wanted) > 1:
            raise BadRequest("one alert is the cause; name one")
        alert = (await self._alerts.of(incident, wanted, said.name))[0]
        words = f"{said.by} marked {alert.name} ({alert.id}) as the cause of {incident.id}"
        if incident.cause is not None and incident.cause.id == alert.id:
            return _answer([incident], f"{alert.name} is marked as the cause of {incident.id} already", changed=False)
        return await self._carry_out(What.CAUSE, incident, said.by, words, alerts=[alert])

    async def noise(self, incident: Incident, said: _Said) -> web.Response:
        """Alerts have nothing to do with it."""
        alerts = [
            one for one in await self._alerts.of(incident, said.alerts, said.name) if one.id not in incident.noise
        ]
        if not alerts:
            return _answer([incident], f"they are marked as noise in {incident.id} already", changed=False)
        words = f"{said.by} marked {_count(alerts)} of {incident.id} as noise"
        return await self._carry_out(What.NOISE, incident, said.by, words, alerts=alerts)

    async def _standing(self, prefix: str) -> Incident:
        """An incident that is not part of another."""
        incident = await named(self._queries, prefix)
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
    told: dict[str, Any] = {"changed": changed, "reason": reason, "incidents": list(map(incident_json, incidents))}
    return web.json_response(told, status=status)


async def _said(request: web.Request) -> _Said:
    content = await request.read()
    try:
        said = msgspec.json.decode(content, type=_Said) if content else _Said()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(
            f'the body must be a JSON object such as {{"by": "who", "alerts": ["id"]}}: {error}'
        ) from error
    said.by = one_line(said.by, 100) or "somebody"
    return said
