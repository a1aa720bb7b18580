"""How often values lie inside the band, and inside the intervals that were forecast a horizon before."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

import numpy as np

from exporter.frame import Floats
from exporter.metrics import Metrics
from exporter.model import NEW, Model, Rows
from exporter.publishing.forecasts import NOW, label

State = TypeVar("State")

CHECKS = 60  # forecasts of one horizon that wait for their time
OF_FORECASTS = 0.05  # what the newest comparison counts beside those before


@dataclass(frozen=True, slots=True)
class Waiting:
    """The interval that was forecast for a time (Unix seconds), for the sampled rows."""

    when: float
    lower: Floats
    upper: Floats


class Coverage(Generic[State]):
    """Running shares by horizon, of a query's first rows; told to its metrics."""

    def __init__(
        self, query: str, step_seconds: float, horizons: Sequence[timedelta], model: Model[State], metrics: Metrics
    ) -> None:
        self._query, self._step = query, step_seconds
        self._model, self._metrics = model, metrics
        self._waiting: dict[timedelta, deque[Waiting]] = {horizon: deque() for horizon in horizons}
        self._inside: dict[str, float] = {}

    def resize(self, rows: Rows) -> None:
        """Takes other rows over; nothing was forecast for a new one."""
        for horizon, queue in self._waiting.items():
            self._waiting[horizon] = deque(
                Waiting(one.when, taken(one.lower, rows, np.nan), taken(one.upper, rows, np.nan)) for one in queue
            )

    def now(self, values: Floats, lower: Floats, upper: Floats, pace: float) -> None:
        """Compares values with the band; `pace` is what this counts beside the values before."""
        self._cover(NOW, values, lower, upper, pace)

    def check(self, values: Floats, when: float) -> None:
        """Compares values with what was forecast for this time."""
        for horizon, queue in self._waiting.items():
            while queue and queue[0].when <= when:
                one = queue.popleft()
                if one.when == when:
                    self._cover(label(horizon), values, one.lower, one.upper, OF_FORECASTS)

    def foresee(self, state: State, when: float, rows: int) -> None:
        """Remembers what is forecast now for the first rows; not of every horizon in every step."""
        due = [
            horizon for horizon, queue in self._waiting.items()
            if not queue or when - (queue[-1].when - horizon.total_seconds()) >= horizon.total_seconds() / CHECKS
        ]  # fmt: skip
        if not due:
            return
        ahead = self._model.forecast(state, [round(horizon.total_seconds() / self._step) for horizon in due])
        for column, horizon in enumerate(due):
            lower, upper = ahead.lower[:rows, column].copy(), ahead.upper[:rows, column].copy()
            self._waiting[horizon].append(Waiting(when + horizon.total_seconds(), lower, upper))

    def _cover(self, horizon: str, values: Floats, lower: Floats, upper: Floats, pace: float) -> None:
        known = np.isfinite(values) & np.isfinite(lower) & np.isfinite(upper)
        if not known.any():
            return
        inside = float(((values >= lower) & (values <= upper))[known].mean())
        before = self._inside.get(horizon, inside)
        self._inside[horizon] = before + pace * (inside - before)
        self._metrics.coverage.labels(self._query, horizon).set(self._inside[horizon])


def taken(array: Floats, rows: Rows, new: float) -> Floats:
    """The same rows of an array, whose last axis they are, with `new` where there was none."""
    if not array.shape[-1]:
        return np.full((*array.shape[:-1], len(rows)), new)
    return np.where(rows == NEW, new, array[..., np.where(rows == NEW, 0, rows)])
