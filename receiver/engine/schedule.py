"""When a maintenance window is on: once, by cron or by an RFC 5545 recurrence rule, in a time zone.

A span begins at a local time and lasts so long on a clock that never jumps. A local time that a change to summer time
leaves out is taken with the offset from before it; one that occurs twice is its first occurrence (RFC 5545, 3.3.5).
Cron goes by Debian's: a job at a fixed hour runs once on such a day, one at every hour or minute as often as time does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from dateutil.rrule import rrule, rrulestr

DAY = timedelta(days=1)
SLACK = timedelta(hours=3)  # no zone has moved its clock by more
LONGEST = timedelta(days=31)
MOST_AT_ONCE = 500  # spans of one window that overlap
HORIZON_YEARS = (
    30  # after its start a rule is looked no further: one that never comes true must not be searched for ever
)
ALWAYS = datetime.min.replace(tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From `start` until just before `end`, both UTC."""

    start: datetime
    end: datetime

    def covers(self, at: datetime) -> bool:
        return self.start <= at < self.end


class Schedule(Protocol):
    def starting(self, after: datetime, before: datetime) -> Iterator[Span]:
        """The spans that start from `after` until just before `before`."""
        ...

    @property
    def longest(self) -> timedelta:
        """No span lasts longer."""
        ...


def span_at(schedule: Schedule, at: datetime) -> Span | None:
    """The span that covers a moment; of several the one that ends last."""
    begun = schedule.starting(at - schedule.longest, at + timedelta(microseconds=1))
    return max((span for span in begun if span.covers(at)), key=lambda span: span.end, default=None)


def next_span(schedule: Schedule, after: datetime) -> Span | None:
    """The first span that starts later than a moment."""
    later = after + timedelta(microseconds=1)
    for horizon in (DAY, 35 * DAY, 370 * DAY, HORIZON_YEARS * 366 * DAY):
        before = min(later, NEVER - horizon) + horizon
        found = list(islice(schedule.starting(later, before), MOST_AT_ONCE))
        if found:
            return min(found)
    return None


@dataclass(frozen=True, slots=True)
class Once:
    """One span."""

    span: Span

    def starting(self, after: datetime, before: datetime) -> Iterator[Span]:
        if after <= self.span.start < before:
            yield self.span

    @property
    def longest(self) -> timedelta:
        return self.span.end - self.span.start


@dataclass(frozen=True, slots=True)
class Except:
    """Another schedule, without the spans that start on some local days (RFC 5545's EXDATE; they count for COUNT)."""

    schedule: Schedule
    days: frozenset[date]
    zone: ZoneInfo

    def starting(self, after: datetime, before: datetime) -> Iterator[Span]:
        for span in self.schedule.starting(after, before):
            if span.start.astimezone(self.zone).date() not in self.days:
                yield span

    @property
    def longest(self) -> timedelta:
        return self.schedule.longest


@dataclass(frozen=True, slots=True)
class Cron:
    """A span at each time of a cron expression of five fields, from `first` until just before `last`."""

    expression: str
    longest: timedelta
    zone: ZoneInfo
    first: datetime = ALWAYS
    last: datetime = NEVER

    def __post_init__(self) -> None:
        """Raises:
        ValueError: cron knows no such expression, or its spans pile up.
        """
        if len(self.expression.split()) != 5:
            raise ValueError(f"cron {self.expression!r} has not five fields: minute hour day month weekday")
        some_time = datetime(2026, 1, 1, tzinfo=UTC)
        try:
            piled = list(islice(self._starts(some_time, some_time + self.longest), MOST_AT_ONCE + 1))
        except CronSimError as error:
            raise ValueError(f"cron {self.expression!r} cannot be used: {error}") from error
        if len(piled) > MOST_AT_ONCE:
            raise ValueError(f"cron {self.expression!r} starts anew too often for so long a duration; use from and to")

    def starting(self, after: datetime, before: datetime) -> Iterator[Span]:
        for start in self._starts(max(after, self.first), min(before, self.last)):
            yield Span(start, start + self.longest)

    def _starts(self, after: datetime, before: datetime) -> Iterator[datetime]:
        for local in CronSim(self.expression, (after - SLACK).astimezone(self.zone)):
            start = local.astimezone(UTC)
            if start >= before + SLACK:
                return
            if after <= start < before:
                yield start


@dataclass(frozen=True, slots=True)
class Recurring:
    """A span at each time of an RFC 5545 recurrence rule that starts at `first`, a local time without a zone."""

    rule: str
    first: datetime
    longest: timedelta
    zone: ZoneInfo
    last: datetime = NEVER
    _parsed: _Rule = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Raises:
        ValueError: it is no recurrence rule, or one that recurs too often.
        """
        object.__setattr__(self, "_parsed", _parse_rule(self.rule, self.first, self.zone))

    def starting(self, after: datetime, before: datetime) -> Iterator[Span]:
        low, high = _naive(after, self.zone) - SLACK, _naive(before, self.zone) + SLACK
        for local in self._parsed.between(low, high):
            start = local.replace(tzinfo=self.zone).astimezone(UTC)
            if after <= start < min(before, self.last):
                yield Span(start, start + self.longest)


def _naive(at: datetime, zone: ZoneInfo) -> datetime:
    return min(max(at, ALWAYS + DAY), NEVER - DAY).astimezone(zone).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class _Rule:
    """A recurrence rule that ends: `COUNT` and `UNTIL` are ours, for without an end one may be searched for ever."""

    times: rrule
    count: int | None

    def between(self, low: datetime, high: datetime) -> Iterator[datetime]:
        if self.count is None:
            yield from self.times.between(low, high, inc=True)
        else:
            yield from (at for at in islice(self.times, self.count) if low <= at <= high)


def _parse_rule(text: str, first: datetime, zone: ZoneInfo) -> _Rule:
    value = text.strip().upper().removeprefix("RRULE:")
    if "\n" in value or "DTSTART" in value:
        raise ValueError("rrule takes one rule, as FREQ=WEEKLY;BYDAY=SU; its DTSTART is the setting 'from'")
    if re.search(r"BYSECOND|FREQ=(SECONDLY|MINUTELY|HOURLY)|BY(HOUR|MINUTE)=[^;]*,", value):
        raise ValueError(f"rrule {text!r} recurs within a day; use cron for that")
    parts = dict(part.partition("=")[::2] for part in value.split(";"))
    count, until = parts.pop("COUNT", None), parts.pop("UNTIL", None)
    horizon = first.replace(year=first.year + HORIZON_YEARS, day=min(first.day, 28))
    try:
        ends = min(horizon, _until(until, zone)) if until else horizon
        rest = ";".join(f"{name}={part}" for name, part in parts.items())
        parsed = rrulestr(rest, dtstart=first, cache=True)
        if not isinstance(parsed, rrule):
            raise ValueError("it is more than one rule")
        return _Rule(parsed.replace(until=ends), int(count) if count else None)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"rrule {text!r} is no recurrence rule (RFC 5545): {error}") from error


def _until(text: str, zone: ZoneInfo) -> datetime:
    """The last local time that may be meant; a date alone includes that day."""
    time = datetime.fromisoformat(text)
    if "T" not in text:
        return time.replace(hour=23, minute=59, second=59)
    return time.astimezone(zone).replace(tzinfo=None) if time.tzinfo else time
