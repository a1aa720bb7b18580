"""Two models of the same series: the champion speaks, the challenger is measured beside it on values neither has seen.

Each value is expected by both before they learn it, so every value is held back for both alike. Per series the
challenger's mean absolute error is compared with the champion's; it takes over when it was better by a margin, for most
series, over the whole of a trial. The last fifth of the history is the first trial.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

import numpy as np

from exporter.frame import Floats, Frame
from exporter.model import NEW, Arrays, Forecast, Model, Rows, Scores
from exporter.models.hearing import Voice

A = TypeVar("A")
B = TypeVar("B")

HELD_BACK = 0.2  # of the history
FEWEST = 48  # values that say something of a series
MARGIN = 0.95  # the challenger's error is at most this share of the champion's, in the median over series
MOST = 0.6  # of the series have to be better off
CLIP = 8.0  # champion's mean errors; one value says no more than this


@dataclass(slots=True)
class Trial(Generic[A, B]):
    """Both states, and the errors of the trial that goes on: sums over values, each of shape (series,).

    `leader` is the row of `errors` that speaks: 0 is the first model, 1 the second.
    """

    first: A
    second: B
    errors: Floats  # (2, series)
    values: Floats  # (series,)
    leader: int = 0
    began: float = np.nan  # Unix seconds


@dataclass(frozen=True, slots=True)
class Promotion:
    """What a promotion rests on."""

    model: str
    share: float  # of the series that are better off
    error: float  # of the new one over that of the old one, the median over series
    series: int


class Contest(Generic[A, B]):
    """Keeps the promise of `exporter.model.Model`."""

    def __init__(
        self,
        first: Model[A],
        second: Model[B],
        names: tuple[str, str],
        trial_seconds: float,
        tell: Callable[[Promotion], None],
    ) -> None:
        """The first model is the champion to begin with; `tell` hears of each promotion."""
        self._first, self._second = first, second
        self.names = names
        self._trial_seconds = trial_seconds
        self._tell = tell

    def fit(self, history: Frame) -> Trial[A, B]:
        """Fits both on the older part, and holds a first trial on the rest."""
        kept = round((1.0 - HELD_BACK) * history.steps)
        older, rest = _part(history, 0, kept), _part(history, kept, history.steps)
        series = len(history.labels)
        state = Trial(self._first.fit(older), self._second.fit(older), np.zeros((2, series)), np.zeros(series))
        if rest.steps:
            state, _ = self._both(state, rest)
            self._decide(state)
            self._begin(state, float(rest.times[-1]))
        return state

    def resize(self, state: Trial[A, B], rows: Rows) -> Trial[A, B]:
        """Both states with other rows; of a new row nothing is known."""
        first, second = self._first.resize(state.first, rows), self._second.resize(state.second, rows)
        errors, values = (_taken(array, rows) for array in (state.errors, state.values))
        return Trial(first, second, errors, values, state.leader, state.began)

    def update(self, state: Trial[A, B], columns: Frame) -> tuple[Trial[A, B], Scores]:
        """What the leader says; a trial that has lasted long enough is decided, and the next one begins."""
        parts = []
        for column in range(columns.steps):
            one = _part(columns, column, column + 1)
            state, scores = self._both(state, one)
            parts.append(scores)
            if np.isnan(state.began):
                state.began = one.start
            if one.start - state.began >= self._trial_seconds:
                self._decide(state)
                self._begin(state, one.start)
        return state, Scores(*(np.hstack([getattr(one, field.name) for one in parts]) for field in fields(Scores)))

    def forecast(self, state: Trial[A, B], steps: Sequence[int]) -> Forecast:
        """What the leader forecasts."""
        if state.leader:
            return self._second.forecast(state.second, steps)
        return self._first.forecast(state.first, steps)

    def voices(self, state: Trial[A, B]) -> list[Voice]:
        """Both models, with the mean error of each in the trial that goes on, the median over series."""
        found: list[Voice] = []
        for place, (model, own) in enumerate(((self._first, state.first), (self._second, state.second))):
            judged = state.values > 0
            error = float(np.median(state.errors[place, judged] / state.values[judged])) if judged.any() else None
            found.append(Voice(self.names[place], model, own, place == state.leader, error))
        return found

    def arrays(self, state: Trial[A, B]) -> Arrays:
        """Both states and the trial as plain arrays."""
        own = {"errors": state.errors, "values": state.values}
        numbers: dict[str, Any] = {"leader": np.array(state.leader), "began": np.array(state.began)}
        first = {f"first.{name}": array for name, array in self._first.arrays(state.first).items()}
        return own | numbers | first | {f"second.{name}": a for name, a in self._second.arrays(state.second).items()}

    def restore(self, arrays: Arrays) -> Trial[A, B]:
        """The state that `arrays` gave."""
        first = self._first.restore(_Under(arrays, "first."))
        second = self._second.restore(_Under(arrays, "second."))
        numbers = (int(arrays["leader"]), float(arrays["began"]))
        return Trial(first, second, arrays["errors"].copy(), arrays["values"].copy(), *numbers)

    def _both(self, state: Trial[A, B], columns: Frame) -> tuple[Trial[A, B], Scores]:
        """Updates both and takes their errors in; the scores are the leader's."""
        state.first, one = self._first.update(state.first, columns)
        state.second, other = self._second.update(state.second, columns)
        errors = np.stack([np.abs(columns.values - scores.expected) for scores in (one, other)])
        there = np.isfinite(errors).all(axis=0)
        champion = state.errors[state.leader] / np.maximum(state.values, 1.0)
        limit = np.where(champion > 0, CLIP * champion, np.inf)[:, None]
        state.errors += np.where(there, np.minimum(errors, limit), 0.0).sum(axis=2)
        state.values += there.sum(axis=1)
        return state, other if state.leader else one

    def _decide(self, state: Trial[A, B]) -> None:
        """Promotes the challenger if the trial says so."""
        champion, challenger = state.errors[state.leader], state.errors[1 - state.leader]
        judged = (state.values >= FEWEST) & (champion > 0)
        if not judged.any():
            return
        ratio = challenger[judged] / champion[judged]
        share, middle = float((ratio < 1.0).mean()), float(np.median(ratio))
        if middle <= MARGIN and share >= MOST:
            state.leader = 1 - state.leader
            self._tell(Promotion(self.names[state.leader], share, middle, int(judged.sum())))

    def _begin(self, state: Trial[A, B], when: float) -> None:
        state.errors, state.values, state.began = np.zeros_like(state.errors), np.zeros_like(state.values), when


class _Under(dict[str, Any]):
    """The arrays whose names begin with a word, without it; read when they are asked for."""

    def __init__(self, arrays: Arrays, prefix: str) -> None:
        super().__init__()
        self._arrays, self._prefix = arrays, prefix

    def __missing__(self, name: str) -> Any:
        return self._arrays[self._prefix + name]


def _part(frame: Frame, first: int, last: int) -> Frame:
    return Frame(frame.values[:, first:last], frame.labels, frame.start + first * frame.step, frame.step)


def _taken(array: Floats, rows: Rows) -> Floats:
    if not array.shape[-1]:
        return np.zeros((*array.shape[:-1], len(rows)))
    return np.where(rows == NEW, 0.0, array[..., np.where(rows == NEW, 0, rows)])
