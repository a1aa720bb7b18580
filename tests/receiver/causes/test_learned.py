"""What is learned: rates that fade, bounded, stored with a version."""

from __future__ import annotations

import math

import pytest

from receiver.engine.causes.learned import HALF_LIFE, MOST_NAMES, VERSION, Learned, NotUsable, Seen, decode, encode
from receiver.engine.causes.relearning import relearned
from tests.receiver.bodies import START
from tests.receiver.causes.playing import Play

NOW = START.timestamp()
DAY = 86_400.0


def test_a_name_that_comes_alone_is_expected_alone() -> None:
    """The rate is openings for each place and second; the prior fades beside many days."""
    learned = Learned()
    for day in range(10):
        for hour in range(24):
            learned.note_opened("Noisy", NOW + day * DAY + hour * 3600)
    after = NOW + 10 * DAY
    assert learned.lone_rate("Noisy", 20, after) == pytest.approx(24 / DAY / 20, rel=0.2)
    assert learned.lone_rate("Quiet", 20, after) < learned.lone_rate("Noisy", 20, after) / 4
    assert learned.follows("Noisy", after) < 0.02


def test_what_was_seen_long_ago_counts_less() -> None:
    """After a half-life half of it, and half of the time in which it was seen."""
    learned = Learned()
    learned.note_followed("HighLatency", "DatabaseDown", NOW, times=8.0)
    assert learned._of("HighLatency", NOW + HALF_LIFE).followed == pytest.approx(4.0)
    assert learned._observed(NOW + 100 * HALF_LIFE) == pytest.approx(HALF_LIFE / math.log(2))


def test_the_time_of_a_hop_is_learned() -> None:
    """Many slow travels move the median; one does not."""
    learned = Learned()
    before = learned.travel
    learned.note_travel(120.0, 1)
    assert learned.travel < 1.5 * before
    for _ in range(200):
        learned.note_travel(240.0, 2)
    assert learned.travel == pytest.approx(120.0, rel=0.15)


def test_names_are_bounded() -> None:
    """The one that nobody heard of for longest goes."""
    learned = Learned()
    for number in range(MOST_NAMES + 10):
        learned.note_opened(f"name-{number}", NOW + number)
    assert len(learned.names) == MOST_NAMES
    assert "name-0" not in learned.names


def test_it_is_stored_and_read() -> None:
    """What was learned comes back as it was."""
    learned = Learned()
    learned.note_opened("DatabaseDown", NOW)
    learned.note_followed("HighLatency", "DatabaseDown", NOW + 5)
    learned.note_travel(30.0, 1)
    assert decode(encode(learned)) == learned


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b'{"version": 1, "names": []}', "cannot be read"),
        (b'{"version": %d}' % (VERSION + 1), "this is version"),
        (b'{"version": 1, "log_travel": 1e999}', "cannot be read"),
    ],
)
def test_what_is_corrupt_or_newer_is_not_used(content: bytes, said: str) -> None:
    """The error says why."""
    with pytest.raises(NotUsable, match=said):
        decode(content)


def figures(seen: Seen) -> tuple[float, ...]:
    return tuple(round(one, 2) for one in (seen.opened, seen.alone, seen.followed, seen.gained))


def test_history_teaches_the_same_again() -> None:
    """Learned from the events of a storm, the figures are those that stood."""
    play = Play()
    play.fires("DatabaseDown", "catalog", at=0)
    play.fires("HighErrorRate", "player", at=40)
    play.fires("HighLatency", "search", at=45)
    play.fires("DiskFull", "billing", at=50)
    kept = play.work.board("default").learned
    events = [(incident, START, event) for incident, event in play.events]
    again = relearned(play.work.incidents.values(), events)
    assert {name: figures(s) for name, s in again.names.items()} == {name: figures(s) for name, s in kept.names.items()}


def test_what_is_learned_changes_what_is_explained() -> None:
    """A name that often came alone needs more than closeness in time to be a consequence."""
    naive, wise = Play(), Play()
    for day in range(8):
        for part in range(864):
            wise.work.board("default").learned.note_opened("CpuThrottled", NOW - (8 - day) * DAY + part * 100.0)
    for play in (naive, wise):
        play.fires("DatabaseDown", "catalog", at=0)
    cause = naive.of("DatabaseDown").id
    assert naive.fires("CpuThrottled", "player", at=60) == cause
    assert wise.fires("CpuThrottled", "player", at=60) != wise.of("DatabaseDown").id
