"""Series from Prometheus as a Frame."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec
import numpy as np

from exporter import digits
from exporter.frame import Frame
from exporter.names import Key, Named, Names, key_of
from exporter.places import Places
from exporter.table import Grid, Indexes, Table
from tocsin.promapi import MOST_POINTS, NothingToRead, NotPrometheus, Prometheus, Series, TooMuch, TooSlow

__all__ = ["Key", "Reader", "Reading", "key_of", "read"]

LARGEST = 1e36  # a value beyond is none: models keep some of what they learn in 32 bits
WINDOW_VALUES = 150_000  # in one answer: some 5 MB, far below a server's `query.max-samples` of 50 million
FIRST_COLUMNS = 60  # while nobody knows how many series there are
WINDOW_COLUMNS = 5  # at least, where series are many: their names weigh more than so many values
MOST_SLOW = 3  # ranges that are too slow are halved so often; then it is the server, not their length
PART_VALUES = 500_000  # of history that are held at once: 4 MB, and what a model makes of them
REASONS = ("max_series", "duplicate", "histogram", "off_grid")  # why something is not taken

Progress = Callable[[float], None]


def ignore(share: float) -> None:
    """Nobody looks on."""


class OnlyHistograms(NothingToRead):
    """A query answers with native histograms alone."""

    reason = "histograms"


class OffGrid(NothingToRead):
    """A query's samples lie at other times than those that were asked for."""

    reason = "off_grid"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read, and how many series had something that was not taken, by reason."""

    frame: Frame
    points: int
    newest: bool  # it ends where reading was to end
    left_out: Mapping[str, int]


class Reader:
    """Reads one expression again and again; what it learned of the series' names makes the next time quick."""

    def __init__(self, expr: str, *, step: float, max_series: int) -> None:
        self._expr = expr
        self._step = step
        self._names = Names()
        self._places = Places(max_series)

    @property
    def examples(self) -> Sequence[Key]:
        """Some of the series that were left out because there are too many."""
        return self._places.examples

    async def read(self, prometheus: Prometheus, *, start: float, end: float) -> Reading:
        """The series from start to end, both included.

        Raises:
            QueryError: nothing came that can be scored.
        """
        reading = await self._filled(prometheus, self._grid(start, end), MOST_POINTS, ignore)
        _refuse_nothing(reading)
        return reading

    async def history(
        self, prometheus: Prometheus, *, start: float, end: float, at_once: bool, progress: Progress = ignore
    ) -> AsyncIterator[Reading]:
        """Start to end in parts that memory can hold, the newest column alone as the last one; or as one part and it.

        The newest column is read first: series that are there now are sure of their place, and their number says how
        many points a window may have. `progress` is told the share that was read.

        Raises:
            QueryError: there is nothing at the end, or a part cannot be read.
        """
        newest = await self.read(prometheus, start=end, end=end)
        whole = self._grid(start, end - self._step)
        series = len(newest.frame.labels)
        window = min(MOST_POINTS, max(WINDOW_COLUMNS, WINDOW_VALUES // series))
        length = whole.columns if at_once else max(window, PART_VALUES // series)
        for first in range(0, whole.columns, max(1, length)):
            part = Grid(start + first * self._step, self._step, min(length, whole.columns - first))
            share = partial(_share, progress, first / whole.columns, part.columns / whole.columns)
            yield await self._filled(prometheus, part, window, share, past=True)
        progress(1.0)
        yield newest

    async def forward(self, prometheus: Prometheus, *, start: float, end: float) -> AsyncIterator[Reading]:
        """Start to end in parts, each of one request and read when it is asked for; what is empty is a part, too.

        Raises:
            QueryError: a part cannot be read.
        """
        first, whole, window = 0, self._grid(start, end), FIRST_COLUMNS
        while first < whole.columns:
            part = Grid(start + first * self._step, self._step, min(window, whole.columns - first))
            reading = await self._filled(prometheus, part, window, ignore)
            yield reading
            first += part.columns
            window = min(MOST_POINTS, max(WINDOW_COLUMNS, WINDOW_VALUES // max(1, len(reading.frame.labels))))

    def _grid(self, start: float, end: float) -> Grid:
        return Grid(start, self._step, max(0, round((end - start) / self._step) + 1))

    async def _filled(
        self, prometheus: Prometheus, grid: Grid, window: int, progress: Progress, *, past: bool = False
    ) -> Reading:
        """The grid's columns, so many in a request; half as many once the server or the answer's size says so."""
        table, left_out = Table(grid), Counter[str]()
        first, slow = 0, 0
        while first < grid.columns:
            count = min(window, grid.columns - first)
            begin = grid.start + first * grid.step
            try:
                answer = await prometheus.query_range(self._expr, begin, begin + (count - 1) * grid.step, grid.step)
            except (TooMuch, TooSlow) as error:
                slow += isinstance(error, TooSlow)
                if count == 1 or slow > MOST_SLOW:
                    raise
                window = count // 2
                continue
            left_out |= await asyncio.to_thread(self._take, answer, table, past)
            first += count
            progress(first / grid.columns)
        frame = Frame(table.values, Named(table.keys), grid.start, grid.step)
        return Reading(frame, table.points, not past, {reason: left_out[reason] for reason in REASONS})

    def _take(self, answer: Sequence[Series], table: Table, past: bool) -> Counter[str]:
        """Puts an answer into the table; returns how many series had something that was not taken, by reason."""
        numeric = [series for series in answer if series.values]
        places = self._places.of(self._names_of(numeric), past=past)
        rows = table.rows_of(places.keys)
        if places.rows is not None:
            rows = np.where(places.rows < 0, -1, rows[places.rows])
        off_grid = _fill(table, [series.values for series in numeric], rows)
        return Counter({**places.left_out, "histogram": len(answer) - len(numeric), "off_grid": off_grid})

    def _names_of(self, answer: Sequence[Series]) -> tuple[Key, ...]:
        try:
            return self._names.of([series.metric for series in answer])
        except msgspec.DecodeError as error:
            raise NotPrometheus(f"the query is answered with labels that cannot be read: {error}") from error


async def read(prometheus: Prometheus, expr: str, *, start: float, end: float, step: float, max_series: int) -> Frame:
    """The series of an expression from start to end, both included, read once.

    Raises:
        QueryError: nothing came that can be scored.
    """
    return (await Reader(expr, step=step, max_series=max_series).read(prometheus, start=start, end=end)).frame


def _fill(table: Table, texts: Sequence[msgspec.Raw], rows_of: Indexes) -> int:
    """Puts the points of an answer's series into their rows, -1 is none; returns how many have others off the grid."""
    ends, off_grid = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts))), set[int]()
    try:
        for at, times, values in digits.parse(b"".join(texts)):
            series = np.searchsorted(ends, at, side="right")
            columns, there = table.grid.columns_of(times)
            if not there.all():
                off_grid.update(series[~there].tolist())
            rows = rows_of[series]
            there &= rows >= 0
            table.take(rows[there], columns[there], np.where(np.abs(values) > LARGEST, np.nan, values)[there])
    except ValueError as error:
        raise NotPrometheus(f"the query is answered with samples that cannot be read: {error}") from error
    return len(off_grid)


def _refuse_nothing(reading: Reading) -> None:
    """Raises where a reading holds not one value, NaN included."""
    if reading.points:
        return
    if reading.left_out["off_grid"]:
        raise OffGrid("the query answers with samples at other times than those asked for: is a proxy's cache between?")
    if reading.left_out["histogram"]:
        raise OnlyHistograms(
            "the query answers with native histograms: wrap it in histogram_quantile() or histogram_avg()"
        )
    raise NothingToRead("the query answers with no series: is the metric there, and its name spelt so?")


def _share(progress: Progress, begin: float, length: float, done: float) -> None:
    progress(begin + length * done)
