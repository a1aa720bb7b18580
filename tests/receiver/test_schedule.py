"""When windows are on: every kind, across every kind of day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.engine.schedule import Cron, Except, Once, Recurring, Schedule, Span, next_span, span_at

BERLIN = ZoneInfo("Europe/Berlin")  # 2026: 02:00 becomes 03:00 on 29 March, 03:00 becomes 02:00 on 25 October
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str) -> datetime:
    """A time of the clock on the wall, without a zone."""
    return datetime.fromisoformat(text)


def daily(clock: str, duration: timedelta = HOUR, zone: ZoneInfo = BERLIN) -> Recurring:
    return Recurring("FREQ=DAILY", local(f"2026-01-01T{clock}"), duration, zone)


CASES: list[tuple[str, Schedule, list[tuple[str, str]]]] = [
    ("once", Once(Span(utc("2026-11-21T03:00"), utc("2026-11-21T04:00"))), [("2026-11-21T03:00", "2026-11-21T04:00")]),
    ("cron, winter", Cron("0 2 * * *", HOUR, BERLIN), [("2026-01-10T01:00", "2026-01-10T02:00")]),
    ("cron, summer", Cron("0 2 * * *", HOUR, BERLIN), [("2026-07-10T00:00", "2026-07-10T01:00")]),
    ("cron, in the gap", Cron("30 2 * * *", HOUR, BERLIN), [("2026-03-29T01:00", "2026-03-29T02:00")]),
    ("cron, in the overlap", Cron("30 2 * * *", HOUR, BERLIN), [("2026-10-25T00:30", "2026-10-25T01:30")]),
    (
        "cron by the half hour, in the overlap",
        Cron("*/30 2 * * *", 10 * MINUTE, BERLIN),
        [(f"2026-10-25T0{h}:{m}0", f"2026-10-25T0{h}:{m + 1}0") for h in (0, 1) for m in (0, 3)],
    ),
    ("daily, in the gap", daily("02:30"), [("2026-03-29T01:30", "2026-03-29T02:30")]),
    ("daily, in the overlap", daily("02:30"), [("2026-10-25T00:30", "2026-10-25T01:30")]),
    ("across the gap", daily("01:30", 2 * HOUR), [("2026-03-29T00:30", "2026-03-29T02:30")]),
    ("across the overlap", daily("01:30", 2 * HOUR), [("2026-10-24T23:30", "2026-10-25T01:30")]),
    (
        "leap day",
        Recurring("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", local("2024-02-29T12:00"), HOUR, BERLIN),
        [("2028-02-29T11:00", "2028-02-29T12:00")],
    ),
    (
        "second Tuesday, New York",
        Recurring("FREQ=MONTHLY;BYDAY=2TU", local("2026-01-13T22:00"), 4 * HOUR, ZoneInfo("America/New_York")),
        [("2026-11-11T03:00", "2026-11-11T07:00")],
    ),
    (
        "a gap of half an hour, Lord Howe",  # 2026-10-04 02:00 becomes 02:30
        daily("02:15", HOUR, ZoneInfo("Australia/Lord_Howe")),
        [("2026-10-03T15:45", "2026-10-03T16:45")],
    ),
]


@pytest.mark.parametrize(("schedule", "spans"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_spans(schedule: Schedule, spans: list[tuple[str, str]]) -> None:
    """A window is on from its start until just before its end, and a minute outside of it is off."""
    for start, end in ((utc(one), utc(other)) for one, other in spans):
        span = Span(start, end)
        asked = [start - MINUTE, start, start + MINUTE, end - MINUTE, end, end + MINUTE]
        assert [span_at(schedule, at) for at in asked] == [None, span, span, span, None, None]
        assert next_span(schedule, start - MINUTE) == span


@pytest.mark.parametrize(
    "rule",
    ["", "FREQ=NEVER", "FREQ=HOURLY", "FREQ=DAILY;BYHOUR=1,2", "FREQ=SECONDLY", "hello", "DTSTART:2026\nFREQ=DAILY"],
)
def test_rules_that_are_refused(rule: str) -> None:
    """What is no rule, or recurs within a day, is refused with a reason."""
    with pytest.raises(ValueError, match="rrule"):
        Recurring(rule, local("2026-01-01T00:00"), HOUR, BERLIN)


@pytest.mark.parametrize("expression", ["", "* * * *", "0 2 * * * *", "61 * * * *", "0 2 31 2 *", "x y z a b"])
def test_cron_that_is_refused(expression: str) -> None:
    """What is no cron expression, or never comes true, is refused with a reason."""
    with pytest.raises(ValueError, match="cron"):
        Cron(expression, HOUR, BERLIN)


def test_cron_that_piles_up() -> None:
    """Spans of a month that start every minute are refused: each moment would lie in thousands."""
    with pytest.raises(ValueError, match="too often"):
        Cron("* * * * *", timedelta(days=31), BERLIN)


def test_rule_that_ends() -> None:
    """UNTIL in UTC, and a rule that never comes true."""
    ending = Recurring("RRULE:FREQ=DAILY;UNTIL=20260103T000000Z", local("2026-01-01T00:30"), HOUR, BERLIN)
    assert next_span(ending, utc("2026-01-01T12:00")) == Span(utc("2026-01-01T23:30"), utc("2026-01-02T00:30"))
    assert next_span(ending, utc("2026-01-02T23:30")) is None
    never = Recurring("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", local("2026-01-01T00:00"), HOUR, BERLIN)
    assert next_span(never, utc("2026-01-01T00:00")) is None


hours_around_a_change = st.one_of(
    st.integers(-300, 300).map(lambda m: utc("2026-03-29T01:00") + m * MINUTE),
    st.integers(-300, 300).map(lambda m: utc("2026-10-25T01:00") + m * MINUTE),
)


@settings(max_examples=60, deadline=None)
@given(hours_around_a_change, st.integers(0, 23), st.integers(0, 59), st.integers(1, 26 * 60))
def test_one_answer_at_every_moment(at: datetime, hour: int, minute: int, duration: int) -> None:
    """On a day that changes the clock a daily window starts exactly once, and every moment has one answer."""
    for schedule in (
        daily(f"{hour:02}:{minute:02}", duration * MINUTE),
        Cron(f"{minute} {hour} * * *", duration * MINUTE, BERLIN),
    ):
        midnight = at.astimezone(BERLIN).replace(hour=0, minute=0, second=0, fold=0)
        tomorrow = (midnight.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=BERLIN)
        assert len(list(schedule.starting(midnight.astimezone(UTC), tomorrow.astimezone(UTC)))) == 1
        span = span_at(schedule, at)
        upcoming = next_span(schedule, at)
        assert upcoming is not None
        assert upcoming.start > at
        if span is not None:
            assert span.covers(at)
            assert span.end - span.start == duration * MINUTE


@pytest.mark.parametrize(
    ("series", "days", "starts"),
    [
        (daily("00:30"), {"2026-01-02", "2026-01-04"}, ["2025-12-31T23:30", "2026-01-02T23:30", "2026-01-04T23:30"]),
        (
            Recurring("FREQ=DAILY;COUNT=3", local("2026-01-01T12:00"), HOUR, BERLIN),
            {"2026-01-02"},
            ["2026-01-01T11:00", "2026-01-03T11:00"],
        ),
        (Cron("0 12 1-3 1 *", HOUR, BERLIN), {"2026-01-01", "2026-01-03"}, ["2026-01-02T11:00"]),
    ],
)
def test_days_left_out(series: Schedule, days: set[str], starts: list[str]) -> None:
    """A series leaves local days out; they count for COUNT, and what comes next is looked for beyond them."""
    schedule = Except(series, frozenset(map(date.fromisoformat, days)), BERLIN)
    found = [span.start for span in schedule.starting(utc("2025-12-31T12:00"), utc("2026-01-05T12:00"))]
    assert found == [utc(start) for start in starts]
    assert schedule.longest == HOUR
    following = next_span(schedule, utc("2025-12-31T12:00"))
    assert following is not None
    assert following.start == utc(starts[0])
