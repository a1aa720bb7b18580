"""Calendars in and out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from receiver.oncall.calendar_out import to_ical
from receiver.oncall.schedule import Overlap, Schedule
from receiver.oncall.settings import ScheduleSettings
from receiver.oncall.shift import Override
from tests.receiver.oncall.properties import START, read_back, schedule
from tests.receiver.oncall.test_schedule import told, utc
from tocsin.errors import InputError
from tocsin.problem import as_text

DAY = timedelta(days=1)
ZONE = """BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:STANDARD
DTSTART:19961027T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19810329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE
"""


def event(uid: str, *lines: str) -> str:
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", *lines, "END:VEVENT", ""])


def calendar(folder: Path, *events: str, users: dict[str, str] | None = None, **more: Any) -> Schedule:
    """A schedule of one layer, which is a calendar file."""
    file = folder / "x.ics"
    text = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n" + "".join(events) + "END:VCALENDAR\n"
    file.write_bytes(text.replace("\n", "\r\n").encode())
    layers = [{"ical": {"file": str(file), "users": users or {}}}]
    settings = ScheduleSettings.model_validate({"timezone": "Europe/Berlin", "layers": layers} | more)
    return settings.schedule("x")


def test_events_are_shifts(tmp_path: Path) -> None:
    """Recurring, moved, cancelled, all-day and floating events: who is on call, and when."""
    found = calendar(
        tmp_path,
        ZONE,
        event(
            "weekly",
            "DTSTART;TZID=Europe/Berlin:20260323T090000",
            "DTEND;TZID=Europe/Berlin:20260323T170000",
            "RRULE:FREQ=WEEKLY;COUNT=4",
            "EXDATE;TZID=Europe/Berlin:20260406T090000",
            "SUMMARY:alice",
        ),
        event(
            "weekly",
            "RECURRENCE-ID;TZID=Europe/Berlin:20260413T090000",
            "DTSTART;TZID=Europe/Berlin:20260414T090000",
            "DTEND;TZID=Europe/Berlin:20260414T170000",
            "SUMMARY:bob",
        ),
        event("day", "DTSTART;VALUE=DATE:20260328", "DTEND;VALUE=DATE:20260330", "SUMMARY:carol"),
        event("floating", "DTSTART:20260331T080000", "DURATION:PT2H", "SUMMARY:dora"),
        event("off", "DTSTART:20260401T080000Z", "DURATION:PT2H", "STATUS:CANCELLED", "SUMMARY:nobody at all"),
    )
    shifts = found.shifts(utc("2026-03-01T00:00"), utc("2026-05-01T00:00"))
    assert told(shifts) == [
        "03-23 08:00 alice",
        "03-27 23:00 carol",
        "03-30 07:00 alice",
        "03-31 06:00 dora",
        "04-14 07:00 bob",
    ]
    assert shifts[1].end - shifts[1].start == timedelta(hours=47)  # two days, one of which has 23 hours
    assert found.at(utc("2026-04-06T08:00")) is None


NAMES = [
    ("SUMMARY:alice", "alice"),
    ("SUMMARY:On call: Alice A.", "al"),
    ("SUMMARY:Primary\nATTENDEE;CN=Bob:mailto:bob@example.org", "bob"),
    ('SUMMARY:Primary\nATTENDEE;CN="Alice A.":MAILTO:a.a@example.org', "al"),
    ("SUMMARY:alice\nATTENDEE:mailto:Carol@Example.org", "carol1"),
]


@pytest.mark.parametrize(("lines", "user"), NAMES)
def test_who_is_meant(lines: str, user: str, tmp_path: Path) -> None:
    """An attendee counts before the summary, what `users` maps before a name that stands for itself."""
    users = {"on call: alice a.": "al", "Alice A.": "al", "carol@example.org": "carol1"}
    found = calendar(tmp_path, event("x", "DTSTART:20260105T080000Z", "DURATION:PT8H", lines), users=users)
    shift = found.at(utc("2026-01-05T09:00"))
    assert shift is not None
    assert shift.user == user


def test_events_that_overlap(tmp_path: Path) -> None:
    """Where events overlap, the one that begins last counts, and the other is told."""
    found = calendar(
        tmp_path,
        event("a", "DTSTART:20260105T080000Z", "DURATION:PT8H", "SUMMARY:alice"),
        event("b", "DTSTART:20260105T100000Z", "DURATION:PT2H", "SUMMARY:bob"),
        event("c", "DTSTART:20260105T150000Z", "DURATION:PT8H", "SUMMARY:carol"),
    )
    shifts = found.shifts(utc("2026-01-05T00:00"), utc("2026-01-06T00:00"))
    assert told(shifts) == ["01-05 08:00 alice", "01-05 10:00 bob", "01-05 12:00 alice", "01-05 15:00 carol"]
    overlaps = found.overlaps(utc("2026-01-05T00:00"), utc("2026-01-06T00:00"))
    assert [(one.user, one.instead_of) for one in overlaps] == [("bob", "alice"), ("carol", "alice")]
    assert isinstance(overlaps[0], Overlap)


BAD = [
    (event("x", "DTSTART:20260105T080000Z", "DURATION:PT8H", "SUMMARY:The best of us"), "'The best of us'"),
    (event("x", "DTSTART:20260105T080000Z", "RRULE:FREQ=SOMETIMES", "SUMMARY:alice"), "calendar"),
    ("BEGIN:VEVENT\nDTSTART", "is no calendar"),
]


@pytest.mark.parametrize(("text", "problem"), BAD)
def test_calendars_that_cannot_be_used(text: str, problem: str, tmp_path: Path) -> None:
    """A calendar that names nobody, or is none, is a problem with the file's name and the way out."""
    with pytest.raises(InputError) as raised:
        calendar(tmp_path, text)
    assert problem in as_text(raised.value.problems)
    assert "x.ics: error" in as_text(raised.value.problems)


def test_calendar_that_is_not_there(tmp_path: Path) -> None:
    """A file that is not there is named; a relative path lies beside the configuration."""
    settings = ScheduleSettings.model_validate(
        {"layers": [{"ical": {"file": "gone.ics"}}]}, context={"folder": tmp_path}
    )
    with pytest.raises(InputError) as raised:
        settings.people()
    assert f"{tmp_path}/gone.ics: error: cannot be read" in as_text(raised.value.problems)


def test_round_trip(tmp_path: Path) -> None:
    """What is exported and read in again is the same schedule."""
    original, end = schedule(0), START + 120 * DAY
    shifts = original.shifts(START, end)
    (tmp_path / "x.ics").write_bytes(to_ical("x", shifts, START))
    layers = [{"ical": {"file": str(tmp_path / "x.ics")}}]
    again = ScheduleSettings.model_validate({"timezone": "Europe/Berlin", "layers": layers})
    assert [(one.start, one.end, one.user) for one in again.schedule("x").shifts(START, end)] == [
        (one.start, one.end, one.user) for one in shifts
    ]
    assert again.people() == {shift.user for shift in shifts}


def test_an_event_keeps_its_uid(tmp_path: Path) -> None:
    """Asked again, later and after an override, an event whose shift begins as before has the UID that it had."""
    found, now = schedule(0), datetime(2026, 1, 1, tzinfo=UTC)
    shifts = found.shifts(START, START + 30 * DAY)
    changed = found.overridden([Override(shifts[5].start, shifts[5].end, "zoe", "bob", "x")])
    before, after = (_uids(to_ical("x", one.shifts(START, START + 30 * DAY), now)) for one in (found, changed))
    assert before == after
    assert read_back(to_ical("x", changed.shifts(START, START + 30 * DAY), now))(shifts[5].start) == "zoe"


def _uids(content: bytes) -> list[str]:
    return [line for line in content.decode().splitlines() if line.startswith("UID:")]
