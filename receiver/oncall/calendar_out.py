"""Calendars out: shifts as an iCalendar file (RFC 5545) that calendar programs subscribe to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b

from receiver.oncall.shift import Shift
from tocsin.errors import MissingExtra


def to_ical(name: str, shifts: Iterable[Shift], now: datetime) -> bytes:
    """One event a shift. An event keeps its UID as long as its shift keeps its beginning.

    Raises:
        MissingExtra: the package for it is not installed.
    """
    try:
        from icalendar import Calendar, Event
    except ImportError as error:
        raise MissingExtra("icalendar", "calendar") from error
    calendar = Calendar()
    calendar.add("prodid", "-//Tocsin//on call//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", f"on call: {name}")
    for shift in shifts:
        event = Event()
        event.add("uid", uid(name, shift))
        event.add("dtstamp", now)
        event.add("dtstart", shift.start)
        event.add("dtend", shift.end)
        event.add("summary", shift.user)
        event.add("description", shift.why)
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def uid(name: str, shift: Shift) -> str:
    """A schedule has one shift that begins at a moment, at most."""
    return f"{blake2b(name.encode(), digest_size=6).hexdigest()}-{shift.start:%Y%m%dT%H%M%SZ}@tocsin"
