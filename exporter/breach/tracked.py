"""A model of any kind, and beside it what simulation needs to know of each series: O(1), in the model's rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from exporter.breach import errors as lags
from exporter.breach import runs as streaks
from exporter.breach.condition import Condition
from exporter.breach.errors import Errors
from exporter.breach.runs import Runs
from exporter.frame import Frame
from exporter.model import Forecast, Model, Rows, Scores

State = TypeVar("State")

LISTENED = 600  # columns at the history's end, whose errors are looked at


@dataclass(slots=True)
class TrackedState(Generic[State]):
    """The model's own state, how its errors hang together, and how long each condition holds."""

    inner: State
    errors: Errors
    runs: tuple[Runs, ...]


@dataclass(frozen=True, slots=True)
class Tracked(Generic[State]):
    """Keeps the promise of `exporter.model.Model`; forecasts are the inner model's."""

    model: Model[State]
    conditions: tuple[Condition, ...]

    def fit(self, history: Frame) -> TrackedState[State]:
        """The inner model learns all; the errors of the last columns are looked at."""
        first = max(history.steps // 2, history.steps - LISTENED)
        older = Frame(history.values[:, :first], history.labels, history.start, history.step)
        newer = Frame(history.values[:, first:], history.labels, history.start + first * history.step, history.step)
        series = len(history.labels)
        runs = tuple(Runs.fresh(series) for _ in self.conditions)
        state = TrackedState(self.model.fit(older), Errors.fresh(series), runs)
        self._learn_runs(state, older)
        return self.update(state, newer)[0] if newer.steps else state

    def resize(self, state: TrackedState[State], rows: Rows) -> TrackedState[State]:
        """Every part with other rows."""
        runs = tuple(part.resized(rows) for part in state.runs)
        return TrackedState(self.model.resize(state.inner, rows), state.errors.resized(rows), runs)

    def update(self, state: TrackedState[State], columns: Frame) -> tuple[TrackedState[State], Scores]:
        """The inner model's scores; then their errors are looked at."""
        inner, scores = self.model.update(state.inner, columns)
        off, band = columns.values - scores.expected, (scores.upper - scores.lower) / 2.0
        for column in range(columns.steps):
            lags.learn(state.errors, off[:, column], band[:, column])
        self._learn_runs(state, columns)
        return TrackedState(inner, state.errors, state.runs), scores

    def forecast(self, state: TrackedState[State], steps: Sequence[int]) -> Forecast:
        """The inner model's."""
        return self.model.forecast(state.inner, steps)

    def _learn_runs(self, state: TrackedState[State], columns: Frame) -> None:
        for runs, condition in zip(state.runs, self.conditions, strict=True):
            streaks.learn(runs, condition, columns.values)
