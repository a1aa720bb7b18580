"""How well a query's model does: drift of each series, and for the query as a whole accuracy, coverage and alarms.

*Accuracy* is 1 minus the mean absolute scaled error: the model's error of the next step over that of expecting what was
there a day before (MASE with the seasonal naive forecast: Hyndman and Koehler, 2006), the median over series; where the
history is shorter than a day, over that of expecting the value before. *Coverage* is the share of values inside the
band, and inside the intervals that were forecast a horizon before. Both look at the first `SAMPLED` rows, so that they
cost the same however many series there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Generic, TypeVar

import numpy as np

from exporter import drift as drifting
from exporter.frame import Floats, Frame
from exporter.metrics import Metrics
from exporter.model import NEW, Arrays, Model, Rows
from exporter.publishing.coverage import Coverage, taken
from exporter.publishing.drifts import Drifts
from exporter.publishing.samples import Samples, Step

State = TypeVar("State")

SAMPLED = 256
WORST = -1.0  # accuracy; where yesterday's value is hardly ever wrong, the quotient says nothing
DAY_SECONDS, MONTH_SECONDS = 86_400.0, 30 * 86_400.0
DAYS_COMPARED = 3  # of the history
LONGEST_RING = 8_640  # steps of a day; where there are more, the value before stands for the day before
REMEMBERED_SECONDS = DAY_SECONDS  # of accuracy and coverage


@dataclass(slots=True)
class Sampled:
    """What is remembered of the first rows, each (rows,) but `ring`."""

    ring: Floats  # (steps of a day, rows)
    error: Floats  # the model's mean absolute error
    naive: Floats  # that of expecting what was a day before
    seen: Floats  # errors of the model
    compared: Floats  # errors of the other

    @classmethod
    def fresh(cls, rows: int, lag: int) -> Sampled:
        return cls(np.full((lag, rows), np.nan), *(np.zeros(rows) for _ in range(4)))


class Quality(Generic[State]):
    """A publisher that remembers: `begin` once, `resize` before a step whose rows have changed."""

    def __init__(
        self,
        query: str,
        step: timedelta,
        horizons: Sequence[timedelta],
        wanted_per_month: float,
        model: Model[State],
        metrics: Metrics,
    ) -> None:
        self._query, self._step, self._horizons = query, step.total_seconds(), horizons
        self._wanted = wanted_per_month
        self._model = model
        self._metrics = metrics
        day = round(DAY_SECONDS / self._step)
        self._day = day if 1 <= day <= LONGEST_RING else 1
        self._drifts = Drifts(self._step)
        self._reset(0, self._day)
        for kind in drifting.KINDS:
            metrics.drifts.labels(query, kind)

    def _reset(self, series: int, lag: int) -> None:
        self._sampled = Sampled.fresh(min(series, SAMPLED), lag)
        self._place = 0  # where in the ring the oldest values stand
        self._coverage = Coverage(self._query, self._step, self._horizons, self._model, self._metrics)
        self._steps = 0
        self._alarms, self._months = 0.0, 0.0

    def begin(self, history: Frame) -> None:
        """Begins anew, and learns from history how hard its series are to forecast."""
        lag = self._day if history.steps > self._day else 1
        self._drifts.begin(history)
        self._reset(len(history.labels), lag)
        tail = history.values[:SAMPLED, -(DAYS_COMPARED + 1) * lag :].T
        if len(tail) <= lag:
            return
        error, sampled = np.abs(tail[lag:] - tail[:-lag]), self._sampled
        there = np.isfinite(error)
        sampled.compared = there.sum(axis=0, dtype=np.float64)
        sampled.naive = np.where(there, error, 0.0).sum(axis=0) / np.maximum(sampled.compared, 1.0)
        sampled.ring = tail[-lag:].copy()

    def resize(self, rows: Rows) -> None:
        """Takes other rows over; a new one begins without knowledge."""
        self._drifts.resize(rows)
        kept = rows[:SAMPLED]
        kept = np.where(kept < self._sampled.ring.shape[1], kept, NEW)
        self._sampled = Sampled(
            taken(self._sampled.ring, kept, np.nan),
            *(taken(getattr(self._sampled, one.name), kept, 0.0) for one in fields(Sampled)[1:]),
        )
        self._coverage.resize(kept)

    def __call__(self, step: Step[State]) -> Iterator[Samples]:
        """Learns from the step, tells the query's metrics, and yields the drift of each series."""
        frame, scores = step.frame, step.scores
        for column, when in enumerate(frame.times.tolist()):
            values, expected = frame.values[:, column], scores.expected[:, column]
            self._count(self._drifts.learn(frame, scores, column))
            newest = values[:SAMPLED]
            self._judge(newest, expected[:SAMPLED])
            self._compare(newest)
            band = scores.lower[:SAMPLED, column], scores.upper[:SAMPLED, column]
            self._coverage.now(newest, *band, pace=max(self._pace(), 1.0 / (self._steps + 1.0)))
            self._coverage.check(newest, when)
            self._steps += 1
        self._tell(int((scores.event > 1.0).sum()), int(np.isfinite(scores.score).sum()))
        self._coverage.foresee(step.state, frame.last, SAMPLED)
        yield self._drifts.shown(step)

    def arrays(self) -> Arrays:
        """What is worth keeping over a restart."""
        sampled = {f"sampled.{one.name}": getattr(self._sampled, one.name) for one in fields(Sampled)}
        return {**self._drifts.arrays(), **sampled, "numbers": np.array([self._alarms, self._months, self._place])}

    def restore(self, arrays: Mapping[str, Any], series: int) -> None:
        """Takes up what `arrays` gave; what does not fit these series is not taken."""
        self._reset(series, self._day)
        self._drifts.restore(arrays, series)
        try:
            sampled = Sampled(*(arrays[f"sampled.{one.name}"] for one in fields(Sampled)))
            alarms, months, place = arrays["numbers"].tolist()
        except (KeyError, ValueError):
            return
        lag, rows = sampled.ring.shape
        if rows == min(series, SAMPLED) and lag in (self._day, 1):
            self._sampled = sampled
            self._alarms, self._months, self._place = alarms, months, int(place) % lag

    def _count(self, found: Mapping[str, Any]) -> None:
        for kind, series in found.items():
            self._metrics.drifts.labels(self._query, kind).inc(int(series.sum()))

    def _judge(self, values: Floats, expected: Floats) -> None:
        """Takes the model's errors in."""
        sampled, error = self._sampled, np.abs(values - expected)
        sampled.seen, sampled.error = _mean(sampled.seen, sampled.error, error, self._pace())

    def _compare(self, values: Floats) -> None:
        """Takes the errors of the naive forecast in, and remembers the values for tomorrow."""
        sampled = self._sampled
        error = np.abs(values - sampled.ring[self._place])
        sampled.compared, sampled.naive = _mean(sampled.compared, sampled.naive, error, self._pace())
        sampled.ring[self._place] = values
        self._place = (self._place + 1) % len(sampled.ring)

    def _pace(self) -> float:
        return self._step / REMEMBERED_SECONDS

    def _tell(self, alarms: int, scored: int) -> None:
        """Sets the query's gauges."""
        sampled, query = self._sampled, self._query
        known = (sampled.seen > 0) & (sampled.naive > 0)
        if known.any():
            accuracy = 1.0 - float(np.median(sampled.error[known] / sampled.naive[known]))
            self._metrics.accuracy.labels(query).set(max(accuracy, WORST))
        months = scored * self._step / MONTH_SECONDS
        fading = 1.0 - min(1.0, self._step / MONTH_SECONDS)
        self._alarms, self._months = fading * self._alarms + alarms, fading * self._months + months
        rate = (self._wanted + self._alarms) / (1.0 + self._months)  # one month as asked for is taken as seen
        self._metrics.alarms.labels(query).set(rate)


def _mean(seen: Floats, mean: Floats, error: Floats, pace: float) -> tuple[Floats, Floats]:
    """A running mean that forgets, of errors that are there."""
    there = np.isfinite(error)
    seen = seen + there
    share = np.maximum(1.0 / np.maximum(seen, 1.0), pace)
    return seen, np.where(there, mean + share * (np.where(there, error, 0.0) - mean), mean)
