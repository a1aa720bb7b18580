"""The state machine of an alert: when it fires, from the evaluations at which its series was there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.backtest.machine import Life, Stint, live
from generator.backtest.runs import Run, between, joined, most, shared, within

# What it shows; the series at each evaluation (# is there), a minute apart; `for` and `keep_firing_for` in seconds;
# what the alert does (F fires, p is pending).
CASES = [
    ("it fires at once", ".##.", 0, 0, ".FF."),
    ("it is pending first", ".####.", 120, 0, ".ppFF."),
    ("`for` is no multiple of the interval", ".####.", 90, 0, ".ppFF."),
    ("`for` is shorter than the interval", ".###.", 20, 0, ".pFF."),
    ("one that goes too soon has been pending in vain", ".##.###.", 120, 0, ".pp.ppF."),
    ("a single evaluation never lasts", ".#.#.#", 30, 0, ".p.p.p"),
    ("it is kept firing", ".#......", 0, 180, ".FFFF..."),
    ("it is kept for less than an interval", ".#..", 0, 30, ".FF."),
    ("it is kept for no multiple of the interval", ".#.....", 0, 90, ".FFF..."),
    ("its series comes back while it is kept", ".#..#....", 0, 180, ".FFFFFFF."),
    ("and just when it would go", ".#...#...", 0, 180, ".FFFFFFFF"),
    ("and too late", ".#....#..", 0, 120, ".FFF..FFF"),
    ("what is pending is not kept", ".##.##..", 120, 600, ".pp.pp.."),
    ("what is kept is not pending anew", ".###..##..", 120, 180, ".ppFFFFFFF"),
    ("it fires at the first evaluation", "##..", 0, 0, "FF.."),
    ("and at the last", "..##", 0, 0, "..FF"),
    ("it is kept at the end", "..#.", 0, 120, "..FF"),
    ("it is pending at the end", "..##", 120, 0, "..pp"),
    ("never there", "....", 0, 60, "...."),
    ("always there", "####", 60, 0, "pFFF"),
]


def runs(text: str, sign: str = "#") -> list[Run]:
    return joined((index, index) for index, one in enumerate(text) if one == sign)


def drawn(life: Life, count: int) -> str:
    """Where it fires; pending is not drawn."""
    text = ["."] * count
    for stint in life.stints:
        for index in range(stint.start, count if stint.end is None else stint.end):
            text[index] = "F"
    return "".join(text)


def evaluated(moments: Sequence[int], present: str, hold: int, keep: int) -> str:
    """What Prometheus's loop does, evaluation by evaluation (rules/alerting.go)."""
    states = ""
    active, kept, state = 0, 0, "."
    for moment, there in zip(moments, present, strict=True):
        if there == "#":
            kept = 0
            if state == ".":
                state, active = "p", moment
            if state == "p" and moment - active >= hold:
                state = "F"
        else:
            if state == "F" and keep:
                kept = kept or moment
            if state != "F" or not keep or moment - kept >= keep:
                state = "."
        states += state
    return states


@pytest.mark.parametrize(("shows", "present", "hold", "keep", "does"), CASES, ids=[case[0] for case in CASES])
def test_cases(shows: str, present: str, hold: int, keep: int, does: str) -> None:
    """An alert is pending, fires and goes at the evaluations at which Prometheus's does."""
    moments = range(60_000, 60_000 * (len(present) + 1), 60_000)
    assert evaluated(moments, present, hold * 1000, keep * 1000) == does
    life = live(moments, runs(present), hold * 1000, keep * 1000)
    assert drawn(life, len(present)) == does.replace("p", ".")


SERIES = st.text("#.", max_size=60)
LENGTH = st.integers(0, 12)


@given(st.lists(st.tuples(st.sampled_from("#."), st.integers(1, 5)), max_size=60), LENGTH, LENGTH)
def test_as_evaluated_one_by_one(evaluations: list[tuple[str, int]], hold: int, keep: int) -> None:
    """Runs at once give what the loop gives, at regular and at irregular evaluations."""
    present = "".join(there for there, _ in evaluations)
    moments = list(accumulate(apart for _, apart in evaluations))
    life = live(moments, runs(present), hold, keep)
    assert drawn(life, len(present)) == evaluated(moments, present, hold, keep).replace("p", ".")


@given(SERIES, LENGTH, LENGTH)
def test_pending_in_vain(present: str, hold: int, keep: int) -> None:
    """Each time that an alert is pending and goes before it fires is one; what is pending at the end is open."""
    does = evaluated(range(len(present)), present, hold, keep)
    pending = [run for run in runs(does, "p") if run[1] + 1 < len(does) and does[run[1] + 1] == "."]
    assert list(live(range(len(present)), runs(present), hold, keep).in_vain) == pending


def test_ends() -> None:
    """A firing ends at the first evaluation at which it no longer fires, or not at all."""
    assert live(range(5), [(1, 2)], 0, 0).stints == (Stint(1, 3),)
    assert live(range(5), [(1, 4)], 0, 0).stints == (Stint(1, None),)
    assert live(range(5), [(1, 3)], 0, 9).stints == (Stint(1, None),)


INDEXED = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 6)).map(lambda pair: (pair[0], sum(pair))), max_size=8)


def indexes(runs: Sequence[Run]) -> set[int]:
    return {index for first, last in runs for index in range(first, last + 1)}


@given(INDEXED)
def test_joined(some: list[Run]) -> None:
    """Joined runs hold the same indices, in order, with a gap between two."""
    found = joined(some)
    assert indexes(found) == indexes(some)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(found))


@given(INDEXED)
def test_counted(some: list[Run]) -> None:
    """Shared is what lies in two runs; the most is the highest number at one index."""
    counts = [sum(first <= index <= last for first, last in some) for index in range(40)]
    assert indexes(shared(some)) == {index for index, count in enumerate(counts) if count > 1}
    assert most(some) == max(counts)


@given(INDEXED, INDEXED)
def test_left_out(some: list[Run], failed: list[Run]) -> None:
    """Without the failed indices the others are counted anew, and hold what they held."""
    kept = between(joined(failed), 40)
    assert indexes(kept) == set(range(40)) - indexes(failed)
    places = sorted(indexes(kept))
    assert indexes(within(joined(some), kept)) == {places.index(index) for index in indexes(some) & set(places)}
