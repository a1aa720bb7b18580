"""Maintenance windows over HTTP: those of the configuration, and those that people add and end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web
from pydantic import ValidationError

from receiver.engine.maintenance import MaintenanceSettings, configured_id
from receiver.engine.occurrence import one_line
from receiver.engine.schedule import next_span, span_at
from receiver.store.windows import StoredWindow, Windows
from receiver.web.problems import BadRequest, problem
from tocsin.clock import Clock

CONFIGURED = "configuration"


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
        return [web.get(path, self.list), web.post(path, self.add), web.post(f"{path}/{{id}}/end", self.end)]

    async def list(self, request: web.Request) -> web.Response:
        """Every window, whatever has become of it."""
        now = self._clock.now()
        items = [_json(window, settings, now, None) for window, settings in self._configured.items()]
        items += [_json(stored.id, stored.settings, now, stored) for stored in await self._windows.all()]
        return web.json_response({"items": items, "next": None})

    async def add(self, request: web.Request) -> web.Response:
        said = await _object(request)
        by = one_line(str(said.pop("by", "")), 100) or "somebody"
        try:
            settings = MaintenanceSettings.model_validate(said)
        except ValidationError as error:
            raise BadRequest("; ".join(_problems(error))) from error
        now = self._clock.now()
        if span_at(settings.schedule(), now) is None and next_span(settings.schedule(), now) is None:
            raise BadRequest("the window is over before it was added; check 'from', 'to' and 'timezone'")
        stored = await self._windows.add(settings, by, now)
        return web.json_response(_json(stored.id, settings, now, stored), status=201)

    async def end(self, request: web.Request) -> web.Response:
        """Ends a window now; 200 whether or not it had been ended before."""
        prefix = request.match_info["id"].lower()
        for window, settings in self._configured.items():
            if window.startswith(prefix):
                raise BadRequest(
                    f"the window {settings.name!r} is in the configuration file; take it out there and reload"
                )
        found = [stored for stored in await self._windows.all() if stored.id.startswith(prefix)]
        if not found:
            return problem(404, f"there is no maintenance window {one_line(prefix, 40)}")
        if len(found) > 1:
            raise BadRequest(f"more than one window begins with {prefix}: {found[0].id}, {found[1].id}…")
        by = one_line(str((await _object(request)).get("by", "")), 100) or "somebody"
        changed = await self._windows.end(found[0].id, by, self._clock.now())
        (stored,) = [one for one in await self._windows.all() if one.id == found[0].id]
        answer = _json(stored.id, stored.settings, self._clock.now(), stored)
        return web.json_response(answer | {"changed": changed})


async def _object(request: web.Request) -> dict[str, Any]:
    content = await request.read()
    try:
        return msgspec.json.decode(content, type=dict[str, Any]) if content else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"the body must be a JSON object: {error}") from error


def _problems(error: ValidationError) -> list[str]:
    """Each thing that is wrong, with the setting that it is about."""
    told = []
    for detail in error.errors(include_url=False, include_input=False):
        where = ".".join(str(part) for part in detail["loc"])
        message = detail["msg"].removeprefix("Value error, ")
        told.append(f"{where}: {message}" if where else message)
    return told


def _json(window: str, settings: MaintenanceSettings, now: datetime, stored: StoredWindow | None) -> dict[str, Any]:
    schedule = settings.schedule()
    ended_at = stored.ended_at if stored else None
    span = None if ended_at else span_at(schedule, now)
    upcoming = None if ended_at else next_span(schedule, now)
    shown = span or upcoming
    return {
        "id": window,
        **settings.model_dump(mode="json", by_alias=True),
        "origin": "runtime" if stored else CONFIGURED,
        "status": "active" if span else "scheduled" if upcoming else "ended",
        "starts_at": _time(shown.start) if shown else None,
        "ends_at": _time(shown.end) if shown else None,
        "created_at": _time(stored.created_at) if stored else None,
        "created_by": stored.created_by if stored else None,
        "ended_at": _time(ended_at) if ended_at else None,
        "ended_by": stored.ended_by if stored else None,
    }


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
