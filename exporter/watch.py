"""One query's life: schedule -> read -> align -> score -> publish, step after step."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from exporter.config import QuerySettings
from exporter.frame import Frame
from exporter.metrics import Metrics
from exporter.model import Model, Scores
from exporter.publishing.samples import Publisher, Step
from exporter.reading import read
from exporter.rendering import OURS, Prefixes, Snapshot, blocks, prefixes
from exporter.rows import Register, align
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
    ) -> None:
        """`labels`: the names of those that the publishers' samples carry, besides `query` and `horizon`."""
        self.query = query
        self._step = query.step.total_seconds()
        self._delay = query.delay.total_seconds()
        self.prometheus = prometheus
        self._model = model
        self._publishers = publishers
        self._ours = (*OURS, *labels)
        self._metrics = metrics
        self._clock = clock
        self._learned: Learned[S] | None = None
        self._failing = ""
        self._told: set[str] = set()
        self.snapshot = NOTHING
        self.tried = False
        metrics.queries.labels(query.name)

    async def run(self) -> None:
        """Steps until cancelled."""
        while True:
            await self.step()
            wait = self._target() + self._step + self._delay - self._now()
            await asyncio.sleep(max(0.05, min(wait, RETRY_SECONDS) if self._failing else wait))

    async def step(self) -> None:
        """One step; whatever fails is logged once and counted, and the next step tries again."""
        try:
            await self._advance()
        except QueryError as error:
            self._failed(error.reason, str(error))
        except Exception as error:
            self._learned = None  # it may be half taught: begin again from history
            if self._failing != "internal":
                log.exception("a query's step broke", query=self.query.name)
            self._failed("internal", f"{type(error).__name__}: {error}")
        self.tried = True
        self._metrics.series.labels(self.query.name).set(
            self.snapshot.series if self.snapshot.expires > self._now() else 0
        )

    async def _advance(self) -> None:
        target = self._target()
        first = self._first(target)
        if first > target:
            return
        began = time.perf_counter()
        frame = await read(
            self.prometheus,
            self.query.expr,
            start=first,
            end=target,
            step=self._step,
            max_series=self.query.max_series,
        )
        had = time.perf_counter()
        self._learned, self.snapshot = await asyncio.to_thread(self._take, self._learned, frame)
        self._metrics.read_seconds.labels(self.query.name).observe(had - began)
        self._metrics.score_seconds.labels(self.query.name).observe(time.perf_counter() - had)
        self._succeeded(frame)

    def _take(self, learned: Learned[S] | None, frame: Frame) -> tuple[Learned[S], Snapshot]:
        """Scores a Frame; the first one is history but for its last column."""
        forget = max(FORGET_SECONDS_AT_LEAST, FORGET_STEPS * self._step)
        aligned = align(learned.register if learned else Register(), frame, forget_seconds=forget)
        frame, last = aligned.frame, frame.start + (frame.steps - 1) * frame.step
        if learned is None:
            history = Frame(frame.values[:, :-1], frame.labels, frame.start, frame.step)
            state, rows = self._model.fit(history), prefixes(aligned.register.keys, self.query.name, self._ours)
            frame = Frame(frame.values[:, -1:], frame.labels, last, frame.step)
        elif aligned.rows is None:
            state, rows = learned.state, learned.rows
        else:
            state = self._model.resize(learned.state, aligned.rows)
            rows = prefixes(aligned.register.keys, self.query.name, self._ours)
        state, scores = self._model.update(state, frame)
        taught = Learned(state, aligned.register, rows, last)
        return taught, self._publish(taught, frame, scores)

    def _publish(self, learned: Learned[S], frame: Frame, scores: Scores) -> Snapshot:
        step = Step(frame, scores, learned.state)
        found = (samples for publisher in self._publishers for samples in publisher(step))
        fresh = max(FRESH_STEPS * self._step, FRESH_SECONDS_AT_LEAST)
        series = sum(
            row is not None for row, there in zip(learned.rows.rows, step.there.tolist(), strict=True) if there
        )
        return Snapshot(blocks(found, learned.rows), learned.last + self._delay + fresh, series)

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

    def _succeeded(self, frame: Frame) -> None:
        name = self.query.name
        if self._failing:
            log.info("a query works again", query=name)
        self._failing = ""
        self._metrics.queries.labels(name).inc()
        self._metrics.last_success.labels(name).set(self._now())
        assert self._learned is not None
        for reason, count in self._learned.rows.left_out.items():
            self._tell_left_out(reason, count)
        log.debug("a step is published", query=name, series=self.snapshot.series, steps=frame.steps)

    def _tell_left_out(self, reason: str, count: int) -> None:
        if count and reason not in self._told:
            self._told.add(reason)
            log.warning("series are left out", query=self.query.name, reason=reason, series=count)
        self._metrics.left_out.labels(self.query.name, reason).set(count)

    def _failed(self, reason: str, message: str) -> None:
        self._metrics.failures.labels(self.query.name, reason).inc()
        if reason != self._failing:
            log.error("a query brings nothing", query=self.query.name, reason=reason, message=message)
        self._failing = reason
