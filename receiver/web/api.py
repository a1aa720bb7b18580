"""The JSON API (DESIGN.md §9): what there is, and what people do about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from receiver.decide import Decider, NoSuchIncident
from receiver.engine.held import Suppression
from receiver.engine.incident import Acknowledged, AnyEvent, Incident, IncidentStatus, Resolved
from receiver.engine.occurrence import Occurrence, OccurrenceStatus, one_line
from receiver.store.queries import Cursor, Page, Queries
from receiver.web.problems import BadRequest

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100


class _Action(msgspec.Struct):
    """The body of an action; all of it may be absent."""

    by: str = ""


class Api:
    """Incidents and alerts."""

    def __init__(self, queries: Queries, decider: Decider) -> None:
        self._queries = queries
        self._decider = decider

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/incidents", self.incidents),
            web.get("/api/v1/incidents/{id}", self.incident),
            web.post("/api/v1/incidents/{id}/acknowledge", self.acknowledge),
            web.post("/api/v1/incidents/{id}/resolve", self.resolve),
            web.get("/api/v1/alerts", self.alerts),
        ]

    async def incidents(self, request: web.Request) -> web.Response:
        limit, after, status = _listing(request, {status.value for status in IncidentStatus})
        page = await self._queries.incidents(status=status, limit=limit, after=after)
        return _page(page, [incident_json(incident) for incident in page.items])

    async def alerts(self, request: web.Request) -> web.Response:
        limit, after, status = _listing(request, {status.value for status in OccurrenceStatus})
        incident = request.query.get("incident")
        page = await self._queries.alerts(
            status=status, incident=incident, limit=limit, after=after, suppressed=_suppressed(request)
        )
        held = await self._queries.suppressions(page.items)
        return _page(page, [alert_json(occurrence, held.get(occurrence.id)) for occurrence in page.items])

    async def incident(self, request: web.Request) -> web.Response:
        """One incident with its story and the first of its alerts."""
        incident = await self._named(request)
        alerts = await self._queries.alerts(status=None, incident=incident.id, limit=DEFAULT_LIMIT, after=None)
        story = await self._queries.timeline(incident.id)
        details = {
            "alert_list": [alert_json(occurrence) for occurrence in alerts.items],
            "timeline": [event_json(at, event) for at, event in story],
        }
        return web.json_response(incident_json(incident) | details)

    async def acknowledge(self, request: web.Request) -> web.Response:
        return await self._decide(request, Acknowledged)

    async def resolve(self, request: web.Request) -> web.Response:
        return await self._decide(request, lambda by: Resolved(by, "resolved by hand"))

    async def _decide(self, request: web.Request, event: Any) -> web.Response:
        """Says 200 whether or not it changed anything: what was wanted is so. `changed` and `reason` tell."""
        incident = await self._named(request)
        step = await self._decider.decide(incident.id, event(await _by(request)))
        answer = {"changed": bool(step.events), "reason": step.reason}
        return web.json_response(incident_json(step.incident) | answer)

    async def _named(self, request: web.Request) -> Incident:
        """The incident that an id, or the unique beginning of one, names."""
        prefix = request.match_info["id"].lower()
        found = await self._queries.named(prefix)
        if not found:
            raise NoSuchIncident(f"there is no incident {one_line(prefix, 40)}")
        if len(found) > 1:
            raise BadRequest(f"more than one incident begins with {prefix}: {found[0].id}, {found[1].id}…")
        return found[0]


async def _by(request: web.Request) -> str:
    content = await request.read()
    try:
        said = msgspec.json.decode(content, type=_Action) if content else _Action()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f'the body must be {{"by": "who"}}: {error}') from error
    return one_line(said.by, 100) or "somebody"


def _listing(request: web.Request, statuses: set[str]) -> tuple[int, Cursor | None, str | None]:
    """`limit`, `cursor` and `status` of a list."""
    text = request.query.get("limit", str(DEFAULT_LIMIT))
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:9]) <= MAX_LIMIT:
        raise BadRequest(f"limit must be a whole number from 1 to {MAX_LIMIT}")
    status = request.query.get("status")
    if status is not None and status not in statuses:
        raise BadRequest(f"status must be one of {', '.join(sorted(statuses))}")
    cursor = request.query.get("cursor")
    try:
        return int(text), None if cursor is None else Cursor.parse(cursor), status
    except ValueError as error:
        raise BadRequest(str(error)) from error


def _suppressed(request: web.Request) -> bool | None:
    """`suppressed` of a list of alerts: true, false, or both kinds."""
    text = request.query.get("suppressed")
    if text not in (None, "true", "false"):
        raise BadRequest("suppressed must be true or false")
    return None if text is None else text == "true"


def _page(page: Page[Any], items: list[dict[str, Any]]) -> web.Response:
    return web.json_response({"items": items, "next": page.next})


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def incident_json(incident: Incident) -> dict[str, Any]:
    return {
        "id": incident.id,
        "status": incident.status.value,
        "severity": incident.severity.value,
        "title": incident.title,
        "tenant": incident.tenant,
        "source": incident.source,
        "opened_at": _time(incident.opened_at),
        "acknowledged_at": _time(incident.acknowledged_at),
        "acknowledged_by": incident.acknowledged_by or None,
        "resolved_at": _time(incident.resolved_at),
        "resolved_by": incident.resolved_by or None,
        "reopened": incident.reopened,
        "reopened_at": _time(incident.reopened_at),
        "alerts": incident.alerts,
        "firing": incident.firing,
    }


def alert_json(occurrence: Occurrence, suppression: Suppression | None = None) -> dict[str, Any]:
    return {
        "id": occurrence.id,
        "fingerprint": occurrence.fingerprint,
        "starts_at": _time(occurrence.starts_at),
        "ends_at": _time(occurrence.ends_at),
        "status": occurrence.status.value,
        "labels": dict(occurrence.labels),
        "annotations": dict(occurrence.annotations),
        "source": occurrence.source,
        "incident": occurrence.incident,
        "suppressed": None if suppression is None else suppression_json(suppression),
    }


def suppression_json(suppression: Suppression) -> dict[str, Any]:
    """Why an alert is held back; `incident` has it on its timeline, at `until` it is looked at again."""
    hold = suppression.hold
    return {
        "kind": hold.kind.value,
        "reason": hold.reason,
        "by": hold.by or None,
        "incident": hold.by if hold.kind.by_incident else None,
        "since": _time(suppression.since),
        "until": _time(hold.look_at),
    }


def event_json(at: datetime, event: AnyEvent) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(event)
    return {"at": _time(at)} | told
