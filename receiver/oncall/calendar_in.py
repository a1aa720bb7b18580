"""Calendars in: the events of an iCalendar file (RFC 5545) as the shifts of a layer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from receiver.oncall.localtime import DAY, SLACK, YEARS, instant, midnight
from receiver.oncall.schedule import Overlap, overlaps
from receiver.oncall.shift import USER, Shift, overlay
from tocsin.errors import InputError, MissingExtra
from tocsin.problem import Position, Problem

MAX_BYTES = 8 * 2**20
MOST_UNKNOWN = 20  # events without a person that are told


@dataclass(frozen=True, slots=True)
class Calendar:
    """A layer of a calendar's events. Where events overlap, the one that begins last counts.

    `users` says which user is meant by what stands in the calendar, in small letters.
    """

    name: str
    zone: ZoneInfo
    users: Mapping[str, str]
    events: Any = field(compare=False, repr=False)  # icalendar's Calendar
    longest: timedelta = DAY
    _years: dict[int, list[Shift]] = field(default_factory=dict, compare=False, repr=False)

    def shifts(self, start: datetime, end: datetime) -> list[Shift]:
        found, _ = self._laid(start, end)
        return [shift for shift in found if shift.end > start and shift.start < end]

    def clashes(self, start: datetime, end: datetime) -> list[Overlap]:
        return self._laid(start, end)[1]

    def _laid(self, start: datetime, end: datetime) -> tuple[list[Shift], list[Overlap]]:
        """The events one over another, in the order in which they begin; and where each hides another."""
        found: list[Shift] = []
        hidden: list[Overlap] = []
        for event in self._between(start - self.longest, end + self.longest):
            clear = len(found)
            while clear and found[clear - 1].end > event.start:
                clear -= 1
            hidden += overlaps([event], found[clear:])
            found[clear:] = overlay(found[clear:], [event])
        return found, hidden

    def _between(self, start: datetime, end: datetime) -> list[Shift]:
        years = range(max(start.year, YEARS[0]), min(end.year, YEARS[-1]) + 1)
        return [event for year in years for event in self._of(year) if event.start < end and event.end > start]

    def _of(self, year: int) -> list[Shift]:
        """The events that begin in a year."""
        if year not in self._years:
            first, last = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
            events = [self._shift(event) for event in _expanded(self.events, first, last)]
            kept = [shift for shift in events if shift and first <= shift.start < last]
            self._years[year] = sorted(kept, key=lambda shift: (shift.start, -shift.end.timestamp(), shift.user))
        return self._years[year]

    def _shift(self, event: Any) -> Shift | None:
        user = named(event, self.users)
        start, end = (_instant(event[part].dt, self.zone) for part in ("DTSTART", "DTEND"))
        return Shift(start, end, user, self.name) if user and start < end and _counts(event) else None


def read(file: Path, name: str, zone: ZoneInfo, users: Mapping[str, str]) -> Calendar:
    """The calendar in a file.

    Raises:
        InputError: it cannot be read, or names people that are no users.
        MissingExtra: the packages for it are not installed.
    """
    try:
        from icalendar import Calendar as Parsed
    except ImportError as error:
        raise MissingExtra("icalendar", "calendar") from error
    try:
        if file.stat().st_size > MAX_BYTES:
            raise _unusable(file, f"is larger than {MAX_BYTES // 2**20} MiB", "export a shorter time")
        parsed = Parsed.from_ical(file.read_bytes())
    except OSError as error:
        raise _unusable(file, f"cannot be read: {error.strerror}", "check the path and its permissions") from error
    except (ValueError, KeyError, IndexError) as error:
        raise _unusable(file, f"is no calendar: {error}", "give a file in the format iCalendar (.ics)") from error
    known = {said.lower(): user for said, user in users.items()}
    calendar = Calendar(name, zone, known, parsed, _longest(parsed, zone) + SLACK)
    problems = [*_unnamed(file, parsed, known), *_unexpanded(file, parsed)]
    if problems:
        raise InputError(problems)
    return calendar


def named(event: Any, users: Mapping[str, str]) -> str:
    """The user that an event is about: by an attendee's address or name, else by its summary; "" if by none."""
    said = [*_attendees(event), str(event.get("SUMMARY", "")).strip()]
    for one in said:
        if one.lower() in users:
            return users[one.lower()]
    return next((user for one in said if USER.fullmatch(user := one.partition("@")[0])), "")


def people(calendar: Calendar) -> set[str]:
    """Everybody who is named."""
    return {user for event in calendar.events.walk("VEVENT") if (user := named(event, calendar.users))}


def _attendees(event: Any) -> Iterable[str]:
    attendees = event.get("ATTENDEE", [])
    for attendee in attendees if isinstance(attendees, list) else [attendees]:
        yield re.sub("^mailto:", "", str(attendee).strip(), flags=re.IGNORECASE)
        if "CN" in attendee.params:
            yield str(attendee.params["CN"]).strip()


def _counts(event: Any) -> bool:
    return str(event.get("STATUS", "")).upper() != "CANCELLED"


def _instant(at: date, zone: ZoneInfo) -> datetime:
    """A day without a time begins at midnight in the schedule's zone, where a time without a zone lies too."""
    if not isinstance(at, datetime):
        return instant(midnight(at), zone)
    return at.astimezone(UTC) if at.tzinfo else instant(at, zone)


def _expanded(parsed: Any, start: datetime, end: datetime) -> list[Any]:
    try:
        import recurring_ical_events
    except ImportError as error:
        raise MissingExtra("recurring-ical-events", "calendar") from error
    found: list[Any] = recurring_ical_events.of(parsed).between(start - DAY, end + DAY)
    return found


def _longest(parsed: Any, zone: ZoneInfo) -> timedelta:
    lengths = [timedelta()]
    for event in parsed.walk("VEVENT"):
        if event.get("DTSTART") is not None:
            start, end = event.start, event.end
            lengths.append(_instant(end, zone) - _instant(start, zone))
    return max(lengths)


def _unnamed(file: Path, parsed: Any, users: Mapping[str, str]) -> Iterable[Problem]:
    events = [event for event in parsed.walk("VEVENT") if _counts(event) and not named(event, users)]
    for event in events[:MOST_UNKNOWN]:
        what = f"the event {str(event.get('SUMMARY', '')) or 'without a SUMMARY'!r} of {event.start} names no user"
        hint = 'say who is meant under ical.users: {"what the calendar says": user}, or write the user into SUMMARY'
        yield Problem("calendar", what, Position(str(file)), hint=hint)


def _unexpanded(file: Path, parsed: Any) -> Iterable[Problem]:
    """A rule that cannot be worked out shows now, not when somebody is to be paged."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    try:
        _expanded(parsed, now, now + DAY)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        hint = "mend the event's RRULE, DTSTART and DTEND"
        yield Problem("calendar", f"an event cannot be worked out: {error}", Position(str(file)), hint=hint)


def _unusable(file: Path, what: str, hint: str) -> InputError:
    return InputError([Problem("calendar", what, Position(str(file)), hint=hint)])
