"""Local times: weekdays, times of the day, and the moment that a clock on the wall shows them.

A local time that a change to summer time leaves out is taken with the offset from before it; one that occurs twice is
its first occurrence (RFC 5545, 3.3.5).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
SLACK = timedelta(hours=26)  # no zone has moved its clock by more
YEARS = range(2000, 2101)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EVERY_DAY = frozenset(range(7))

_NAMES = {name.lower(): number for number, name in enumerate(WEEKDAYS)} | {
    name: number
    for number, name in enumerate(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"))
}
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")
_BARE_PLUS = re.compile(r" (\d\d:?\d\d)$")  # a `+` that came through a URL


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The moment (UTC) of a local time without a zone."""
    return local.replace(tzinfo=zone).astimezone(UTC)


def local_time(at: datetime, zone: ZoneInfo) -> datetime:
    """What the clock on the wall shows at a moment, without a zone."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def midnight_before(at: datetime, zone: ZoneInfo) -> datetime:
    """When the local day of a moment began (UTC)."""
    return instant(midnight(local_time(at, zone)), zone)


def weeks_later(at: datetime, weeks: int, zone: ZoneInfo) -> datetime:
    """The same local time, weeks later (UTC)."""
    return instant(local_time(at, zone) + weeks * WEEK, zone)


def midnight(day: date) -> datetime:
    """Where a local day begins, without a zone."""
    return datetime.combine(day, time.min)


def days(start: datetime, end: datetime, zone: ZoneInfo) -> Iterable[date]:
    """Every local day of which a part may lie between two moments, the days before and after included."""
    day, last = local_time(start, zone).date() - DAY, local_time(end, zone).date() + DAY
    while day <= last:
        yield day
        day += DAY


def moment(said: str, zone: ZoneInfo) -> datetime:
    """A time that somebody wrote, as UTC; without an offset it is local in the zone, a date alone is its midnight.

    Raises:
        ValueError: it is no time.
    """
    text = _BARE_PLUS.sub(r"+\1", said.strip()) if "T" in said else said.strip()
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(
            f"{said!r} is not a time; write it as 2026-12-24T18:00, 2026-12-24 or with Z or +01:00"
        ) from error
    read = _sane(read).replace(microsecond=0)
    return read.astimezone(UTC) if read.tzinfo else instant(read, zone)


def local_moment(said: object) -> datetime:
    """A local time without a zone, as YAML or a person gives it.

    Raises:
        ValueError: it is no time, or has an offset.
    """
    if isinstance(said, datetime):
        read = said
    elif isinstance(said, date):
        read = midnight(said)
    else:
        try:
            read = datetime.fromisoformat(str(said))
        except ValueError as error:
            raise ValueError(f"{said!r} is not a local time; write it as 2026-01-05 or 2026-01-05T09:00") from error
    if read.tzinfo is not None:
        raise ValueError(f"{said!r} has an offset; write it without: it is local in the schedule's timezone")
    return _sane(read).replace(second=0, microsecond=0)


def _sane(at: datetime) -> datetime:
    if at.year not in YEARS:
        raise ValueError(f"the year must be from {YEARS[0]} to {YEARS[-1]}")
    return at


def clock_time(said: object) -> timedelta:
    """A time of the day as what has passed since midnight by the clock; `24:00` is the end of the day.

    A whole number is minutes: YAML 1.1 reads 12:30 as 750 where it is not quoted.

    Raises:
        ValueError: it is no time of the day.
    """
    if isinstance(said, timedelta):
        return said
    if isinstance(said, int) and not isinstance(said, bool) and 0 <= said <= 24 * 60:
        return timedelta(minutes=said)
    found = _CLOCK.fullmatch(str(said).strip())
    if found is None or int(found[2]) > 59 or int(found[1]) * 60 + int(found[2]) > 24 * 60:
        raise ValueError(f"{said!r} is not a time of the day; write it as 09:00 or 17:30")
    return timedelta(hours=int(found[1]), minutes=int(found[2]))


def weekdays(said: object) -> frozenset[int]:
    """Weekdays, 0 = Monday: `Mon`, `Mon-Fri`, `Mon, Thu`, `Fri-Mon`, or a list of such.

    Raises:
        ValueError: one is no weekday.
    """
    if isinstance(said, frozenset):
        return said
    parts = said if isinstance(said, list | tuple) else str(said).split(",")
    found: set[int] = set()
    for part in parts:
        first, dash, last = (one.strip() for one in str(part).partition("-"))
        begin, end = _weekday(first), _weekday(last if dash else first)
        found |= {day % 7 for day in range(begin, begin + (end - begin) % 7 + 1)}
    if not found:
        raise ValueError("names no weekday; write Mon, Mon-Fri or [Mon, Thu]")
    return frozenset(found)


def _weekday(name: str) -> int:
    if name.lower() not in _NAMES:
        raise ValueError(f"{name!r} is not a weekday; write Mon, Tue, Wed, Thu, Fri, Sat or Sun, a span as Mon-Fri")
    return _NAMES[name.lower()]


def _zone_exists(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {name!r}; write it as Europe/Berlin or UTC") from error
    return name


ZoneName = Annotated[str, AfterValidator(_zone_exists)]
LocalMoment = Annotated[datetime, BeforeValidator(local_moment, json_schema_input_type=str)]
ClockTime = Annotated[timedelta, BeforeValidator(clock_time, json_schema_input_type=str)]
Weekdays = Annotated[frozenset[int], BeforeValidator(weekdays, json_schema_input_type=str | list[str])]
