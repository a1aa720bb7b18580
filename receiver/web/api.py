"""The JSON API (DESIGN.md §9): what there is, and what people do about it."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from receiver.decide import Decider, NoSuchIncident
from receiver.engine.events import Acknowledged, Resolved
from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.occurrence import OccurrenceStatus, one_line
from receiver.store.queries import Cursor, Page, Queries
from receiver.store.stories import Stories
from receiver.web.pictures import DRAWN, picture
from receiver.web.problems import BadRequest
from receiver.web.shapes import alert_json, event_json, incident_json, placing_json, tree_json

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100


class _Action(msgspec.Struct):
    """The body of an action; all of it may be absent."""

    by: str = ""


class Api:
    """Incidents and alerts."""

    def __init__(self, queries: Queries, decider: Decider, stories: Stories) -> None:
        self._queries = queries
        self._stories = stories
        self._decider = decider

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/incidents", self.incidents),
            web.get("/api/v1/incidents/{id}", self.incident),
            web.get("/api/v1/incidents/{id}/graph", self.graph),
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
        """One incident with its story, the tree of its alerts, and the likeliest causes among them."""
        incident = await self._named(request)
        story = await self._stories.story(incident)
        tree = story.tree
        details = {
            "part_of": (await home(self._queries, incident)).id if incident.merged_into else None,
            "tree": tree_json(tree),
            "alert_list": [
                alert_json(story.alerts[name]) | placing_json(tree.placings[name])
                for name in tree.order[:DEFAULT_LIMIT]
            ],
            "timeline": [event_json(at, event) for at, event in story.timeline],
        }
        return web.json_response(incident_json(incident) | details)

    async def graph(self, request: web.Request) -> web.Response:
        """The tree as a picture."""
        wanted = request.query.get("format", "svg")
        if wanted not in DRAWN:
            raise BadRequest(f"format must be one of {', '.join(DRAWN)}")
        incident = await self._named(request)
        story = await self._stories.story(incident)
        draw, content_type = DRAWN[wanted]
        return web.Response(text=draw(picture(incident, story.tree)), content_type=content_type)

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
        return await named(self._queries, request.match_info["id"])


async def named(queries: Queries, prefix: str) -> Incident:
    """The incident that an id, or the unique beginning of one, names.

    Raises:
        NoSuchIncident: there is none.
        BadRequest: there are several.
    """
    prefix = prefix.lower()
    found = await queries.named(prefix)
    if not found:
        raise NoSuchIncident(f"there is no incident {one_line(prefix, 40)}")
    if len(found) > 1:
        raise BadRequest(f"more than one incident begins with {prefix}: {found[0].id}, {found[1].id}…")
    return found[0]


async def home(queries: Queries, incident: Incident) -> Incident:
    """The incident that this one is part of now, itself where it is part of none."""
    seen = {incident.id}
    while incident.merged_into and incident.merged_into not in seen:
        seen.add(incident.merged_into)
        found = await queries.named(incident.merged_into)
        if not found:  # retention took it
            break
        incident = found[0]
    return incident


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
