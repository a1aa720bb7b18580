"""The drift of each series: whether the model's errors have grown or lie on one side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from exporter import drift as drifting
from exporter.drift import Drift
from exporter.frame import Bools, Frame
from exporter.model import Arrays, Rows, Scores
from exporter.publishing.coverage import taken
from exporter.publishing.samples import Samples, Step

DRIFT = "tocsin_model_drift"
FAMILIES = {DRIFT: "How much the errors of a series have grown or lie on one side; 1 and above is drift."}
SHOWN_FROM = 0.5  # less drift is no sample: most series have none


class Drifts:
    """A publisher that remembers: `begin` once, `resize` before a step whose rows have changed."""

    def __init__(self, step_seconds: float) -> None:
        self._step = step_seconds
        self._drift = Drift.fresh(0)

    def begin(self, history: Frame) -> None:
        """Begins anew; what a model says of history is not known."""
        self._drift = Drift.fresh(len(history.labels))

    def resize(self, rows: Rows) -> None:
        """Takes other rows over; a new one begins without knowledge."""
        self._drift = Drift(*(taken(getattr(self._drift, one.name), rows, 0.0) for one in fields(Drift)))

    def learn(self, frame: Frame, scores: Scores, column: int) -> Mapping[str, Bools]:
        """Takes a column in; tells which series have drifted just now, by kind."""
        with np.errstate(invalid="ignore"):
            return drifting.learn(self._drift, frame.values[:, column] - scores.expected[:, column], self._step)

    def shown(self, step: Step[Any]) -> Samples:
        """The drift of each series that has some."""
        drift = drifting.size(self._drift, self._step)
        return Samples(DRIFT, np.where(step.there & (drift >= SHOWN_FROM), drift, np.nan))

    def __call__(self, step: Step[Any]) -> Iterator[Samples]:
        """Learns from the step, and yields the drift of each series."""
        for column in range(step.frame.steps):
            self.learn(step.frame, step.scores, column)
        yield self.shown(step)

    def arrays(self) -> Arrays:
        """What is worth keeping over a restart."""
        return {f"drift.{one.name}": getattr(self._drift, one.name) for one in fields(Drift)}

    def restore(self, arrays: Arrays, series: int) -> None:
        """Takes up what `arrays` gave; what does not fit these series is not taken."""
        kept = [arrays.get(f"drift.{one.name}") for one in fields(Drift)]
        known = all(array is not None and array.shape == (series,) for array in kept)
        self._drift = Drift(*kept) if known else Drift.fresh(series)  # type: ignore[arg-type]  # none is None
