"""The JSON API (DESIGN.md §9): what there is. What people do about it is in `responses.py` and `decisions.py`."""

from __future__ import annotations

from typing import Any, Literal

from aiohttp import web
from pydantic import Field

from receiver.access.principal import Tenants
from receiver.decide import NoSuchIncident
from receiver.engine.incident import Incident
from receiver.engine.occurrence import OccurrenceStatus, one_line
from receiver.notify.runs_told import Manner, told
from receiver.notify.speech import Speech
from receiver.store.queries import Page, Queries
from receiver.store.stories import Stories
from receiver.web import answers
from receiver.web.access import tenants
from receiver.web.declared import Asked, Flag, Media, operation
from receiver.web.filters import DEFAULT_LIMIT, Limit, Listing, Paged, wanted
from receiver.web.pictures import DRAWN, picture
from receiver.web.problems import Impossible
from receiver.web.shapes import alert_json, event_json, incident_json, placing_json, tree_json

SPEECH = Speech.to(None)


class Alerts(Paged):
    """Which alerts, newest first; `suppressed`: those that are held back, or those that are not."""

    status: OccurrenceStatus | None = None
    incident: str | None = Field(None, max_length=200, description="An incident's whole id.")
    suppressed: Flag | None = None


class Drawn(Asked):
    """How it is drawn."""

    format: Literal["svg", "mermaid"] = "svg"


class Timeline(Asked):
    """How many events at once, and behind which."""

    limit: Limit = DEFAULT_LIMIT
    cursor: int = Field(0, ge=0, le=2**31, description="The `next` of the page before.")


class Api:
    """Incidents and alerts."""

    def __init__(self, queries: Queries, stories: Stories) -> None:
        self._queries = queries
        self._stories = stories

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/incidents", self.incidents),
            web.get("/api/v1/incidents/{id:(?!actions$)[^{}/]+}", self.incident),
            web.get("/api/v1/incidents/{id}/timeline", self.timeline),
            web.get("/api/v1/incidents/{id}/graph", self.graph),
            web.get("/api/v1/alerts", self.alerts),
        ]

    @operation("List incidents", "incidents:read", {200: answers.Page[answers.IncidentJson]}, takes=Listing)
    async def incidents(self, request: web.Request, asked: Listing) -> web.Response:
        """Newest first. A page can hold fewer than asked for, and even none, and still have a `next`."""
        page = await self._queries.incidents(wanted(asked, tenants(request)), limit=asked.limit, after=asked.cursor)
        return _page(page, [incident_json(incident) for incident in page.items])

    @operation("List alerts", "incidents:read", {200: answers.Page[answers.AlertJson]}, takes=Alerts, tag="alerts")
    async def alerts(self, request: web.Request, asked: Alerts) -> web.Response:
        """Newest first, with the reason why one is held back."""
        suppressed = None if asked.suppressed is None else asked.suppressed == "true"
        status = asked.status.value if asked.status else None
        page = await self._queries.alerts(
            status=status,
            incident=asked.incident,
            limit=asked.limit,
            after=asked.cursor,
            suppressed=suppressed,
            tenants=tenants(request),
        )
        held = await self._queries.suppressions(page.items)
        return _page(page, [alert_json(occurrence, held.get(occurrence.id)) for occurrence in page.items])

    @operation("Show an incident", "incidents:read", {200: answers.IncidentStoryJson}, problems=(404, 409))
    async def incident(self, request: web.Request) -> web.Response:
        """With its story, the tree of its alerts, and the likeliest causes among them."""
        incident = await self._named(request)
        story = await self._stories.story(incident)
        tree = story.tree
        answer: answers.IncidentStoryJson = {
            **incident_json(incident),
            "part_of": (await home(self._queries, incident)).id if incident.merged_into else None,
            "remediation": told(incident, story.timeline, Manner(SPEECH, SPEECH.time)),
            "tree": tree_json(tree),
            "alert_list": [
                {**alert_json(story.alerts[name]), **placing_json(tree.placings[name])}
                for name in tree.order[:DEFAULT_LIMIT]
            ],
            "timeline": [event_json(at, event) for at, event in story.timeline],
        }
        return web.json_response(answer)

    @operation(
        "List what happened to an incident",
        "incidents:read",
        {200: answers.Page[answers.Event]},
        takes=Timeline,
        problems=(404, 409),
    )
    async def timeline(self, request: web.Request, asked: Timeline) -> web.Response:
        """In the order in which it happened. A cursor stays good: what happens later comes behind it."""
        incident = await self._named(request)
        found = await self._queries.timeline(incident.id, asked.cursor, asked.limit + 1)
        following = str(asked.cursor + asked.limit) if len(found) > asked.limit else None
        items = [event_json(at, event) for at, event in found[: asked.limit]]
        return web.json_response({"items": items, "next": following})

    @operation(
        "Draw an incident",
        "incidents:read",
        {200: (Media("image/svg+xml", "The tree as a picture."), Media("text/plain", "The tree in Mermaid."))},
        takes=Drawn,
        problems=(404, 409),
    )
    async def graph(self, request: web.Request, asked: Drawn) -> web.Response:
        """Arrows lead from the cause to what follows from it."""
        incident = await self._named(request)
        story = await self._stories.story(incident)
        draw, content_type = DRAWN[asked.format]
        return web.Response(text=draw(picture(incident, story.tree)), content_type=content_type)

    async def _named(self, request: web.Request) -> Incident:
        return await named(self._queries, request.match_info["id"], tenants(request))


async def named(queries: Queries, prefix: str, tenants: Tenants) -> Incident:
    """The incident of these tenants (None: of any) that an id, or the unique beginning of one, names.

    Raises:
        NoSuchIncident: there is none.
        Impossible: there are several.
    """
    prefix = prefix.lower()
    found = await queries.named(prefix, tenants)
    if not found:
        raise NoSuchIncident(f"there is no incident {one_line(prefix, 40)}")
    if len(found) > 1:
        raise Impossible(f"more than one incident begins with {prefix}: {found[0].id}, {found[1].id}…")
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


def _page(page: Page[Any], items: list[Any]) -> web.Response:
    return web.json_response({"items": items, "next": page.next})
