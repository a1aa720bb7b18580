"""A Frame: many series on one regular grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.model import Labels

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Frame:
    """Values on a regular grid, float64 of shape (series, steps), NaN where missing; a label set for each series.

    `start` is the first column's time in Unix seconds, `step` the seconds from column to column.
    """

    values: Floats
    labels: Sequence[Labels]
    start: float
    step: float

    @property
    def steps(self) -> int:
        return int(self.values.shape[1])

    @property
    def last(self) -> float:
        """The newest column's time in Unix seconds."""
        return self.start + (self.steps - 1) * self.step

    @property
    def times(self) -> Floats:
        """Each column's time in Unix seconds, shape (steps,)."""
        return self.start + self.step * np.arange(self.steps, dtype=np.float64)
