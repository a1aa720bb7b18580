"""What can be turned in a world, each as one number: a level, a pace, how many series there are, where events lie.

A setting is a number for each dial; many settings at once are (dials, worlds).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from generator.proof.vectors import Numbers
from generator.proof.worlds import (
    BORN,
    GONE,
    JUMP,
    LATER,
    LEVEL,
    MOMENT,
    NEVER,
    PERIOD,
    SLOPE,
    Worlds,
    resting,
)
from tocsin.model import Labels

# A level; a pace a sample; what the level or the pace becomes, as a share of what it was; samples from one toggle to
# the next; whether the series is there; how many of several series have the first level, and how many there are;
# where the events of a histogram lie; and when what changes does so, in samples before the end.
Kind = Literal["level", "pace", "share", "period", "presence", "alike", "count", "place", "moment"]
WHOLE = frozenset({"period", "presence", "alike", "count", "moment"})

ALWAYS, ABSENT, GOES, COMES = range(4)


@dataclass(frozen=True, slots=True)
class Dial:
    """Turns something of some series; `part` says of which, in words."""

    kind: Kind
    rows: tuple[int, ...]
    usual: float
    tried: tuple[float, ...]
    part: str
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Histogram:
    """Rows of a classic histogram's buckets by their bounds, and of its count and sum where they are read.

    Of a `native` one, each bucket counts what is in it alone.
    """

    buckets: tuple[tuple[float, int], ...]
    counts: tuple[int, ...]
    sums: tuple[int, ...]
    place: int  # dials
    pace: int
    share: int | None
    native: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """All series, all dials, and what turns what. `counters` are the rows that only rise."""

    labels: tuple[Labels, ...]
    dials: tuple[Dial, ...]
    histograms: tuple[Histogram, ...]
    counters: tuple[bool, ...]

    def usual(self, worlds: int = 1) -> Numbers:
        """Every dial where it is if nothing speaks against it."""
        return np.repeat(np.asarray([[float(dial.usual)] for dial in self.dials]).reshape(-1, 1), worlds, axis=1)

    def worlds(self, settings: Numbers, samples: int) -> Worlds:
        """The worlds of so many samples at which settings turn them."""
        numbers = resting(len(self.labels), settings.shape[1])
        moments = [row for row, dial in enumerate(self.dials) if dial.kind == "moment"]
        moment = np.maximum(samples - settings[moments[0]], 0) if moments else np.full(settings.shape[1], NEVER)
        for kind in ORDER:
            for place, dial in enumerate(self.dials):
                if dial.kind == kind:
                    TURN[kind](numbers, dial, settings[place], moment)
        for histogram in self.histograms:
            _spread(numbers, histogram, settings, moment)
        return Worlds(numbers)


Turn = Callable[[Numbers, Dial, Numbers, Numbers], None]


def _level(numbers: Numbers, dial: Dial, setting: Numbers, moment: Numbers) -> None:
    numbers[list(dial.rows), LEVEL] = setting


def _pace(numbers: Numbers, dial: Dial, setting: Numbers, moment: Numbers) -> None:
    numbers[list(dial.rows), SLOPE] = setting


def _share(numbers: Numbers, dial: Dial, setting: Numbers, moment: Numbers) -> None:
    turned = setting != 1
    for row in dial.rows:
        slope, level = numbers[row, SLOPE], numbers[row, LEVEL]
        numbers[row, MOMENT] = np.where(turned, moment, numbers[row, MOMENT])
        numbers[row, LATER] = np.where(turned, slope * setting, numbers[row, LATER])
        numbers[row, JUMP] = np.where(turned & (slope == 0), level * (setting - 1), numbers[row, JUMP])


def _period(numbers: Numbers, dial: Dial, setting: Numbers, moment: Numbers) -> None:
    toggles = setting > 0
    for row in dial.rows:
        numbers[row, PERIOD] = setting
        numbers[row, JUMP] = np.where(toggles, 1.0, numbers[row, JUMP])
        numbers[row, MOMENT] = np.where(toggles, 0, numbers[row, MOMENT])


def _presence(numbers: Numbers, dial: Dial, setting: Numbers, moment: Numbers) -> None:
    for row in dial.rows:
        gone = np.where(setting == GOES, moment, numbers[row, GONE])
        numbers[row, GONE] = np.where(setting == ABSENT, 0, gone)
        numbers[row, BORN] = np.where(setting == COMES, moment, numbers[row, BORN])


def _alike(numbers: Numbers, dial: Dial, setting: Numbers, moment: Numbers) -> None:
    """The first so many series have the numbers of the first one, the others those of the last."""
    first, last = numbers[dial.rows[0]].copy(), numbers[dial.rows[-1]].copy()
    for place, row in enumerate(dial.rows):
        numbers[row] = np.where(place < setting, first, last)


def _count(numbers: Numbers, dial: Dial, setting: Numbers, moment: Numbers) -> None:
    for place, row in enumerate(dial.rows):
        numbers[row, GONE] = np.where(place < setting, numbers[row, GONE], 0)


def _nothing(numbers: Numbers, dial: Dial, setting: Numbers, moment: Numbers) -> None:
    """Read by others."""


ORDER: tuple[Kind, ...] = ("level", "pace", "share", "period", "presence", "alike", "count")
TURN: dict[Kind, Turn] = {
    "level": _level,
    "pace": _pace,
    "share": _share,
    "period": _period,
    "presence": _presence,
    "alike": _alike,
    "count": _count,
    "place": _nothing,
    "moment": _nothing,
}


def _spread(numbers: Numbers, histogram: Histogram, settings: Numbers, moment: Numbers) -> None:
    """Events at a place: all of them below the bound above it, fewer below the one before, the nearer that is.

    So each quantile moves steadily with the place.
    """
    pace, place = settings[histogram.pace], settings[histogram.place]
    share = settings[histogram.share] if histogram.share is not None else np.ones_like(place)
    later = place * share
    bounds = [bound for bound, _ in histogram.buckets]
    for number, (_, row) in enumerate(histogram.buckets):
        before, after = (_in_bucket(histogram, bounds, number, where) for where in (place, later))
        numbers[row, SLOPE] = pace * before
        numbers[row, LATER] = pace * after
        numbers[row, MOMENT] = np.where(share != 1, moment, NEVER)
    for row in (*histogram.counts, *histogram.sums):
        numbers[row, SLOPE] = pace * (place if row in histogram.sums else 1)
        numbers[row, LATER] = pace * (later if row in histogram.sums else 1)
        numbers[row, MOMENT] = np.where(share != 1, moment, NEVER)


def _in_bucket(histogram: Histogram, bounds: Sequence[float], number: int, place: Numbers) -> Numbers:
    """The share of events that a bucket counts: classic ones count those below, too."""
    if not histogram.native:
        return _below(bounds, number, place)
    upto = _below(bounds, number, place) if number + 1 < len(bounds) else np.ones_like(place)
    return upto - _below(bounds, number - 1, place) if number else upto


def _below(bounds: Sequence[float], number: int, place: Numbers) -> Numbers:
    """The share of events below a bound."""
    low = bounds[number]
    if math.isinf(low):
        return np.ones_like(place)
    high = bounds[number + 1] if number + 1 < len(bounds) else math.inf
    if math.isinf(high):
        high = low * 2
    return np.asarray(np.clip((high - place) / (high - low), 0, 1))


def candidates(numbers: Iterable[float], scales: Iterable[float] = (1.0,)) -> tuple[float, ...]:
    """Numbers worth trying where those stand in an expression: themselves, a little beside them, far from them."""
    near = [number for number in numbers if math.isfinite(number)][:12]
    found = {0.0, 1.0, 10.0, 100.0, 1000.0}
    for number in near:
        for scale in scales:
            found.update(number * scale * times for times in (1, 1.1, 0.9, 2, 0.5, 10, 0.1, -1))
        found.update((number + 1, number - 1))
    for one in near[:6]:
        found.update(product for other in near[:6] for product in (one * other, one * other * 1.1, one * other * 0.9))
    return tuple(sorted(one for one in found if math.isfinite(one)))
