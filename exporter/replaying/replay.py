"""A series played through the model as if it were live: history first, then each point scored before it is learned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from exporter.config import QuerySettings
from exporter.frame import Floats, Frame
from exporter.model import Forecast, Model, Scores

ModelOf = Callable[[QuerySettings], Model[Any]]

AHEAD_POINTS = 96  # of a forecast that is drawn
AHEAD_SHARE = 0.25  # of the time shown, where the query names no horizon


@dataclass(frozen=True, slots=True)
class Replay:
    """What the model said of a span: `frame` holds the span alone, `times` of `ahead` are Unix seconds."""

    frame: Frame
    scores: Scores
    ahead: Forecast
    times: Floats
    state: Any

    def row(self, row: int) -> Self:
        """The replay of one series alone (but for the state)."""
        frame, at = self.frame, slice(row, row + 1)
        one = Frame(frame.values[at], frame.labels[at], frame.start, frame.step)
        scores = Scores(*(getattr(self.scores, field.name)[at] for field in fields(Scores)))
        ahead = Forecast(*(getattr(self.ahead, field.name)[at] for field in fields(Forecast)))
        return type(self)(one, scores, ahead, self.times, self.state)


def split(frame: Frame, start: float) -> tuple[Frame, Frame]:
    """What lies before a time, and the rest."""
    at = min(max(round((start - frame.start) / frame.step), 0), frame.steps)
    later = frame.start + at * frame.step
    return (
        Frame(frame.values[:, :at], frame.labels, frame.start, frame.step),
        Frame(frame.values[:, at:], frame.labels, later, frame.step),
    )


def replay(model: Model[Any], frame: Frame, start: float, horizon_seconds: float) -> Replay:
    """Plays a Frame through a model that has seen nothing; what is before `start` is history."""
    before, shown = split(frame, start)
    state, scores = model.update(model.fit(before), shown)
    steps = _steps(round(horizon_seconds / frame.step))
    ahead = model.forecast(state, steps)
    last = shown.last
    return Replay(shown, scores, ahead, last + frame.step * np.array(steps, dtype=np.float64), state)


def horizon_of(query: QuerySettings, since_seconds: float) -> float:
    """How far a picture looks ahead, in seconds: to the query's farthest horizon that fits the picture."""
    step, share = query.step.total_seconds(), AHEAD_SHARE * since_seconds
    asked = [horizon.total_seconds() for horizon in query.horizons if horizon.total_seconds() <= 2 * share]
    return float(max([step, max(asked, default=share) // step * step]))


def _steps(farthest: int) -> list[int]:
    return sorted({round(step) for step in np.linspace(1, max(farthest, 1), AHEAD_POINTS).tolist()})
