"""Who is on call, over HTTP: schedules, calendars to subscribe to, and where a policy could find nobody."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta
from typing import Annotated, Protocol

from aiohttp import web
from pydantic import BeforeValidator, Field, WithJsonSchema

from receiver.engine.routing import Routing
from receiver.escalation.gaps import gaps_json
from receiver.oncall.calendar_out import to_ical
from receiver.oncall.current import OnCall, of_name
from receiver.oncall.localtime import midnight_before, moment, weeks_later
from receiver.oncall.schedule import Schedule
from receiver.oncall.shapes import schedule_json, time_json, who_json
from receiver.people.directory import Directory
from receiver.web.answers import Page
from receiver.web.declared import Asked, Media, operation
from receiver.web.filters import Name
from receiver.web.oncall_answers import GapsJson, NamedScheduleJson, ScheduleJson, WhoJson
from receiver.web.problems import BadRequest
from tocsin.clock import Clock

TAG = "on call"
WEEKS_SHOWN = 4
MOST_WEEKS = 114
BEFORE = timedelta(weeks=4)  # what has been stays in a calendar for so long
WEEKS_OF_A_CALENDAR = 30
MOST = timedelta(days=800)  # asked for at once

_DAY = (
    r"(20[0-9]{2}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
    r"|20([02468][048]|[13579][26])-02-29)"
)
_TIME = r"(T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])?)?"


def _weeks(said: object) -> object:
    if not re.fullmatch("[0-9]{1,3}", str(said)) or not 1 <= int(str(said)) <= MOST_WEEKS:
        raise ValueError(f"must be a whole number from 1 to {MOST_WEEKS}")
    return said


LocalTime = Annotated[
    str,
    Field(max_length=60),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^{_DAY}{_TIME}$",
            "examples": ["2026-12-24T18:00"],
            "description": "Local to the schedule, or with an offset; a date alone is its midnight.",
        }
    ),
]
Weeks = Annotated[
    int, BeforeValidator(_weeks), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MOST_WEEKS})
]


class When(Asked):
    """At which time (now), and in which schedule (every one)."""

    at: LocalTime | None = None
    schedule: Name | None = None


class Range(Asked):
    """From which time, and until which or for how many weeks; at most 800 days."""

    from_: LocalTime | None = Field(None, alias="from")
    to: LocalTime | None = Field(None, examples=["2026-12-25T09:00"])
    weeks: Weeks | None = None


class Ahead(Asked):
    """How far ahead, and in which schedule and the policies that name it (every one)."""

    weeks: Weeks = WEEKS_SHOWN
    schedule: Name | None = None


class Plans(Protocol):
    """The policies and the people: they are replaced when the configuration is read again."""

    routing: Routing
    directory: Directory


class OnCallApi:
    """`/api/v1/oncall` and `/api/v1/schedules`."""

    def __init__(self, oncall: OnCall, plans: Plans, clock: Clock) -> None:
        self._oncall = oncall
        self._plans = plans
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        one = "/api/v1/schedules/{name}"
        return [
            web.get("/api/v1/oncall", self.who),
            web.get("/api/v1/oncall/gaps", self.gaps),
            web.get("/api/v1/schedules", self.list),
            web.get(f"{one}.ics", self.calendar),
            web.get(one, self.show),
        ]

    @operation("Say who is on call", "incidents:read", {200: Page[WhoJson]}, takes=When, problems=(404,), tag=TAG)
    async def who(self, request: web.Request, asked: When) -> web.Response:
        """In every schedule, or in one; now, or at a time."""
        now = self._clock.now()
        names = [asked.schedule] if asked.schedule is not None else list(self._oncall.configured)
        found = [self._configured(name) for name in names]
        times = {one.name: now if asked.at is None else moment_of(asked.at, "at", one) for one in found}
        schedules = await self._oncall.since(min(times.values(), default=now))
        people = self._plans.directory.users
        items = [who_json(schedules[name], at, people) | {"at": time_json(at)} for name, at in times.items()]
        return web.json_response({"items": items, "next": None})

    @operation(
        "Find when nobody would be told", "incidents:read", {200: GapsJson}, takes=Ahead, problems=(404,), tag=TAG
    )
    async def gaps(self, request: web.Request, asked: Ahead) -> web.Response:
        """When a policy could find nobody in the weeks to come, and when nobody is on call in a schedule.

        A schedule may have gaps that do no harm: another step of the policies that name it finds somebody.
        """
        if asked.schedule is not None:
            self._configured(asked.schedule)
        schedules = await self._oncall.current()
        policies, directory = self._plans.routing.policies, self._plans.directory
        about = (policies, directory, schedules, self._clock.now(), asked.weeks, asked.schedule)
        return web.json_response(await asyncio.to_thread(gaps_json, *about))  # years of shifts take their time

    @operation("List schedules", "incidents:read", {200: Page[NamedScheduleJson]}, tag=TAG)
    async def list(self, request: web.Request) -> web.Response:
        """Those of the configuration."""
        items = [{"name": one.name, "timezone": one.zone.key} for one in self._oncall.configured.values()]
        return web.json_response({"items": items, "next": None})

    @operation("Show a schedule", "incidents:read", {200: ScheduleJson}, takes=Range, problems=(404,), tag=TAG)
    async def show(self, request: web.Request, asked: Range) -> web.Response:
        """From `from` (today) until `to`, or for four weeks: whole shifts, gaps, overlaps."""
        configured = self._configured(request.match_info["name"])
        today = midnight_before(self._clock.now(), configured.zone)
        start, end = _range(asked, configured, today, WEEKS_SHOWN)
        return web.json_response(schedule_json(await self._since(configured, start), start, end))

    @operation(
        "Subscribe to a schedule",
        "incidents:read",
        {200: Media("text/calendar", "iCalendar, an event for each shift.", {"type": "string"})},
        takes=Range,
        problems=(404,),
        tag=TAG,
    )
    async def calendar(self, request: web.Request, asked: Range) -> web.Response:
        """From four weeks ago until 26 weeks ahead. An event keeps its UID while its shift keeps its beginning."""
        configured, now = self._configured(request.match_info["name"]), self._clock.now()
        start, end = _range(asked, configured, now - BEFORE, WEEKS_OF_A_CALENDAR)
        schedule = await self._since(configured, start)
        content = to_ical(schedule.name, schedule.shifts(start, end), now)
        return web.Response(body=content, content_type="text/calendar", charset="utf-8")

    def _configured(self, name: str) -> Schedule:
        return of_name(self._oncall.configured, name)

    async def _since(self, configured: Schedule, start: datetime) -> Schedule:
        return (await self._oncall.since(start))[configured.name]


def moment_of(said: str, key: str, schedule: Schedule) -> datetime:
    """A time that somebody wrote, local to a schedule if it has no offset.

    Raises:
        BadRequest: it is no time.
    """
    try:
        return moment(said, schedule.zone)
    except ValueError as error:
        raise BadRequest(f"{key}: {error}", [(key, str(error))]) from error


def _range(asked: Range, schedule: Schedule, start: datetime, weeks: int) -> tuple[datetime, datetime]:
    """What is asked for by `from` and `to`, or by `from` and `weeks`."""
    if asked.from_ is not None:
        start = moment_of(asked.from_, "from", schedule)
    weeks = asked.weeks or weeks
    end = moment_of(asked.to, "to", schedule) if asked.to is not None else weeks_later(start, weeks, schedule.zone)
    if not start < end <= start + MOST:
        raise BadRequest(f"'to' must be later than 'from', by {MOST.days} days at most", [("to", "is out of bounds")])
    return start, end
