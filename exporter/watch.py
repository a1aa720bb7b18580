"""One query's life: schedule -> read -> align -> score -> publish, step after step."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import structlog

from exporter.config import QuerySettings
from exporter.frame import Frame
from exporter.keeping import Kept
from exporter.labelling import OURS, Prefixes, prefixes
from exporter.metrics import Metrics
from exporter.model import LearnsInParts, Model, Scores
from exporter.names import show
from exporter.page import Snapshot, snapshot
from exporter.publishing.samples import Publisher, Step, Witness
from exporter.reading import PART_VALUES, Progress, Reader, Reading, ignore
from exporter.rows import Aligned, Register, align
from exporter.storage import Shelf
from tocsin.clock import Clock
from tocsin.promapi import Prometheus, QueryError

log = structlog.get_logger("exporter.watch")

FRESH_STEPS = 3  # a score is withdrawn when nothing newer came for so many steps
FRESH_SECONDS_AT_LEAST = 15.0
RETRY_SECONDS = 10.0  # after a failure, where steps are longer
FORGET_STEPS = 10  # a series that was away so long, and an hour, leaves the model
FORGET_SECONDS_AT_LEAST = 3600.0
NOTHING = Snapshot({}, expires=-math.inf)

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Learned(Generic[S]):
    """What a query's steps have brought so far."""

    state: S
    register: Register
    rows: Prefixes
    last: float  # the newest column's time, Unix seconds


class Watch(Generic[S]):
    """Reads one query step by step, keeps its model, and holds the snapshot that is handed out."""

    def __init__(
        self,
        query: QuerySettings,
        *,
        prometheus: Prometheus,
        model: Model[S],
        publishers: Sequence[Publisher[S]],
        metrics: Metrics,
        clock: Clock,
        labels: Sequence[str] = (),
        progress: Progress = ignore,
        witness: Witness | None = None,
        shelf: Shelf[S] | None = None,
    ) -> None:
        """`labels`: the names of those that the publishers' samples carry, besides `query` and `horizon`.

        `progress` is told what share of the history was read. `witness`: the publisher that remembers; `shelf`: where
        state is kept, None: nowhere.
        """
        self.query = query
        self._step = query.step.total_seconds()
        self._delay = query.delay.total_seconds()
        self._forget = max(FORGET_SECONDS_AT_LEAST, FORGET_STEPS * self._step)
        self.prometheus = prometheus
        self._model = model
        self._publishers = publishers
        self._metrics = metrics
        self._clock = clock
        self._ours = (*OURS, *labels)
        self._progress = progress
        self._reader = Reader(query.expr, step=self._step, max_series=query.max_series)
        self._learned: Learned[S] | None = None  # None, too, while a thread teaches it: it may be half taught
        self._witness = witness
        self._watched = 0  # columns of history that the witness has seen
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
        beside = self._witness.arrays() if self._witness else {}
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
            if self._witness:
                self._witness.restore(kept.beside, len(kept.register.keys))

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
        at_once = not isinstance(self._model, LearnsInParts)
        parts = self._reader.history(self.prometheus, start=first, end=target, at_once=at_once, progress=self._progress)
        async for reading in parts:
            if reading.newest:
                return reading
            if reading.points:
                learned, self._learned = self._learned, None
                self._learned = await asyncio.to_thread(self._teach, learned, reading.frame, target)
        raise AssertionError("the newest column comes last")

    def _teach(self, learned: Learned[S] | None, frame: Frame, end: float) -> Learned[S]:
        """Learns a part of history."""
        aligned = align(learned.register if learned else Register(), frame, forget_seconds=self._forget)
        if learned is None and not isinstance(self._model, LearnsInParts):
            state = self._model.fit(aligned.frame)
        else:
            state = self._rearranged(learned, aligned)
            if isinstance(self._model, LearnsInParts):
                state = self._model.learn(state, aligned.frame, end)
            else:
                state, _ = self._model.update(state, aligned.frame)
        self._watch_history(aligned)
        return Learned(state, aligned.register, Prefixes(), frame.last)

    def _take(self, learned: Learned[S] | None, frame: Frame) -> tuple[Learned[S], Snapshot]:
        """Scores a Frame; without history, the model begins with nothing but it."""
        aligned = align(learned.register if learned else Register(), frame, forget_seconds=self._forget)
        state = self._rearranged(learned, aligned)
        if self._witness and learned is None:
            self._witness.begin(Frame(aligned.frame.values[:, :0], aligned.frame.labels, frame.start, frame.step))
        elif self._witness and aligned.rows is not None:
            self._witness.resize(aligned.rows)
        rows = self._called(learned, aligned)
        state, scores = self._model.update(state, aligned.frame)
        taught = Learned(state, aligned.register, rows, frame.last)
        return taught, self._publish(taught, aligned.frame, scores)

    def _rearranged(self, learned: Learned[S] | None, aligned: Aligned) -> S:
        """The state with a row for each series; before there is one, that of a model that has seen nothing."""
        if learned is None:
            frame = aligned.frame
            return self._model.fit(Frame(frame.values[:, :0], frame.labels, frame.start, frame.step))
        return learned.state if aligned.rows is None else self._model.resize(learned.state, aligned.rows)

    def _called(self, learned: Learned[S] | None, aligned: Aligned) -> Prefixes:
        """The rows' names as they are published; made anew only for series that came."""
        keys, before = aligned.register.keys, learned.rows if learned else Prefixes()
        if len(before.shown) != len(learned.register.keys if learned else ()):
            return prefixes(keys, self.query.name, self._ours)
        if aligned.rows is None:
            return before
        return prefixes(keys, self.query.name, self._ours, before=before, rows=aligned.rows)

    def _watch_history(self, aligned: Aligned) -> None:
        """Shows the witness a part of history; it begins anew with each, unless that tells less than one before."""
        if self._witness is None:
            return
        if aligned.rows is not None or aligned.frame.steps >= self._watched:
            self._witness.begin(aligned.frame)
            self._watched = aligned.frame.steps

    def _publish(self, learned: Learned[S], frame: Frame, scores: Scores) -> Snapshot:
        step = Step(frame, scores, learned.state)
        found = (samples for publisher in self._publishers for samples in publisher(step))
        fresh = max(FRESH_STEPS * self._step, FRESH_SECONDS_AT_LEAST)
        named = learned.rows.plain | learned.rows.wide
        return snapshot(
            found,
            learned.rows,
            expires=learned.last + self._delay + fresh,
            series=int(np.count_nonzero(step.there & named)),
        )

    def _first(self, target: float) -> float:
        """Where reading begins: after what is known, but never before the history."""
        steps_back = self.query.history.total_seconds() // self._step
        oldest = target - steps_back * self._step
        return max(self._learned.last + self._step, oldest) if self._learned else oldest

    def _target(self) -> float:
        """The newest grid point that is older than the delay."""
        return (self._now() - self._delay) // self._step * self._step

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
