"""Which reported events tell of a fault, and which of nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.faults import Fault
from exporter.frame import Bools, Floats

DEAD_STEPS = 60  # bands, too, report once: no second event so soon


@dataclass(frozen=True, slots=True)
class Tally:
    """Events that told of a fault or of nothing; faults found and all, by kind."""

    true: int
    false: int
    found: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    false_rows: Counter[int] = field(default_factory=Counter)

    @property
    def precision(self) -> float:
        return self.true / max(self.true + self.false, 1)

    @property
    def recall(self) -> float:
        return sum(self.found.values()) / max(sum(self.faults.values()), 1)


def tally(events: Bools, faults: Sequence[Fault], *, first: int) -> Tally:
    """Counts events, of shape (series, steps), from the step `first` on; an event in a fault's window is true."""
    events = events.copy()
    events[:, :first] = False
    inside = np.zeros_like(events)
    found: Counter[str] = Counter()
    for fault in faults:
        window = (fault.row, slice(fault.first, fault.last + 1))
        inside[window] = True
        found[fault.kind] += bool(events[window].any())
    false = events & ~inside
    return Tally(
        true=int((events & inside).sum()),
        false=int(false.sum()),
        found=found,
        faults=Counter(fault.kind for fault in faults),
        false_rows=Counter(dict(enumerate(false.sum(axis=1).tolist()))),
    )


def rises(high: Bools) -> Bools:
    """Where a new event begins: high now, and nothing reported in the dead time."""
    events = np.zeros_like(high)
    since = np.full(len(high), DEAD_STEPS)
    for step in range(high.shape[1]):
        events[:, step] = high[:, step] & (since >= DEAD_STEPS)
        since = np.where(high[:, step], 0, since + 1)
    return events


def band(values: Floats, *, robust: bool, width: float = 3.0, window: int = 288) -> Bools:
    """What a band of the last 24 hours flags, as people write it in PromQL.

    `abs(x - avg_over_time(x[1d])) > 3 * stddev_over_time(x[1d])`; or with `quantile_over_time(0.5, …)` and the median
    distance from it, over a subquery, times 1.4826.
    """
    import pandas

    frame = pandas.DataFrame(values.T)
    rolling = frame.rolling(window, min_periods=window // 2)
    if robust:
        distance = (frame - rolling.median()).abs()
        usual = 1.4826 * distance.rolling(window, min_periods=window // 2).median()
    else:
        distance, usual = (frame - rolling.mean()).abs(), rolling.std()
    beyond: Bools = (distance > width * usual).to_numpy().T
    return beyond
