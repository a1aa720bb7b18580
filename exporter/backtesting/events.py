"""Events in scores: where each begins, how long it stays high, how high it gets."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from exporter.frame import Frame
from exporter.model import Scores

HIGH = 1.0


@dataclass(frozen=True, slots=True)
class Event:
    """A reported event of the series in `row`: first and last high step in Unix seconds, and its highest score.

    `value` and `expected` are those of the first step.
    """

    row: int
    start: float
    end: float
    score: float
    value: float
    expected: float


class Events:
    """Collects events while scores come in, part by part."""

    def __init__(self) -> None:
        self.found: list[Event] = []
        self._open: dict[int, int] = {}  # by row, the index of its newest event

    def take(self, frame: Frame, scores: Scores) -> None:
        """Adds a part; parts come in the order of time."""
        high = np.nan_to_num(scores.score) > HIGH
        begins = scores.event > HIGH
        times = frame.times
        for row in np.flatnonzero((high | begins).any(axis=1)).tolist():
            marks = np.flatnonzero(begins[row]).tolist()
            self._go_on(row, times, scores, high, 0, marks[0] if marks else frame.steps)
            for first, after in zip(marks, [*marks, frame.steps][1:], strict=True):
                at = (row, first)
                event = Event(row, float(times[first]), float(times[first]), float(scores.score[at]),
                              float(frame.values[at]), float(scores.expected[at]))  # fmt: skip
                self._open[row] = len(self.found)
                self.found.append(event)
                self._go_on(row, times, scores, high, first, after)

    def _go_on(self, row: int, times: np.ndarray, scores: Scores, high: np.ndarray, first: int, after: int) -> None:
        """Lengthens a row's newest event by what is high before another one begins."""
        index = self._open.get(row)
        steps = first + np.flatnonzero(high[row, first:after])
        if index is None or not len(steps):
            return
        peak = float(scores.score[row, steps].max())
        event = self.found[index]
        self.found[index] = replace(event, end=float(times[steps[-1]]), score=max(event.score, peak))
