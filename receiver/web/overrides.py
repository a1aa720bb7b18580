"""Overrides and swaps over HTTP: who takes whose turn, whatever the rotation says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from aiohttp import web
from pydantic import AfterValidator, Field, WithJsonSchema

from receiver.engine.occurrence import one_line
from receiver.oncall.current import OnCall, of_name
from receiver.oncall.schedule import Schedule
from receiver.oncall.shapes import time_json
from receiver.oncall.shift import USER, Override
from receiver.store.overrides import Overrides, StoredOverride
from receiver.web.access import asking
from receiver.web.answers import Page
from receiver.web.bodies import By
from receiver.web.declared import operation
from receiver.web.oncall import TAG, LocalTime, moment_of
from receiver.web.oncall_answers import OverrideJson, RemovedOverrideJson
from receiver.web.problems import BadRequest, Impossible, problem
from tocsin.clock import Clock

LONGEST = timedelta(days=366)
PATH = "/api/v1/schedules/{name}/overrides"


def _user(name: str) -> str:
    if not USER.fullmatch(name):
        raise ValueError(f"{one_line(name, 64)!r} is not a user's name (letters, digits, '_', '.', '-')")
    return name


User = Annotated[
    str,
    AfterValidator(_user),
    WithJsonSchema({"type": "string", "pattern": f"^{USER.pattern}$", "examples": ["alice"]}),
]


class NewOverride(By):
    """Who is on call in a time; with `swap_with` the two change places: each has the other's shifts."""

    from_: LocalTime = Field(alias="from")
    to: LocalTime = Field(examples=["2026-12-25T09:00"])
    user: User
    swap_with: User | None = Field(None, examples=["bob"])


class OverrideApi:
    """`/api/v1/schedules/{name}/overrides`."""

    def __init__(self, oncall: OnCall, overrides: Overrides, clock: Clock) -> None:
        self._oncall = oncall
        self._overrides = overrides
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [web.get(PATH, self.list), web.post(PATH, self.add), web.delete(f"{PATH}/{{id}}", self.remove)]

    @operation("List overrides", "incidents:read", {200: Page[OverrideJson]}, problems=(404,), tag=TAG)
    async def list(self, request: web.Request) -> web.Response:
        """Every override and swap that was added at run time, the newest first; removed ones included."""
        name = self._configured(request.match_info["name"]).name
        items = [self._json(stored) for stored in reversed(await self._overrides.of(name))]
        return web.json_response({"items": items, "next": None})

    @operation(
        "Add an override",
        "incidents:write",
        {201: OverrideJson},
        takes=NewOverride,
        problems=(404,),
        tag=TAG,
        every_tenant=True,
    )
    async def add(self, request: web.Request, said: NewOverride) -> web.Response:
        """What is added later counts first, and a swap also swaps what was overridden before it."""
        schedule = self._configured(request.match_info["name"])
        wanted = self._wanted(said, schedule, asking(request, said.by).name)
        stored = await self._overrides.add(schedule.name, wanted, self._clock.now())
        return web.json_response(self._json(stored), status=201)

    @operation(
        "Take an override away",
        "incidents:write",
        {200: RemovedOverrideJson},
        takes=By,
        problems=(404, 409),
        tag=TAG,
        every_tenant=True,
    )
    async def remove(self, request: web.Request, said: By) -> web.Response:
        """200 whether or not it had been before; who added and who removed it is kept."""
        name, prefix = self._configured(request.match_info["name"]).name, request.match_info["id"].lower()
        found = [stored for stored in await self._overrides.of(name) if stored.override.id.startswith(prefix)]
        if not found:
            return problem(
                404,
                f"the schedule {name} has no override {one_line(prefix, 40)}; those of the "
                "configuration file are taken out there",
            )
        if len(found) > 1:
            raise Impossible(f"more than one override begins with {prefix}: {found[0].override.id}, …")
        override = found[0].override.id
        changed = await self._overrides.remove(override, asking(request, said.by).name, self._clock.now())
        (stored,) = [one for one in await self._overrides.of(name) if one.override.id == override]
        told: RemovedOverrideJson = {**self._json(stored), "changed": changed}
        return web.json_response(told)

    def _json(self, stored: StoredOverride) -> OverrideJson:
        return override_json(stored, self._configured(stored.schedule), self._clock.now())

    def _configured(self, name: str) -> Schedule:
        return of_name(self._oncall.configured, name)

    def _wanted(self, said: NewOverride, schedule: Schedule, by: str) -> Override:
        start, end = moment_of(said.from_, "from", schedule), moment_of(said.to, "to", schedule)
        if not start < end <= start + LONGEST:
            raise BadRequest(f"'to' must be later than 'from', by {LONGEST.days} days at most")
        if end <= self._clock.now():
            raise BadRequest("the override is over before it was added; check 'from', 'to' and the schedule's timezone")
        if said.user == said.swap_with:
            raise BadRequest(f"{said.user} cannot swap with themself; name two people")
        for key, name in (("user", said.user), ("swap_with", said.swap_with)):
            if name is not None and not self._oncall.knows(name):
                wrong = f"there is no user {name!r}; users stand in the configuration under users"
                raise BadRequest(f"{key}: {wrong}", [(key, wrong)])
        return Override(start, end, said.user, by, "", said.swap_with or "")


def override_json(stored: StoredOverride, schedule: Schedule, now: datetime) -> OverrideJson:
    one = stored.override
    alive: Literal["over", "active", "planned"]
    alive = "over" if one.end <= now else "active" if one.start <= now else "planned"
    return {
        "id": one.id,
        "schedule": stored.schedule,
        "timezone": schedule.zone.key,
        "status": "removed" if stored.removed_at else alive,
        "from": time_json(one.start),
        "to": time_json(one.end),
        "user": one.user,
        "swap_with": one.swap_with or None,
        "created_at": time_json(stored.created_at),
        "created_by": one.by,
        "removed_at": time_json(stored.removed_at) if stored.removed_at else None,
        "removed_by": stored.removed_by,
    }
