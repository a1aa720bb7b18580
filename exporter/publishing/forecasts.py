"""The expectation for now and for each horizon, with its bounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

import numpy as np

from exporter.model import Model
from exporter.publishing.samples import Samples, Step
from tocsin import duration

State = TypeVar("State")

MEAN, LOWER, UPPER = "tocsin_forecast", "tocsin_forecast_lower", "tocsin_forecast_upper"
FAMILIES = {
    MEAN: "What a series is expected to be after the horizon; 0s is the expectation for now.",
    LOWER: "The lower bound of the forecast.",
    UPPER: "The upper bound of the forecast.",
}
NOW = "0s"


@dataclass(frozen=True, slots=True)
class Forecasts(Generic[State]):
    """A publisher of a model's forecasts, at multiples of `step`; a series without a newest value has none.

    `now`: whether what was expected for now is among them.
    """

    model: Model[State]
    step: timedelta
    horizons: Sequence[timedelta]
    now: bool = True

    def __call__(self, step: Step[State]) -> Iterator[Samples]:
        ahead = self.model.forecast(step.state, [round(horizon / self.step) for horizon in self.horizons])
        names = [NOW, *(label(horizon) for horizon in self.horizons)]
        known, there = step.scores, step.there[:, None]
        for family, now, later in (
            (MEAN, known.expected, ahead.mean),
            (LOWER, known.lower, ahead.lower),
            (UPPER, known.upper, ahead.upper),
        ):
            columns = np.where(there, np.column_stack([now[:, -1], later]), np.nan)
            for name, column in zip(names[not self.now :], columns.T[not self.now :], strict=True):
                yield Samples(family, column, {"horizon": name})


def label(horizon: timedelta) -> str:
    """A horizon as the label `horizon` shows it: Prometheus's way, but 7d and not 1w."""
    shown = duration.show(horizon)
    return f"{horizon.days}d" if shown.endswith("w") else shown
