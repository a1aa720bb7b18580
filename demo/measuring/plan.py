"""What is measured, as data: a run-in, normal weeks, then one fault after another, with time to recover between."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

HOUR = timedelta(hours=1)

# The same days each time, so that the same world is measured; within one of the spans of BLOCK since 1970 into
# which promtool divides what it reads.
START = datetime(2026, 9, 20, tzinfo=UTC)
BLOCK = timedelta(hours=1458)

DAY = 24 * HOUR
NORMAL = timedelta(days=14)
RECOVERY = 3 * HOUR


@dataclass(frozen=True, slots=True)
class Play:
    """A fault, how long it goes on, and after how long what it eats is used up (if it eats something)."""

    fault: str
    lasts: timedelta
    exhausted: timedelta | None = None


PLAYS = (
    Play("latency-creep", 2 * HOUR),
    Play("error-burst", HOUR),
    Play("memory-leak", 12 * HOUR, exhausted=12 * HOUR),
    Play("disk-filling", 8 * HOUR, exhausted=8 * HOUR),
    Play("codec-regression", HOUR),
    Play("login-brute-force", HOUR),
    Play("traffic-flood", HOUR),
    Play("model-drift", 8 * HOUR),
    Play("silent-death", HOUR),
    Play("cascading-failure", HOUR),
)


@dataclass(frozen=True, slots=True)
class Episode:
    """A fault at its time; `exhausted` is when what it eats is used up."""

    fault: str
    begin: datetime
    end: datetime
    exhausted: datetime | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The measured time; alerts are judged from `normal_begin` to `end`."""

    start: datetime
    normal_begin: datetime
    normal_end: datetime
    episodes: Sequence[Episode]
    end: datetime


def planned(plays: Iterable[Play] = PLAYS, *, back: timedelta = DAY, normal: timedelta = NORMAL) -> Plan:
    """The faults one after another, each after time enough to recover from the one before.

    `back` is how far back rules look: the normal weeks begin when they all can, at midnight.
    """
    run_in = -(-back // DAY) * DAY
    normal_end = START + run_in + normal
    now, episodes = normal_end, []
    for play in plays:
        exhausted = now + play.exhausted if play.exhausted is not None else None
        episodes.append(Episode(play.fault, now, now + play.lasts, exhausted))
        now += play.lasts + RECOVERY
    return Plan(START, START + run_in, normal_end, tuple(episodes), now)
