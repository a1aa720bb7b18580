"""A model of any kind, and beside it what simulation needs to know of each series: O(1), in the model's rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from exporter.breach import errors as lags
from exporter.breach import runs as streaks
from exporter.breach.condition import Condition
from exporter.breach.errors import Errors
from exporter.breach.runs import Runs
from exporter.frame import Floats, Frame
from exporter.model import Arrays, Forecast, Model, Rows, Scores

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

    def arrays(self, state: TrackedState[State]) -> Arrays:
        """The inner model's, and those of what is tracked."""
        inner = {f"inner/{name}": array for name, array in self.model.arrays(state.inner).items()}
        runs = [part for number, one in enumerate(state.runs) for part in _named(f"runs/{number}", one)]
        return {**inner, **dict(_named("errors", state.errors)), **dict(runs)}

    def restore(self, arrays: Arrays) -> TrackedState[State]:
        """What `arrays` gave."""
        own = "inner/"
        inner = {name.removeprefix(own): array for name, array in arrays.items() if name.startswith(own)}
        runs = tuple(Runs(*_taken(arrays, f"runs/{number}", Runs)) for number in range(len(self.conditions)))
        return TrackedState(self.model.restore(inner), Errors(*_taken(arrays, "errors", Errors)), runs)

    def _learn_runs(self, state: TrackedState[State], columns: Frame) -> None:
        for runs, condition in zip(state.runs, self.conditions, strict=True):
            streaks.learn(runs, condition, columns.values)


def _named(prefix: str, part: Errors | Runs) -> Iterator[tuple[str, NDArray[Any]]]:
    return ((f"{prefix}/{field.name}", getattr(part, field.name)) for field in fields(part))


def _taken(arrays: Arrays, prefix: str, kind: type[Errors | Runs]) -> Iterator[Floats]:
    return (np.array(arrays[f"{prefix}/{field.name}"], dtype=np.float64) for field in fields(kind))
