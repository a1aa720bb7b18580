"""Maintenance windows over HTTP: those of the configuration, and those that people add and end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from aiohttp import web
from pydantic import Field

from receiver.engine.maintenance import MaintenanceSettings, configured_id
from receiver.engine.occurrence import one_line
from receiver.engine.schedule import next_span, span_at
from receiver.store.windows import StoredWindow, Windows
from receiver.web import answers
from receiver.web.access import Refused, asking, tenants
from receiver.web.bodies import By
from receiver.web.declared import Asked, operation
from receiver.web.filters import DEFAULT_LIMIT, Limit
from receiver.web.problems import BadRequest, Impossible, problem
from tocsin.clock import Clock

CONFIGURED = "configuration"
PAGE = answers.Page[answers.MaintenanceJson]


class NewWindow(MaintenanceSettings):
    """A window as in the configuration, and who adds it."""

    by: str = Field("", max_length=1_000)


class Windowing(Asked):
    """How many at once, and behind which."""

    limit: Limit = DEFAULT_LIMIT
    cursor: str | None = Field(None, description="The `next` of the page before.")


class MaintenanceApi:
    """`/api/v1/maintenance`."""

    def __init__(self, windows: Windows, configured: Sequence[MaintenanceSettings], clock: Clock) -> None:
        self._windows = windows
        self._clock = clock
        self.configure(configured)

    def configure(self, configured: Sequence[MaintenanceSettings]) -> None:
        """Takes over the windows of another configuration; the engine gets them with its own rules."""
        self._configured = {configured_id(settings): settings for settings in configured}

    def routes(self) -> list[web.RouteDef]:
        path = "/api/v1/maintenance"
        return [
            web.get(path, self.list),
            web.post(path, self.add),
            web.post(f"{path}/{{id}}/end", self.end),
        ]

    @operation("List maintenance windows", "incidents:read", {200: PAGE}, takes=Windowing, tag="maintenance")
    async def list(self, request: web.Request, asked: Windowing) -> web.Response:
        """Every window of one's tenants, or of all, whatever has become of it; the configured ones first."""
        now = self._clock.now()
        items = [_json(window, settings, now, None) for window, settings in self._configured.items()]
        items += [_json(stored.id, stored.settings, now, stored) for stored in await self._windows.all()]
        theirs = tenants(request)
        items = [item for item in items if theirs is None or not item["tenant"] or item["tenant"] in theirs]
        places = {item["id"]: place for place, item in enumerate(items, start=1)}
        if asked.cursor and asked.cursor not in places:
            wrong = "is none that this server gave out"
            raise BadRequest(f"cursor {wrong}", [("cursor", wrong)])
        first = places[asked.cursor] if asked.cursor else 0
        page = items[first : first + asked.limit]
        following = page[-1]["id"] if first + len(page) < len(items) else None
        return web.json_response({"items": page, "next": following})

    @operation(
        "Add a maintenance window",
        "incidents:write",
        {201: answers.MaintenanceJson},
        takes=NewWindow,
        tag="maintenance",
    )
    async def add(self, request: web.Request, said: NewWindow) -> web.Response:
        """It holds for every alert that is taken in from now on."""
        settings = MaintenanceSettings.model_validate(said.model_dump(by_alias=True, exclude={"by"}))
        _of_theirs(request, settings.tenant)
        now = self._clock.now()
        if span_at(settings.schedule(), now) is None and next_span(settings.schedule(), now) is None:
            raise BadRequest("the window is over before it was added; check 'from', 'to' and 'timezone'")
        stored = await self._windows.add(settings, asking(request, said.by).name, now)
        return web.json_response(_json(stored.id, settings, now, stored), status=201)

    @operation(
        "End a maintenance window",
        "incidents:write",
        {200: answers.MaintenanceJson},
        takes=By,
        problems=(404,),
        tag="maintenance",
    )
    async def end(self, request: web.Request, said: By) -> web.Response:
        """Ends a window now; 200 whether or not it had been ended before."""
        prefix = request.match_info["id"].lower()
        for window, settings in self._configured.items():
            if window.startswith(prefix):
                raise BadRequest(
                    f"the window {settings.name!r} is in the configuration file; take it out there and reload"
                )
        theirs = tenants(request)
        found = [stored for stored in await self._windows.all() if stored.id.startswith(prefix)]
        found = [one for one in found if theirs is None or not one.settings.tenant or one.settings.tenant in theirs]
        if not found:
            return problem(404, f"there is no maintenance window {one_line(prefix, 40)}")
        if len(found) > 1:
            raise Impossible(f"more than one window begins with {prefix}: {found[0].id}, {found[1].id}…")
        _of_theirs(request, found[0].settings.tenant)
        changed = await self._windows.end(found[0].id, asking(request, said.by).name, self._clock.now())
        (stored,) = [one for one in await self._windows.all() if one.id == found[0].id]
        told = _json(stored.id, stored.settings, self._clock.now(), stored)
        told["changed"] = changed
        return web.json_response(told)


def _of_theirs(request: web.Request, tenant: str) -> None:
    """Raises Refused where a window is not for a tenant of whoever asks alone."""
    theirs = tenants(request)
    if theirs is not None and tenant not in theirs:
        named = f"the tenant {tenant}" if tenant else "every tenant"
        way = f"name one of yours ({', '.join(sorted(theirs))})"
        raise Refused("tenant", f"the window is for {named}, and you act for some tenants only: {way}")


def _json(
    window: str, settings: MaintenanceSettings, now: datetime, stored: StoredWindow | None
) -> answers.MaintenanceJson:
    schedule = settings.schedule()
    ended_at = stored.ended_at if stored else None
    span = None if ended_at else span_at(schedule, now)
    upcoming = None if ended_at else next_span(schedule, now)
    shown = span or upcoming
    told: answers.MaintenanceJson = {
        "id": window,
        **settings.model_dump(mode="json", by_alias=True),  # type: ignore[typeddict-item]  # its settings
        "origin": "runtime" if stored else CONFIGURED,
        "status": "active" if span else "scheduled" if upcoming else "ended",
        "starts_at": _time(shown.start) if shown else None,
        "ends_at": _time(shown.end) if shown else None,
        "created_at": _time(stored.created_at) if stored else None,
        "created_by": stored.created_by if stored else None,
        "ended_at": _time(ended_at) if ended_at else None,
        "ended_by": stored.ended_by if stored else None,
    }
    return told


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
