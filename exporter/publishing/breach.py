"""How likely an alert rule is to fire for each series of its expression."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, TypeVar

import numpy as np

from exporter.breach.condition import Condition
from exporter.breach.errors import correlation
from exporter.breach.firing import Drawn, probabilities
from exporter.breach.paths import Ahead, grid, thinned
from exporter.breach.tracked import Tracked, TrackedState
from exporter.publishing.forecasts import label
from exporter.publishing.samples import Samples, Step

State = TypeVar("State")

BREACH = "tocsin_breach_probability"
FAMILIES = {BREACH: "How likely an alert rule is to fire within the horizon, from 0 to 1; 1 where it fires already."}
LABELS = ("rule", "rule_group", "severity")
MOST_FORECASTS = 100  # columns; straight lines between
SEED = 1


@dataclass(frozen=True, slots=True)
class Asked:
    """One rule on a query's values: when it fires (`hold` is its `for`), and the labels that name it."""

    condition: Condition
    hold: timedelta
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Breach(Generic[State]):
    """A publisher of the probabilities of several rules on one expression; the model tracks their conditions.

    A series without a newest value has none: it is not there for Prometheus either.
    """

    model: Tracked[State]
    rules: Sequence[Asked]
    step: timedelta
    horizons: Sequence[timedelta]
    at: Sequence[int] = field(init=False)
    steps: list[int] = field(init=False)
    drawn: Drawn = field(init=False)

    def __post_init__(self) -> None:
        at = [max(1, round(horizon / self.step)) for horizon in self.horizons]
        steps = grid(max(at), at)
        object.__setattr__(self, "at", at)
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "drawn", Drawn.of(np.random.default_rng(SEED), len(steps)))

    def __call__(self, step: Step[TrackedState[State]]) -> Iterator[Samples]:
        state, known = step.state, thinned(self.steps, MOST_FORECASTS)
        ahead = Ahead.of(self.model.forecast(state, known), known, self.steps, self.step.total_seconds())
        errors = correlation(state.errors)
        for rule, runs in zip(self.rules, state.runs, strict=True):
            needed = float(-(-rule.hold // self.step) + 1)
            fired = probabilities(ahead, errors, runs, rule.condition, needed, self.drawn)
            for horizon, steps in zip(self.horizons, self.at, strict=True):
                values = np.where(step.there, fired[:, self.steps.index(steps)], np.nan)
                yield Samples(BREACH, values, {**dict(rule.labels), "horizon": label(horizon)})
