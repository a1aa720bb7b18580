"""Samples within ranges of time, and what functions make of them.

Source: prometheus/prometheus promql/functions.go (extrapolatedRate, linearRegression, …_over_time).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generator.proof.quantiles import of_sorted
from generator.proof.vectors import Flags, Numbers
from tocsin.model import Labels

Counts = NDArray[np.int64]

NEAR = 1.1  # of the mean distance of samples: nearer than that to its end, a range counts as covered


@dataclass(frozen=True, slots=True)
class Windows:
    """`values` and `there` are (series, worlds, times, samples), `stamps` (times, samples), in seconds.

    `until` (times,) is where each range ends, `seconds` how long it is, and `now` when it is looked at.
    """

    labels: tuple[Labels, ...]
    values: Numbers
    there: Flags
    stamps: Numbers
    until: Numbers
    seconds: float
    now: Numbers

    @property
    def count(self) -> Counts:
        return np.asarray(self.there.sum(axis=-1))

    def first(self) -> tuple[Numbers, Numbers]:
        """The value and the time of the first sample."""
        return self._at(self.there.argmax(axis=-1))

    def last(self, before: int = 0) -> tuple[Numbers, Numbers]:
        """The value and the time of the last sample, or of one of those before it."""
        order = np.cumsum(self.there[..., ::-1], axis=-1) > before
        return self._at(self.there.shape[-1] - 1 - order.argmax(axis=-1))

    def _at(self, places: Counts) -> tuple[Numbers, Numbers]:
        picked = np.take_along_axis(self.values, places[..., None], axis=-1)[..., 0]
        stamps = np.broadcast_to(self.stamps, self.values.shape)
        return picked, np.take_along_axis(stamps, places[..., None], axis=-1)[..., 0]

    def changes(self) -> tuple[Numbers, Flags]:
        """From each sample to the next, and whether both are there; gaps are not looked across."""
        return np.diff(self.values, axis=-1), self.there[..., 1:] & self.there[..., :-1]

    def masked(self, other: float) -> Numbers:
        return np.where(self.there, self.values, other)


OverTime = Callable[[Windows], tuple[Numbers, Flags]]


def _extrapolated(windows: Windows, *, counter: bool, rate: bool) -> tuple[Numbers, Flags]:
    (first, began), (last, ended) = windows.first(), windows.last()
    change, count = last - first, windows.count
    if counter:
        steps, both = windows.changes()
        before = windows.values[..., :-1]
        change = change + np.where(both & (steps < 0), before, 0.0).sum(axis=-1)
    sampled = ended - began
    between = sampled / (count - 1)
    head, tail = began - (windows.until - windows.seconds), windows.until - ended
    head = np.where(head >= NEAR * between, between / 2, head)
    if counter:
        zero = np.where((change > 0) & (first >= 0), sampled * (first / change), np.inf)
        head = np.minimum(head, zero)
    tail = np.where(tail >= NEAR * between, between / 2, tail)
    factor = (sampled + head + tail) / sampled
    return change * (factor / windows.seconds if rate else factor), count >= 2


def _instant(windows: Windows, *, rate: bool) -> tuple[Numbers, Flags]:
    (last, ended), (previous, began) = windows.last(), windows.last(1)
    change = last - previous
    if rate:
        change = np.where(change < 0, last, change) / (ended - began)
    return change, windows.count >= 2


def line(windows: Windows, since: Numbers) -> tuple[Numbers, Numbers, Flags]:
    """Slope a second and value at `since` (series, worlds, times) of the line of least squares."""
    count = windows.count
    moments = np.where(windows.there, windows.stamps - since[..., None], 0.0)
    values = windows.masked(0.0)
    x, y = moments.sum(axis=-1) / count, values.sum(axis=-1) / count
    spread = (moments**2).sum(axis=-1) / count - x * x
    slope = ((moments * values).sum(axis=-1) / count - x * y) / spread
    return slope, y - slope * x, count >= 2


def deriv(windows: Windows) -> tuple[Numbers, Flags]:
    slope, _, known = line(windows, windows.first()[1])
    return slope, known


def predict(windows: Windows, ahead: Numbers) -> tuple[Numbers, Flags]:
    slope, level, known = line(windows, np.broadcast_to(windows.now, windows.values.shape[:-1]))
    return level + slope * ahead, known


def quantile(windows: Windows, share: Numbers) -> tuple[Numbers, Flags]:
    ordered = np.sort(windows.masked(np.inf), axis=-1)
    return of_sorted(np.moveaxis(ordered, -1, 0), windows.count, share), windows.count > 0


def _mean(windows: Windows) -> Numbers:
    return np.asarray(windows.masked(0.0).sum(axis=-1) / windows.count)


def _variance(windows: Windows) -> Numbers:
    off = np.where(windows.there, windows.values - _mean(windows)[..., None], 0.0)
    return np.asarray((off**2).sum(axis=-1) / windows.count)


def _where_any(compute: Callable[[Windows], Numbers]) -> OverTime:
    return lambda windows: (np.asarray(compute(windows), dtype=np.float64), windows.count > 0)


def _counted(which: Callable[[Numbers], Flags]) -> OverTime:
    def of(windows: Windows) -> Numbers:
        steps, both = windows.changes()
        return np.asarray((both & which(steps)).sum(axis=-1), dtype=np.float64)

    return _where_any(of)


OVER_TIME: Mapping[str, OverTime] = {
    "rate": lambda windows: _extrapolated(windows, counter=True, rate=True),
    "increase": lambda windows: _extrapolated(windows, counter=True, rate=False),
    "delta": lambda windows: _extrapolated(windows, counter=False, rate=False),
    "irate": lambda windows: _instant(windows, rate=True),
    "idelta": lambda windows: _instant(windows, rate=False),
    "deriv": deriv,
    "changes": _counted(lambda steps: steps != 0),
    "resets": _counted(lambda steps: steps < 0),
    "sum_over_time": _where_any(lambda windows: windows.masked(0.0).sum(axis=-1)),
    "avg_over_time": _where_any(_mean),
    "min_over_time": _where_any(lambda windows: windows.masked(np.inf).min(axis=-1)),
    "max_over_time": _where_any(lambda windows: windows.masked(-np.inf).max(axis=-1)),
    "count_over_time": _where_any(lambda windows: windows.count.astype(np.float64)),
    "present_over_time": _where_any(lambda windows: np.ones(windows.values.shape[:-1])),
    "last_over_time": _where_any(lambda windows: windows.last()[0]),
    "first_over_time": _where_any(lambda windows: windows.first()[0]),
    "stdvar_over_time": _where_any(_variance),
    "stddev_over_time": _where_any(lambda windows: np.sqrt(_variance(windows))),
}
KEEP_NAME = frozenset({"last_over_time", "first_over_time"})
