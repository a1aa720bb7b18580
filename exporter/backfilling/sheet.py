"""Samples of many series over a long time: they come step by step, lie in a file meanwhile, and go series by series."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from exporter.frame import Floats
from exporter.table import Indexes

HELD_VALUES = 4_000_000  # in memory: 32 MB
NUMBER_BYTES = 8

Found = Sequence[tuple[Indexes, Floats]]  # rows of the sheet, and what they are


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some columns of the rows that there were, row by row in the file."""

    first: int
    columns: int
    rows: int
    offset: int


class Sheet:
    """A row for each name, a column for each time; NaN where nothing was put."""

    def __init__(self, columns: int, folder: Path | None = None) -> None:
        """`folder`: where the file lies, which has no name and is gone when it is closed."""
        self.columns = columns
        self.names: dict[str, dict[bytes, int]] = {}  # by family, in the order in which they came
        self._rows = 0
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - `__exit__` closes it
        self._chunks: list[Chunk] = []
        self._begin(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def rows(self, family: str, names: Sequence[bytes]) -> Indexes:
        """The rows of these names; new ones get new rows."""
        known = self.names.setdefault(family, {})
        found = np.empty(len(names), dtype=np.intp)
        for at, name in enumerate(names):
            row = known.get(name)
            if row is None:
                row = known[name] = self._rows
                self._rows += 1
            found[at] = row
        return found

    def put(self, first: int, until: int, found: Found) -> None:
        """Puts values into the columns from `first` to before `until`, none of which comes before an earlier one.

        Raises:
            OSError: there is no more room.
        """
        while first < until:
            if first >= self._first + self._held.shape[1]:
                self._write()
                self._begin(first)
            begin, end = first - self._first, min(until - self._first, self._held.shape[1])
            self._grow()
            for rows, values in found:
                self._held[rows, begin:end] = values[:, None]
            first = self._first + end

    def written(self) -> None:
        """Everything was put.

        Raises:
            OSError: there is no more room.
        """
        self._write()
        self._held = np.empty((0, 0))

    def values(self, row: int) -> Floats:
        """A row, once everything was put."""
        found = np.full(self.columns, np.nan)
        for chunk in self._chunks:
            if row < chunk.rows:
                size = chunk.columns * NUMBER_BYTES
                plain = os.pread(self._file.fileno(), size, chunk.offset + row * size)
                found[chunk.first : chunk.first + chunk.columns] = np.frombuffer(plain)
        return found

    def _begin(self, first: int) -> None:
        rows = max(self._rows, 64)
        columns = max(1, min(HELD_VALUES // rows, self.columns - first))
        self._first, self._held = first, np.full((rows, columns), np.nan)

    def _grow(self) -> None:
        rows, columns = self._held.shape
        if rows < self._rows:
            self._held = np.vstack([self._held, np.full((max(self._rows - rows, rows), columns), np.nan)])

    def _write(self) -> None:
        held = np.ascontiguousarray(self._held[: self._rows])
        offset = self._file.seek(0, os.SEEK_END)
        plain = held.reshape(-1).view(np.uint8).data
        while plain:
            plain = plain[self._file.write(plain) :]
        self._chunks.append(Chunk(self._first, held.shape[1], len(held), offset))
