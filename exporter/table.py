"""Points of many answers, gathered on one grid."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from exporter.frame import Bools, Floats
from exporter.names import Key

Indexes = NDArray[np.intp]

ON_GRID = 0.05  # of a step; a sample further off the grid belongs to no column


@dataclass(frozen=True, slots=True)
class Grid:
    """The times that are asked for: `start` in Unix seconds, then so many columns, `step` seconds apart."""

    start: float
    step: float
    columns: int

    def columns_of(self, times: Floats) -> tuple[Indexes, Bools]:
        """The column of each time, and whether there is one."""
        place = (times - self.start) / self.step
        columns = np.rint(place)
        there = (np.abs(place - columns) <= ON_GRID) & (columns >= 0) & (columns < self.columns)
        return columns.astype(np.intp), there


@dataclass(slots=True)
class Table:
    """Values of shape (series, columns), NaN where nothing came; windows of one range fill it in turn."""

    grid: Grid
    keys: tuple[Key, ...] = ()
    values: Floats = field(init=False)
    points: int = 0

    def __post_init__(self) -> None:
        self.values = np.empty((0, self.grid.columns))

    def rows_of(self, keys: tuple[Key, ...]) -> Indexes:
        """The rows of these series; new ones get new rows."""
        if keys is self.keys or not self.keys:
            rows = np.arange(len(keys))
        else:
            known = {key: row for row, key in enumerate(self.keys)}
            rows = np.array([known.setdefault(key, len(known)) for key in keys], dtype=np.intp)
            keys = tuple(known) if len(known) > len(self.keys) else self.keys
        added = len(keys) - len(self.keys)
        if added:
            self.keys = keys
            self.values = np.vstack([self.values, np.full((added, self.grid.columns), np.nan)])
        return rows

    def take(self, rows: Indexes, columns: Indexes, values: Floats) -> None:
        """Puts points into their places, each of shape (points,)."""
        self.values[rows, columns] = values
        self.points += len(rows)
