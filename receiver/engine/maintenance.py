"""Maintenance windows: which are on, and which alert one of them holds back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from receiver.engine.held import Hold, Kind
from receiver.engine.occurrence import Occurrence, new_id, one_line
from receiver.engine.schedule import (
    ALWAYS,
    LONGEST,
    NEVER,
    Cron,
    Except,
    Once,
    Recurring,
    Schedule,
    Span,
    next_span,
    span_at,
)
from tocsin.config import Duration, Settings
from tocsin.labels import Matchers, MatcherTexts, matches, parse_all

YEARS = range(2000, 2101)


class MaintenanceSettings(Settings):
    """One window: what it is for, which alerts it holds back, and when."""

    name: str = Field(min_length=1, max_length=200)
    matchers: MatcherTexts
    tenant: str = ""
    from_: datetime | None = Field(None, alias="from")
    to: datetime | None = None
    cron: str | None = None
    rrule: str | None = None
    except_: tuple[date, ...] = Field((), alias="except", max_length=1000)
    duration: Duration | None = None
    timezone: str = "UTC"
    silence: bool = False

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"there is no time zone {name!r}; write it as Europe/Berlin or UTC") from error
        return name

    @field_validator("from_", "to")
    @classmethod
    def _year_is_sane(cls, time: datetime | None) -> datetime | None:
        if time is not None and time.year not in YEARS:
            raise ValueError(f"the year must be from {YEARS[0]} to {YEARS[-1]}")
        return time

    @model_validator(mode="after")
    def _can_be_scheduled(self) -> Self:
        self.schedule()
        return self

    def schedule(self) -> Schedule:
        """When it is on.

        Raises:
            ValueError: the settings do not go together.
        """
        if self.cron is not None and self.rrule is not None:
            raise ValueError("cron and rrule exclude each other: make it two windows")
        if self.cron is None and self.rrule is None:
            if self.except_:
                raise ValueError("'except' is for a window that recurs: it needs cron or rrule")
            return self._once()
        series = self._series()
        return Except(series, frozenset(self.except_), ZoneInfo(self.timezone)) if self.except_ else series

    def _series(self) -> Schedule:
        duration = self._duration("a window that recurs")
        first, last = self._instant(self.from_), self._instant(self.to)
        zone = ZoneInfo(self.timezone)
        if self.cron is not None:
            return Cron(self.cron, duration, zone, first or ALWAYS, last or NEVER)
        if self.from_ is None or self.rrule is None:
            raise ValueError("a window with an rrule needs 'from', the first time that it is on (DTSTART)")
        local = self.from_.astimezone(zone) if self.from_.tzinfo else self.from_
        return Recurring(self.rrule, local.replace(tzinfo=None), duration, zone, last or NEVER)

    def _once(self) -> Once:
        start, end = self._instant(self.from_), self._instant(self.to)
        if start is None or (end is None) == (self.duration is None):
            raise ValueError("a window needs 'from' and either 'to' or 'duration'; one that recurs, cron or rrule")
        end = end or start + self._duration("a window")
        if not start < end:
            raise ValueError("the window ends before it begins: 'to' must be later than 'from'")
        return Once(Span(start, end))

    def _duration(self, what: str) -> timedelta:
        if self.duration is None or not timedelta() < self.duration <= LONGEST:
            raise ValueError(f"{what} needs a 'duration' above 0s and up to {LONGEST.days}d")
        return self.duration

    def _instant(self, time: datetime | None) -> datetime | None:
        """A time without an offset is local in the window's zone."""
        if time is None:
            return None
        return (time if time.tzinfo else time.replace(tzinfo=ZoneInfo(self.timezone))).astimezone(UTC)

    def window(self, window_id: str) -> Window:
        """The window as the engine wants it."""
        return Window(window_id, one_line(self.name), self.tenant, parse_all(self.matchers), self.schedule())


def configured_id(settings: MaintenanceSettings) -> str:
    """The id of a window of the configuration: its name makes it, so that it outlives a restart."""
    return new_id("configured window", settings.name)


@dataclass(frozen=True, slots=True)
class Window:
    """When which alerts are expected to fire. An empty tenant is every tenant."""

    id: str
    name: str
    tenant: str
    matchers: Matchers
    schedule: Schedule

    def covers(self, occurrence: Occurrence) -> bool:
        return self.tenant in ("", occurrence.tenant) and matches(self.matchers, occurrence.labels)


@dataclass(frozen=True, slots=True)
class Active:
    """A window that is on, and until when."""

    window: Window
    until: datetime


class Agenda:
    """Which windows are on, computed anew only when that can have changed."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self.windows = tuple(windows)
        self._active: tuple[Active, ...] = ()
        self._from, self._until = NEVER, ALWAYS

    def at(self, now: datetime) -> tuple[Active, ...]:
        """The windows that are on at a moment."""
        if not self._from <= now < self._until:
            spans = [(window, span_at(window.schedule, now)) for window in self.windows]
            self._active = tuple(Active(window, span.end) for window, span in spans if span)
            starts = [span.start for window in self.windows if (span := next_span(window.schedule, now))]
            self._from, self._until = now, min([*starts, *(active.until for active in self._active)], default=NEVER)
        return self._active


def in_maintenance(occurrence: Occurrence, active: Sequence[Active]) -> Hold | None:
    """Held by the window that lasts longest."""
    covering = [one for one in active if one.window.covers(occurrence)]
    if not covering:
        return None
    last = max(covering, key=lambda one: one.until)
    reason = f"maintenance window {last.window.name!r}, until {last.until:%Y-%m-%d %H:%M} UTC"
    return Hold(Kind.MAINTENANCE, last.window.id, reason, last.until)
