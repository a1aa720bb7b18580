"""What must hold of a schedule at every moment, asked of one that has everything, in a zone and over some years."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar

from receiver.oncall.calendar_out import to_ical
from receiver.oncall.schedule import Schedule
from receiver.oncall.settings import ScheduleSettings
from receiver.oncall.shift import Override

MINUTE = timedelta(minutes=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
USERS = [f"user{number}" for number in range(7)]
ZONES = [  # each with the country whose holidays count
    ("Europe/Berlin", "DE"),
    ("Europe/London", "GB"),
    ("Europe/Dublin", "IE"),  # whose summer time is the standard one
    ("Atlantic/Azores", "PT"),  # an hour around midnight occurs twice
    ("America/New_York", "US"),
    ("America/Los_Angeles", "US"),
    ("America/Sao_Paulo", "BR"),
    ("America/Santiago", "CL"),  # midnight is left out
    ("America/Havana", "CU"),
    ("America/St_Johns", "CA"),
    ("Africa/Cairo", "EG"),  # midnight is left out, and an hour before it occurs twice
    ("Africa/Casablanca", "MA"),  # the clock changes around Ramadan
    ("Asia/Beirut", "LB"),
    ("Asia/Kolkata", "IN"),
    ("Asia/Kathmandu", "NP"),
    ("Asia/Tokyo", "JP"),
    ("Australia/Lord_Howe", "AU"),  # by half an hour
    ("Pacific/Chatham", "NZ"),
    ("Pacific/Apia", "WS"),
    ("Antarctica/Troll", "NO"),  # by two hours
]
BASES: list[dict[str, Any]] = [
    {"rotation": "weekly", "start": "2025-12-01", "handover": "Mon 00:30"},
    {"rotation": "daily", "start": "2025-12-01T02:30"},
    {"rotation": "weekdays", "start": "2025-12-01", "handover": "Mon, Thu, Sun 01:00"},
    {"rotation": "hours", "every": "12h", "start": "2025-12-01T02:00"},
    {"rotation": "hours", "every": "1h", "start": "2025-12-01T00:15"},
]


def schedule(number: int) -> Schedule:
    """A schedule in one of the zones, with everything: layers, hours, holidays, overrides, swaps."""
    zone, country = ZONES[number]
    base = BASES[number % len(BASES)]
    office = {"weekdays": "Mon-Fri", "hours": ["08:00-12:00", "13:00-17:30"]}
    nights = {"weekdays": "Sat", "hours": "22:00-06:00"}
    settings = ScheduleSettings.model_validate(
        {
            "timezone": zone,
            "holidays": {"country": country},
            "layers": [
                base | {"users": USERS[:4], "restrict": {"hours": "00:00-21:00"} if number % 3 == 0 else []},
                {
                    "rotation": "daily",
                    "start": "2026-01-01",
                    "users": USERS[2:],
                    "restrict": office,
                    "skip_holidays": True,
                },
                {"rotation": "weekly", "start": "2026-01-01", "users": USERS[5:], "restrict": nights},
                {"rotation": "weekly", "every": "2w", "start": "2026-03-01", "users": USERS[:2], "only_holidays": True},
            ],
            "overrides": [{"from": "2026-03-28T12:00", "to": "2026-03-29T02:30", "user": "zoe"}],
        }
    )
    return settings.schedule(zone).overridden(_overrides(Random(number)))


def _overrides(chance: Random) -> Iterator[Override]:
    for count in range(60):
        start = START + timedelta(minutes=chance.randrange(10 * 365 * 24 * 60))
        user, other = chance.sample(USERS, 2)
        end = start + timedelta(minutes=chance.randrange(1, 14 * 24 * 60))
        yield Override(start, end, user, "bob", str(count), other if count % 3 == 0 else "")


def check(number: int, start: datetime, days: int, *, minutes: int) -> int:
    """At every boundary ± 1 minute and at random minutes the answer is unique and equals the iCal export.

    Returns how often it was asked; raises AssertionError with the zone and the moment.
    """
    asked, chance = schedule(number), Random(f"{number}/{start}/{minutes}")
    end = start + timedelta(days=days)
    shifts = asked.shifts(start, end)
    whole = {None, *shifts}
    for one, following in pairwise(shifts):
        assert one.start < one.end <= following.start, (asked.name, one, following)
    exported = read_back(to_ical(asked.name, shifts, START))
    boundaries = {moment for shift in shifts for moment in (shift.start, shift.end) if start <= moment < end}
    moments = [moment + step for moment in boundaries for step in (-MINUTE, timedelta(), MINUTE)]
    moments += [start + chance.randrange(int((end - start) / MINUTE)) * MINUTE for _ in range(minutes)]
    moments = [moment for moment in moments if start <= moment < end]
    for moment in moments:
        answer = asked.at(moment)
        assert (answer and answer.user) == exported(moment), (asked.name, moment, answer)
        assert answer in whole, (asked.name, moment, answer)
    return len(moments)


def read_back(content: bytes) -> Callable[[datetime], str | None]:
    """Who is on call by a calendar, as a calendar program reads it; no two of its events may overlap."""
    read: list[Any] = list(Calendar.from_ical(content).events)
    events = sorted((event["DTSTART"].dt, event["DTEND"].dt, str(event["SUMMARY"])) for event in read)
    uids = [str(event["UID"]) for event in read]
    assert len(set(uids)) == len(uids)
    assert all(one[1] <= following[0] for one, following in pairwise(events))
    starts = [event[0] for event in events]

    def at(moment: datetime) -> str | None:
        index = bisect_right(starts, moment) - 1
        return events[index][2] if index >= 0 and moment < events[index][1] else None

    return at


def clock_changes(start: datetime, zone: ZoneInfo) -> list[datetime]:
    """The days of a year after which the offset is another."""
    days = [start + timedelta(days=day) for day in range(365)]
    return [day for day, next_day in pairwise(days) if _offset(day, zone) != _offset(next_day, zone)]


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()


def changes_its_clock(day: datetime, zone: ZoneInfo) -> bool:
    """Whether the offset changes within a day and a half of a moment."""
    near = (day + timedelta(hours=hours) for hours in range(-36, 37))
    return len({_offset(moment, zone) for moment in near}) > 1
