"""Where samples come from: the series that are played, what was recorded, the steps of a subquery.

All of them have samples at even distances; a range or an instant picks some by number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from generator.proof.vectors import Flags, Numbers, Vector
from generator.proof.windows import Windows
from generator.proof.worlds import Index, Worlds
from tocsin.labels import Matchers, matches
from tocsin.model import Labels

LOOKBACK = 300.0  # seconds: Prometheus's default
HAIR = 1e-6  # seconds: less than any distance that counts


@dataclass(frozen=True, slots=True)
class Source:
    """Series with samples every `step` seconds, the first of them `lag` before 0.

    `at` gives values and presence at samples by number: (series, worlds, …samples); none is there before the `first`.
    """

    labels: tuple[Labels, ...]
    at: Callable[[Index], tuple[Numbers, Flags]]
    step: float
    lag: float = 0.0
    lookback: float = LOOKBACK
    first: int = 0

    def number(self, times: Numbers) -> Index:
        """The newest sample at each time."""
        return np.asarray(np.floor((times + self.lag + HAIR) / self.step).astype(np.int64))

    def instant(self, times: Numbers, *, closed: bool) -> tuple[Vector, Numbers]:
        """The newest samples, and how old they are, in seconds; `closed` if one may be as old as the lookback."""
        index = self.number(times)
        values, there = self.at(index)
        age = times + self.lag - index * self.step
        return Vector(self.labels, values, there & (age < self.lookback + (HAIR if closed else -HAIR))), age

    def windows(self, until: Numbers, seconds: float, now: Numbers, *, closed: bool) -> Windows:
        """The samples within so many seconds; `closed` if a sample at the very beginning counts."""
        newest = self.number(until)
        most = int(np.ceil(seconds / self.step - HAIR)) + closed
        most = max(1, min(most, int(newest.max()) - self.first + 1))
        index = newest[:, None] - np.arange(most - 1, -1, -1)
        stamps = index * self.step - self.lag
        since = until[:, None] - seconds
        inside = stamps >= since - HAIR if closed else stamps > since + HAIR
        values, there = self.at(index)
        return Windows(self.labels, values, there & inside, stamps, until, seconds, now)


def kept(vector: Vector, known: Index, step: float) -> Source:
    """A source of what was computed at some samples, by number."""

    def at(index: Index) -> tuple[Numbers, Flags]:
        place = np.minimum(np.searchsorted(known, index), len(known) - 1)
        return vector.values[..., place], vector.present[..., place] & (known[place] == index)

    return Source(vector.labels, at, step, first=int(known[0]))


@dataclass(frozen=True, slots=True)
class Played:
    """The label sets of the series that are played, and what was found out of them: who matches, what is recorded."""

    labels: tuple[Labels, ...]
    step: float
    known: dict[int, tuple[Labels, ...]] = field(default_factory=dict)  # of what is recorded of them
    _matched: dict[Matchers, Sequence[int]] = field(default_factory=dict)

    def source(self, matchers: Matchers, worlds: Worlds) -> Source:
        """The series that a selector matches."""
        rows = self._matched.get(matchers)
        if rows is None:
            rows = [row for row, labels in enumerate(self.labels) if matches(matchers, labels)]
            self._matched[matchers] = rows
        return Source(tuple(self.labels[row] for row in rows), lambda index: worlds.at(rows, index), self.step)
