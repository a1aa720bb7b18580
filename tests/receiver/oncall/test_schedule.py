"""Who is on call: every kind of turn, across every kind of day, in layers, with overrides and swaps."""

from __future__ import annotations

import time
from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.engine.schedule import Span
from receiver.oncall.schedule import Overlap, Schedule, common_gaps
from receiver.oncall.settings import ScheduleSettings
from receiver.oncall.shift import Override, Shift, overlay
from receiver.oncall.spans import intersect, subtract, union
from tests.receiver.oncall.properties import MINUTE, START, ZONES, changes_its_clock, check, clock_changes

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def schedule(*layers: dict[str, Any], timezone: str = "Europe/Berlin", **more: Any) -> Schedule:
    return ScheduleSettings.model_validate({"timezone": timezone, "layers": layers} | more).schedule("x")


def turns(**said: Any) -> dict[str, Any]:
    return {"users": ["alice", "bob", "carol"], "start": "2026-01-05"} | said


def told(shifts: list[Shift]) -> list[str]:
    return [f"{shift.start:%m-%d %H:%M} {shift.user}" for shift in shifts]


# Berlin, 2026: 02:00 becomes 03:00 on 29 March, 03:00 becomes 02:00 on 25 October.
TURNS: list[tuple[str, dict[str, Any], str, str, list[str]]] = [
    (
        "weekly, at the handover's time from the first day on",
        turns(rotation="weekly", handover="Mon 09:00"),
        "2026-01-01T00:00",
        "2026-01-20T00:00",
        ["01-05 08:00 alice", "01-12 08:00 bob", "01-19 08:00 carol"],
    ),
    (
        "weekly, where the first turn is short",
        turns(rotation="weekly", start="2026-01-07T12:00", handover="Mon 09:00"),
        "2026-01-01T00:00",
        "2026-01-20T00:00",
        ["01-07 11:00 alice", "01-12 08:00 bob", "01-19 08:00 carol"],
    ),
    (
        "weekly without a handover: as it began",
        turns(rotation="weekly", start="2026-01-07T12:00", every="2w"),
        "2026-01-01T00:00",
        "2026-02-05T00:00",
        ["01-07 11:00 alice", "01-21 11:00 bob", "02-04 11:00 carol"],
    ),
    (
        "weekly, across the change to summer time",
        turns(rotation="weekly", start="2026-03-23T09:00"),
        "2026-03-24T00:00",
        "2026-04-08T00:00",
        ["03-23 08:00 alice", "03-30 07:00 bob", "04-06 07:00 carol"],
    ),
    (
        "daily, in the gap",
        turns(rotation="daily", start="2026-03-28T02:30"),
        "2026-03-28T12:00",
        "2026-03-30T12:00",
        ["03-28 01:30 alice", "03-29 01:30 bob", "03-30 00:30 carol"],
    ),
    (
        "daily, in the overlap",
        turns(rotation="daily", start="2026-10-24T02:30"),
        "2026-10-24T12:00",
        "2026-10-26T12:00",
        ["10-24 00:30 alice", "10-25 00:30 bob", "10-26 01:30 carol"],
    ),
    (
        "every other day",
        turns(rotation="daily", every="2d", handover="08:00"),
        "2026-01-06T00:00",
        "2026-01-09T12:00",
        ["01-05 07:00 alice", "01-07 07:00 bob", "01-09 07:00 carol"],
    ),
    (
        "by weekdays",
        turns(rotation="weekdays", handover="Mon, Fri 17:00"),
        "2026-01-05T12:00",
        "2026-01-13T00:00",
        ["01-05 16:00 alice", "01-09 16:00 bob", "01-12 16:00 carol"],
    ),
    (
        "by weekdays, begun between two of them",
        turns(rotation="weekdays", start="2026-01-06", handover="Mon-Wed, Sat"),
        "2026-01-05T12:00",
        "2026-01-12T12:00",
        ["01-05 23:00 alice", "01-06 23:00 bob", "01-09 23:00 carol", "01-11 23:00 alice"],
    ),
    (
        "by half days, on the day without two o'clock",
        turns(rotation="hours", every="12h", start="2026-03-28T02:00"),
        "2026-03-28T06:00",
        "2026-03-29T18:00",
        ["03-28 01:00 alice", "03-28 13:00 bob", "03-29 01:00 carol", "03-29 12:00 alice"],
    ),
    (
        "by hours: what the clock jumps over is nobody's turn",
        turns(rotation="hours", every="1h", start="2026-03-29T00:00"),
        "2026-03-28T23:30",
        "2026-03-29T02:30",
        ["03-28 23:00 alice", "03-29 00:00 bob", "03-29 01:00 alice", "03-29 02:00 bob"],
    ),
    (
        "by hours: the hour that occurs twice is one turn",
        turns(rotation="hours", every="1h", start="2026-10-25T00:00"),
        "2026-10-24T22:30",
        "2026-10-25T02:30",
        ["10-24 22:00 alice", "10-24 23:00 bob", "10-25 00:00 carol", "10-25 02:00 alice"],
    ),
    (
        "until",
        turns(rotation="daily", until="2026-01-06T12:00"),
        "2026-01-01T00:00",
        "2026-02-01T00:00",
        ["01-04 23:00 alice", "01-05 23:00 bob"],
    ),
    (
        "business hours, a lunch break, a holiday",  # 6 January is one in Saxony-Anhalt
        turns(
            rotation="weekly",
            restrict={"weekdays": "Mon-Fri", "hours": ["09:00-12:00", "13:00-17:00"]},
            skip_holidays=True,
        ),
        "2026-01-05T00:00",
        "2026-01-07T12:00",
        ["01-05 08:00 alice", "01-05 12:00 alice", "01-07 08:00 alice"],
    ),
    (
        "over midnight, on the days on which it begins",
        turns(rotation="daily", restrict={"weekdays": ["Fri"], "hours": "22:00-06:00"}),
        "2026-01-05T00:00",
        "2026-01-17T00:00",
        ["01-09 21:00 bob", "01-09 23:00 carol", "01-16 21:00 carol", "01-16 23:00 alice"],
    ),
    (
        "only on holidays",
        turns(rotation="weekly", only_holidays=True),
        "2026-01-05T00:00",
        "2026-04-30T00:00",
        ["01-05 23:00 alice", "04-02 22:00 alice", "04-05 22:00 bob"],
    ),
]


@pytest.mark.parametrize(
    ("layer", "start", "end", "shifts"), [case[1:] for case in TURNS], ids=[case[0] for case in TURNS]
)
def test_turns(layer: dict[str, Any], start: str, end: str, shifts: list[str]) -> None:
    """The turns of one layer between two moments, whole, with the moments at which they begin."""
    found = schedule(layer, holidays={"country": "DE", "subdivision": "ST"})
    assert told(found.shifts(utc(start), utc(end))) == shifts


def test_later_layers_count_first() -> None:
    """A later layer counts where it names somebody; elsewhere the one before it does."""
    office = turns(rotation="daily", users=["dora"], name="office", restrict={"hours": "09:00-17:00"})
    found = schedule(turns(rotation="weekly", name="base"), office)
    assert told(found.shifts(utc("2026-01-05T12:00"), utc("2026-01-06T12:00"))) == [
        "01-05 08:00 dora",
        "01-05 16:00 alice",
        "01-06 08:00 dora",
    ]
    assert [one.why for one in found.shifts(utc("2026-01-05T12:00"), utc("2026-01-05T17:00"))] == [
        "layer office",
        "layer base",
    ]
    first, *_ = found.overlaps(utc("2026-01-05T00:00"), utc("2026-01-06T00:00"))
    assert first == Overlap(Span(utc("2026-01-05T08:00"), utc("2026-01-05T16:00")), "dora", "alice")


def test_overrides_and_swaps() -> None:
    """An override stands before all layers; a swap exchanges two people and leaves everybody else; each in its turn."""
    found = schedule(turns(rotation="daily", start="2026-01-05T09:00")).overridden(
        [
            Override(utc("2026-01-05T10:00"), utc("2026-01-05T12:00"), "zoe", "bob", "o1"),
            Override(utc("2026-01-05T11:00"), utc("2026-01-07T12:00"), "alice", "bob", "s1", "zoe"),
            Override(utc("2026-01-06T20:00"), utc("2026-01-07T12:00"), "bob", "alice", "s2", "carol"),
        ]
    )
    assert told(found.shifts(utc("2026-01-05T08:00"), utc("2026-01-08T08:00"))) == [
        "01-05 08:00 alice",
        "01-05 10:00 zoe",
        "01-05 11:00 alice",  # zoe's override, swapped
        "01-05 12:00 zoe",  # alice's shift, swapped
        "01-06 08:00 bob",
        "01-06 20:00 carol",
        "01-07 08:00 bob",
        "01-07 12:00 carol",
    ]
    swapped = found.at(utc("2026-01-05T13:00"))
    assert swapped is not None
    assert (swapped.override, swapped.by, swapped.why) == ("s1", "bob", "swapped by bob (layer 1)")
    put = found.at(utc("2026-01-05T10:00"))
    assert put is not None
    assert put.why == "override by bob"


def test_gaps() -> None:
    """Nobody is on call outside of every layer; a person of either schedule is somebody."""
    day = schedule(turns(rotation="daily", restrict={"hours": "08:00-20:00"}))
    night = schedule(turns(rotation="daily", restrict={"hours": "19:00-07:00"}))
    start, end = utc("2026-01-05T07:00"), utc("2026-01-06T07:00")
    assert day.gaps(start, end) == [Span(utc("2026-01-05T19:00"), utc("2026-01-06T07:00"))]
    assert day.at(utc("2026-01-05T19:00")) is None
    assert common_gaps([day, night], start, end) == [Span(utc("2026-01-06T06:00"), utc("2026-01-06T07:00"))]
    assert common_gaps([], start, end) == [Span(start, end)]
    following = day.after(utc("2026-01-05T12:00"))
    assert following is not None
    assert following.start == utc("2026-01-06T07:00")
    over = schedule(turns(rotation="daily", until="2026-01-06"))
    assert over.after(utc("2026-02-01T00:00")) is None


@pytest.mark.parametrize("number", range(len(ZONES)), ids=[zone for zone, _ in ZONES])
def test_one_answer_and_the_same_calendar(number: int) -> None:
    """At every boundary ± 1 minute and at random minutes the answer is unique and equals the iCal export.

    Here for some days around two changes of the clock in one of ten years; `python -m bench.oncall` asks the same over
    all of them, at 10,000 random minutes in each zone.
    """
    year = START + number % 10 * 365 * DAY
    days = clock_changes(year, ZoneInfo(ZONES[number][0])) or [year + 40 * DAY, year + 200 * DAY]
    assert sum(check(number, day - 2 * DAY, 4, minutes=60) for day in days[:2]) > 150


RULES = [
    (turns(rotation="weekly", start="2026-03-02T02:30"), "FREQ=WEEKLY"),
    (turns(rotation="weekly", start="2026-03-04", handover="Wed 00:00", every="3w"), "FREQ=WEEKLY;INTERVAL=3"),
    (turns(rotation="daily", start="2026-03-01T02:15"), "FREQ=DAILY"),
    (turns(rotation="weekdays", start="2026-03-02", handover="Mon-Fri 01:45"), "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
    (turns(rotation="hours", every="8h", start="2026-03-01T02:00"), "FREQ=HOURLY;INTERVAL=8"),
    (turns(rotation="hours", every="1h", start="2026-03-01T00:30"), "FREQ=HOURLY"),
]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Antarctica/Troll"])
@pytest.mark.parametrize(("layer", "rule"), RULES, ids=[rule for _, rule in RULES])
def test_turns_are_those_of_a_recurrence_rule(layer: dict[str, Any], rule: str, zone: str) -> None:
    """Turns begin where an RFC 5545 rule of local times recurs, by dateutil; the latest that began counts."""
    asked = schedule(layer, timezone=zone)
    (first, *_) = asked.shifts(utc("2026-02-01T00:00"), utc("2026-04-01T00:00"))
    local = first.start.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    times = rrulestr(rule, dtstart=local).between(local, local + 800 * DAY, inc=True)
    begins = [one.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for one in times]
    latest = begins.copy()
    for index in reversed(range(len(latest) - 1)):  # from here on none begins earlier
        latest[index] = min(latest[index], latest[index + 1])
    chance = Random(rule + zone)
    changes = clock_changes(first.start.replace(minute=0), ZoneInfo(zone))
    moments = [first.start + chance.randrange(799 * 24 * 60) * MINUTE for _ in range(50)]
    moments += [day + chance.randrange(24 * 60) * MINUTE for day in changes for _ in range(150)]
    for moment in moments:
        expected = ("alice", "bob", "carol")[(bisect_right(latest, moment) - 1) % 3]
        answer = asked.at(moment)
        assert answer is not None
        assert answer.user == expected, moment


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(ZONES) - 1), st.integers(0, 3650 * 24 * 60), st.integers(0, 23), st.integers(1, 24))
def test_hours_are_those_of_the_clock_on_the_wall(number: int, minute: int, begins: int, hours: int) -> None:
    """Where no clock changes, somebody is on call just when the clock shows one of the hours of one of the weekdays."""
    zone, moment = ZoneInfo(ZONES[number][0]), START + minute * MINUTE
    if changes_its_clock(moment, zone):
        return
    ends = (begins + hours) % 24
    said = f"{begins:02}:00-{ends or 24:02}:00" if hours < 24 else "00:00-24:00"
    asked = schedule(turns(rotation="daily", restrict={"weekdays": "Mon-Fri", "hours": said}), timezone=zone.key)
    local = moment.astimezone(zone)
    hour, today, yesterday = local.hour, local.weekday() < 5, (local - DAY).weekday() < 5
    if hours == 24:
        expected = today
    elif begins < (ends or 24):
        expected = today and begins <= hour < (ends or 24)
    else:
        expected = (today and hour >= begins) or (yesterday and hour < ends)
    begun = moment >= utc("2026-01-06T00:00")
    if begun:
        assert (asked.at(moment) is not None) == expected


spans = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=8).map(
    lambda pairs: union(Span(START + a * MINUTE, START + (a + n) * MINUTE) for a, n in pairs)
)


@settings(max_examples=200)
@given(spans, spans)
def test_spans_are_sets_of_moments(some: list[Span], others: list[Span]) -> None:
    """Union, intersection, difference and overlay of spans are those of the minutes in them."""

    def minutes(found: list[Span]) -> set[int]:
        assert all(one.start < one.end <= following.start for one, following in pairwise(found))
        return {m for m in range(90) for span in found if span.covers(START + m * MINUTE)}

    assert minutes(union([*some, *others])) == minutes(some) | minutes(others)
    assert minutes(intersect(some, others)) == minutes(some) & minutes(others)
    assert minutes(subtract(some, others)) == minutes(some) - minutes(others)
    laid = overlay([Shift(*_of(one), "below") for one in some], [Shift(*_of(one), "above") for one in others])
    assert minutes([shift.span for shift in laid]) == minutes(some) | minutes(others)
    assert minutes([shift.span for shift in laid if shift.user == "above"]) == minutes(others)


def _of(span: Span) -> tuple[datetime, datetime]:
    return span.start, span.end


def test_it_is_quick() -> None:
    """Ten years after its start a weekly rotation answers within 200 µs, and lists its ten years within 2 s."""
    asked, late = schedule(turns(rotation="weekly")), utc("2036-03-01T12:00")
    best = float("inf")
    for _ in range(20):
        begun = time.process_time()
        for _ in range(20):
            asked.at(late)
        best = min(best, (time.process_time() - begun) / 20)
    assert best < 200e-6
    begun = time.process_time()
    assert len(asked.shifts(utc("2026-01-05T00:00"), late)) == 530
    assert time.process_time() - begun < 2
