"""What every model promises: DESIGN.md §4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from exporter.frame import Floats, Frame

Rows = NDArray[np.intp]
Arrays = Mapping[str, NDArray[Any]]
State = TypeVar("State")

NEW = -1  # in Rows: a series that was not there before


@dataclass(frozen=True, slots=True)
class Scores:
    """What a model says of each point; every array has the shape (series, steps).

    `score` is 0 or more, above 1 means anomalous, NaN where the value is missing. `expected`, `lower` and `upper`
    were known before the value (NaN before a series' first one). `event` is the score where a new event is reported,
    else 0.
    """

    score: Floats
    expected: Floats
    lower: Floats
    upper: Floats
    event: Floats


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected later, with the bounds that 90 % of the values keep; each of shape (series, horizons)."""

    mean: Floats
    lower: Floats
    upper: Floats


class Model(Protocol[State]):
    """A model of many series at once, with constant state for each.

    A state that is handed to `resize` or `update` belongs to it: use only what comes back.
    """

    def fit(self, history: Frame) -> State:
        """Learns from history; fewer points than the model would like, or none, are no error."""

    def resize(self, state: State, rows: Rows) -> State:
        """The state with other rows: for each row of the result, its row so far, or `NEW`."""

    def update(self, state: State, columns: Frame) -> tuple[State, Scores]:
        """Scores columns in their order, each before it learns from it: no score depends on a later column."""

    def forecast(self, state: State, steps: Sequence[int]) -> Forecast:
        """What is expected so many steps after the last column; only the horizons that somebody asked for."""

    def arrays(self, state: State) -> Arrays:
        """All that a state remembers, by name: numbers of shape (), or arrays whose last axis is the series."""

    def restore(self, arrays: Arrays) -> State:
        """What `arrays` gave, in arrays of its own; types and shapes are right, the values may be anything.

        Raises:
            KeyError: something is missing.
            ValueError: something cannot be.
        """


@runtime_checkable
class LearnsInParts(Protocol[State]):
    """A model that can be given a long history part by part; others get all of it at once."""

    def learn(self, state: State, history: Frame, end: float) -> State:
        """Learns the history that follows what was learned so far; all of it will reach up to `end` (Unix seconds)."""
