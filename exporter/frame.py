"""A Frame: many series on one regular grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Frame:
    """Values on a regular grid, float64 of shape (series, steps), NaN where missing; a label set for each series.

    `start` is the first column's time in Unix seconds, `step` the seconds from column to column.
    """

    values: Floats
    labels: Sequence[Labels]
    start: float
    step: float

    @classmethod
    def empty(cls, start: float, step: float) -> Self:
        """A Frame without series or steps."""
        return cls(np.empty((0, 0)), (), start, step)

    @property
    def steps(self) -> int:
        return int(self.values.shape[1])

    @property
    def times(self) -> Floats:
        """Each column's time in Unix seconds, shape (steps,)."""
        return self.start + self.step * np.arange(self.steps, dtype=np.float64)
