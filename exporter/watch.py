"""One query's life: schedule -> read -> align -> score -> publish, step after step."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Generic, TypeVar

import numpy as np
import structlog

from exporter.config import QuerySettings
from exporter.frame import Frame
from exporter.keeping import Kept
from exporter.labelling import Prefixes
from exporter.metrics import Metrics
from exporter.names import show
from exporter.page import Snapshot, snapshot
from exporter.reading import PART_VALUES, Progress, Reader, Reading, ignore
from exporter.scoring import Learned, Scoring
from exporter.storage import Shelf
from tocsin.clock import Clock
from tocsin.promapi import Prometheus, QueryError

log = structlog.get_logger("exporter.watch")

FRESH_STEPS = 3  # a score is withdrawn when nothing newer came for so many steps
FRESH_SECONDS_AT_LEAST = 15.0
RETRY_SECONDS = 10.0  # after a failure, where steps are longer
NOTHING = Snapshot({}, expires=-math.inf)

S = TypeVar("S")


def target_of(query: QuerySettings, now: float) -> float:
    """The newest grid point that is older than the delay."""
    step = query.step.total_seconds()
    return (now - query.delay.total_seconds()) // step * step


def oldest_of(query: QuerySettings, target: float) -> float:
    """Where a history that ends at `target` begins."""
    step = query.step.total_seconds()
    return target - query.history.total_seconds() // step * step


def fresh_seconds(query: QuerySettings) -> float:
    """How long after its newest column a step is handed out."""
    return query.delay.total_seconds() + max(FRESH_STEPS * query.step.total_seconds(), FRESH_SECONDS_AT_LEAST)


class Watch(Generic[S]):
    """Reads one query step by step, keeps its model, and holds the snapshot that is handed out."""

    def __init__(
        self,
        scoring: Scoring[S],
        *,
        prometheus: Prometheus,
        metrics: Metrics,
        clock: Clock,
        progress: Progress = ignore,
        shelf: Shelf[S] | None = None,
    ) -> None:
        """`progress` is told what share of the history was read; `shelf`: where state is kept, None: nowhere."""
        self.query = query = scoring.query
        self._step = query.step.total_seconds()
        self._delay = query.delay.total_seconds()
        self.prometheus = prometheus
        self._scoring = scoring
        self._metrics = metrics
        self._clock = clock
        self._progress = progress
        self._reader = Reader(query.expr, step=self._step, max_series=query.max_series)
        self._learned: Learned[S] | None = None  # None, too, while a thread teaches it: it may be half taught
        self._shelf = shelf
        self._restored = shelf is None
        self._placing: asyncio.Future[None] | None = None
        self._failing = ""
        self._told: set[str] = set()
        self.snapshot = NOTHING
        self.tried = False
        metrics.queries.labels(query.name)

    async def run(self) -> None:
        """Steps until cancelled."""
        while True:
            await self.step()
            if self._shelf is not None and self._shelf.due():
                await self.keep()
            wait = self._target() + self._step + self._delay - self._now()
            await asyncio.sleep(max(0.05, min(wait, RETRY_SECONDS) if self._failing else wait))

    async def keep(self) -> None:
        """Saves what was learned. Scoring waits for the draft, but not until that is safe on the disk."""
        await self._placed()
        if self._shelf is None or self._learned is None:
            return
        beside = self._scoring.witness.arrays() if self._scoring.witness else {}
        kept = Kept(self._learned.state, self._learned.register, self._learned.last, beside)
        draft = await asyncio.to_thread(self._shelf.write, kept)
        if draft is not None:
            self._placing = asyncio.get_running_loop().run_in_executor(None, self._shelf.put, draft, kept)

    async def end(self) -> None:
        """Saves what was learned and waits until it is safe."""
        await self.keep()
        await self._placed()

    async def _placed(self) -> None:
        if self._placing is not None:
            await asyncio.wait([self._placing])

    async def step(self) -> None:
        """One step; whatever fails is logged once and counted, and the next step tries again."""
        try:
            await self._advance()
        except QueryError as error:
            self._failed(error.reason, str(error))
        except Exception as error:
            self._learned = None  # begin again from history
            if self._failing != "internal":
                log.exception("a query's step broke", query=self.query.name)
            self._failed("internal", f"{type(error).__name__}: {error}")
        self.tried = True
        self._metrics.series.labels(self.query.name).set(
            self.snapshot.series if self.snapshot.expires > self._now() else 0
        )

    async def _restore(self, target: float) -> None:
        """Takes up what was kept, once."""
        if self._restored or self._shelf is None:
            return
        kept = await asyncio.to_thread(self._shelf.restore, target)
        self._restored = True
        if kept is not None:
            self._learned = Learned(kept.state, kept.register, Prefixes(), kept.last)
            if self._scoring.witness:
                self._scoring.witness.restore(kept.beside, len(kept.register.keys))

    async def _advance(self) -> None:
        target = self._target()
        await self._restore(target)
        first = self._first(target)
        if first > target:
            return
        began = time.perf_counter()
        reading = await self._read(first, target)
        had = time.perf_counter()
        learned, self._learned = self._learned, None
        self._learned, self.snapshot = await asyncio.to_thread(self._take, learned, reading.frame)
        self._metrics.read_seconds.labels(self.query.name).observe(had - began)
        self._metrics.score_seconds.labels(self.query.name).observe(time.perf_counter() - had)
        self._succeeded(reading)

    async def _read(self, first: float, target: float) -> Reading:
        """What is to be scored; what is too much for memory, as history may be, is learned part by part before."""
        columns = round((target - first) / self._step) + 1
        if self._learned is not None and columns * len(self._learned.register.keys) <= PART_VALUES:
            return await self._reader.read(self.prometheus, start=first, end=target)
        at_once = not self._scoring.in_parts
        parts = self._reader.history(self.prometheus, start=first, end=target, at_once=at_once, progress=self._progress)
        async for reading in parts:
            if reading.newest:
                return reading
            if reading.points:
                learned, self._learned = self._learned, None
                self._learned = await asyncio.to_thread(self._scoring.teach, learned, reading.frame, target)
        raise AssertionError("the newest column comes last")

    def _take(self, learned: Learned[S] | None, frame: Frame) -> tuple[Learned[S], Snapshot]:
        """Scores a Frame, and renders what is handed out of it."""
        scored = self._scoring.take(learned, frame)
        rows, last = scored.learned.rows, scored.learned.last
        series = int(np.count_nonzero(scored.step.there & (rows.plain | rows.wide)))
        return scored.learned, snapshot(scored.samples, rows, expires=last + fresh_seconds(self.query), series=series)

    def _first(self, target: float) -> float:
        """Where reading begins: after what is known, but never before the history."""
        oldest = oldest_of(self.query, target)
        return max(self._learned.last + self._step, oldest) if self._learned else oldest

    def _target(self) -> float:
        """The newest grid point that is older than the delay."""
        return target_of(self.query, self._now())

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _succeeded(self, reading: Reading) -> None:
        name = self.query.name
        if self._failing:
            log.info("a query works again", query=name)
        self._failing = ""
        self._metrics.queries.labels(name).inc()
        self._metrics.last_success.labels(name).set(self._now())
        assert self._learned is not None
        for reason, count in {**self._learned.rows.left_out, **reading.left_out}.items():
            self._tell_left_out(reason, count)
        log.debug("a step is published", query=name, series=self.snapshot.series, steps=reading.frame.steps)

    def _tell_left_out(self, reason: str, count: int) -> None:
        if count and reason not in self._told:
            self._told.add(reason)
            assert self._learned is not None
            named = self._reader.examples if reason == "max_series" else self._learned.rows.examples(reason)
            examples = [show(key) for key in named]
            log.warning("series are left out", query=self.query.name, reason=reason, series=count, examples=examples)
        self._metrics.left_out.labels(self.query.name, reason).set(count)

    def _failed(self, reason: str, message: str) -> None:
        self._metrics.failures.labels(self.query.name, reason).inc()
        if reason != self._failing:
            log.error("a query brings nothing", query=self.query.name, reason=reason, message=message)
        self._failing = reason
