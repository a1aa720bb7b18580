"""How long until a series is beyond a threshold, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, TypeVar

import numpy as np

from exporter.breach.condition import Comparison
from exporter.breach.crossing import times
from exporter.breach.paths import Ahead, Singles, noise, thinned, widening
from exporter.model import Model
from exporter.publishing.samples import Samples, Step

State = TypeVar("State")

EARLIEST = "tocsin_time_to_threshold_lower_seconds"
MEDIAN = "tocsin_time_to_threshold_seconds"
LATEST = "tocsin_time_to_threshold_upper_seconds"
FAMILIES = {
    MEDIAN: "How long until half of the simulated paths are beyond a threshold; +Inf: not as far as is seen.",
    EARLIEST: "The lower bound: 5 % of the paths are beyond by then.",
    LATEST: "The upper bound: 95 % of the paths are beyond by then.",
}
LABELS = ("threshold",)
LONGEST_GAP = timedelta(hours=1)  # between two steps that are looked at
MOST_FORECASTS = 100  # columns; straight lines between
SEED = 1


@dataclass(frozen=True, slots=True)
class Thresholds(Generic[State]):
    """A publisher of the time to each threshold (by name), up to `within`; a series without a newest value has none."""

    model: Model[State]
    step: timedelta
    thresholds: Mapping[str, Comparison]
    within: timedelta
    drawn: Singles = field(init=False)
    steps: list[int] = field(init=False)

    def __post_init__(self) -> None:
        steps = widening(max(1, round(self.within / self.step)), max(1, round(LONGEST_GAP / self.step)))
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "drawn", noise(np.random.default_rng(SEED), len(steps)))

    def __call__(self, step: Step[State]) -> Iterator[Samples]:
        known = thinned(self.steps, MOST_FORECASTS)
        forecast = self.model.forecast(step.state, known)
        ahead = Ahead.of(forecast, known, self.steps, self.step.total_seconds())
        for name, threshold in self.thresholds.items():
            found = times(ahead, threshold, step.frame.values[:, -1], self.drawn)
            for family, row in zip((EARLIEST, MEDIAN, LATEST), found, strict=True):
                yield Samples(family, np.where(step.there, row, np.nan), {"threshold": name})
