"""When an alert is pending and when it fires, from the evaluations at which its series was there.

Source: prometheus rules/alerting.go (AlertingRule.Eval): pending from its first evaluation on; firing at the first one
that lies `for` after it; gone at once while it is pending; once it fires, it goes at the first evaluation that lies
`keep_firing_for` after the first one without it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from generator.backtest.runs import Run


@dataclass(frozen=True, slots=True)
class Stint:
    """The evaluation at which it began to fire, and the first at which it no longer did; None: it fires at the end."""

    start: int
    end: int | None


@dataclass(frozen=True, slots=True)
class Life:
    """What became of one label set: when it fired, and the evaluations at which it was pending in vain."""

    stints: tuple[Stint, ...]
    in_vain: tuple[Run, ...]


def live(moments: Sequence[int], present: Sequence[Run], hold: int, keep: int) -> Life:
    """The life of an alert whose series was there at `present` of the evaluations; whatever fires last has no end.

    `moments` are their times, ascending; they, `hold` (`for`) and `keep` (`keep_firing_for`) are in milliseconds.
    """
    stints: list[Stint] = []
    in_vain: list[Run] = []
    began, gone = -1, -1  # of what fires: since when, and the evaluation at which it ends without its series
    for first, last in present:
        if began >= 0 and first > gone:
            stints.append(Stint(began, gone))
            began = -1
        if began < 0:
            fires = bisect_left(moments, moments[first] + hold, first)
            if fires <= last:
                began = fires
            elif last + 1 < len(moments):
                in_vain.append((first, last))
        if began >= 0:
            gone = _gone(moments, last, keep)
    if began >= 0:
        stints.append(Stint(began, gone if gone < len(moments) else None))
    return Life(tuple(stints), tuple(in_vain))


def _gone(moments: Sequence[int], last: int, keep: int) -> int:
    """The first evaluation that ends it when its series was there at `last` for the last time."""
    absent = last + 1
    return bisect_left(moments, moments[absent] + keep, absent) if absent < len(moments) else absent
