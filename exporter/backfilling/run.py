"""A query's stored time, scored step by step as a live exporter would have done, onto a sheet."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from exporter.backfilling.openmetrics import Scrapes
from exporter.backfilling.sheet import Found, Sheet
from exporter.frame import Bools, Frame
from exporter.labelling import Prefixes, prefixes
from exporter.names import Named, keys_of
from exporter.publishing.samples import Samples
from exporter.reading import Reader
from exporter.rendering import names
from exporter.scoring import Learned, Scoring
from exporter.table import Indexes
from exporter.watch import fresh_seconds, oldest_of, target_of
from tocsin.promapi import Prometheus

Progress = Callable[[str, float], None]  # what is done, and its share from 0 to 1


@dataclass(slots=True)
class Called:
    """Which rows of the sheet samples of one kind go to; `of` is what that was made of."""

    of: object
    shown: Bools
    rows: Indexes


@dataclass(slots=True)
class Playing:
    """What a query's steps have brought so far; `shown` is what scrapes find from now on, until `fresh` (Unix s)."""

    scoring: Scoring[Any]
    scrapes: Scrapes
    sheet: Sheet
    learned: Learned[Any] | None = None
    left_out: Counter[str] = field(default_factory=Counter)
    _called: dict[tuple[str, tuple[tuple[str, str], ...]], Called] = field(default_factory=dict)
    _present: tuple[Bools, object, Named] | None = None
    _shown: Found = ()
    _since: int = 0
    _fresh: float = 0.0

    def teach(self, frame: Frame, end: float) -> None:
        """Learns a part of the history."""
        self.learned = self.scoring.teach(self.learned, frame, end)

    def take(self, frame: Frame, progress: Progress) -> None:
        """Scores each column in which there is anything, as a live exporter's steps do."""
        there = np.isfinite(frame.values)
        for column in np.flatnonzero(there.any(axis=0)).tolist():
            self._step(self._column(frame, there[:, column], column))
            progress("scoring", self._since / self.scrapes.count)

    def end(self) -> None:
        """Nothing more comes."""
        self._show(self.scrapes.count)

    def _column(self, frame: Frame, there: Bools, column: int) -> Frame:
        """A column's series alone; columns before it in which nothing was come along, as after an outage."""
        when = frame.start + column * frame.step
        last = self.learned.last if self.learned else when - frame.step
        first = max(last + frame.step, oldest_of(self.scoring.query, when))
        values = np.full((int(np.count_nonzero(there)), round((when - first) / frame.step) + 1), np.nan)
        values[:, -1] = frame.values[there, column]
        return Frame(values, self._labels(frame, there), first, frame.step)

    def _labels(self, frame: Frame, there: Bools) -> Named:
        """What the series are called; the very same where they are those of the step before."""
        keys, before = keys_of(frame.labels), self._present
        if before is None or before[1] is not keys or not np.array_equal(before[0], there):
            named = keys if there.all() else tuple(keys[row] for row in np.flatnonzero(there).tolist())
            before = self._present = (there, keys, Named(named))
        return before[2]

    def _step(self, frame: Frame) -> None:
        scored = self.scoring.take(self.learned, frame)
        self.learned, query = scored.learned, self.scoring.query
        found = [self._placed(samples, scored.learned.rows) for samples in scored.samples]
        self._show(self.scrapes.at(frame.last + query.delay.total_seconds()))
        self._shown, self._fresh = found, frame.last + fresh_seconds(query)
        for reason, count in scored.learned.rows.left_out.items():
            self.left_out[reason] = max(self.left_out[reason], count)

    def _show(self, until: int) -> None:
        """What is shown was found by the scrapes before this one, as long as it was fresh."""
        self.sheet.put(self._since, min(until, self.scrapes.at(self._fresh)), self._shown)
        self._since = until

    def _placed(self, samples: Samples, rows: Prefixes) -> tuple[Indexes, Any]:
        kind = (samples.family, tuple(samples.extra.items()))
        of: object = rows if samples.keys is None else samples.keys
        called = self._called.get(kind)
        if called is None or (called.of is not of and (samples.keys is None or called.of != of)):
            named = rows if samples.keys is None else prefixes(samples.keys, rows.query)
            written = names(samples, named)
            shown = named.plain
            chosen = [written[row] for row in np.flatnonzero(shown).tolist()]
            called = self._called[kind] = Called(of, shown, self.sheet.rows(samples.family, chosen))
        return called.rows, samples.values[called.shown]


async def backfill(
    scoring: Scoring[Any], prometheus: Prometheus, scrapes: Scrapes, sheet: Sheet, progress: Progress
) -> Playing:
    """Reads the history before the first scrape, then scores up to the last one.

    Raises:
        QueryError: Prometheus does not answer.
        OSError: the sheet has no more room.
    """
    query, playing = scoring.query, Playing(scoring, scrapes, sheet)
    reader = Reader(query.expr, step=query.step.total_seconds(), max_series=query.max_series)
    start, end = target_of(query, scrapes.first), target_of(query, scrapes.last)
    begun = False
    async for reading in reader.forward(prometheus, start=start, end=end):
        there = np.isfinite(reading.frame.values).any(axis=0)
        if not begun and there.any():
            begun = True
            first = reading.frame.start + int(there.argmax()) * reading.frame.step
            await _learn(playing, reader, prometheus, first, progress)
        for reason, count in reading.left_out.items():
            playing.left_out[reason] = max(playing.left_out[reason], count)
        await asyncio.to_thread(playing.take, reading.frame, progress)
    await asyncio.to_thread(playing.end)
    await asyncio.to_thread(sheet.written)
    return playing


async def _learn(playing: Playing, reader: Reader, prometheus: Prometheus, end: float, progress: Progress) -> None:
    """The history of the first column in which there is anything, as a live exporter reads it at its start."""
    scoring = playing.scoring
    parts = reader.history(
        prometheus,
        start=oldest_of(scoring.query, end),
        end=end,
        at_once=not scoring.in_parts,
        progress=lambda share: progress("learning", share),
    )
    async for reading in parts:
        if not reading.newest and reading.points:
            await asyncio.to_thread(playing.teach, reading.frame, end)
