"""One scored step of a query, and what a publisher makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

from exporter.frame import Bools, Floats, Frame
from exporter.model import Scores

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Step(Generic[State]):
    """What one step has brought: the newest columns, what the model said of them, and its state after them.

    Rows are the same in `frame`, `scores` and `state`. The last column is the one that is published.
    """

    frame: Frame
    scores: Scores
    state: State

    @property
    def there(self) -> Bools:
        """Which series have a newest value, shape (series,)."""
        return np.isfinite(self.scores.score[:, -1])


@dataclass(frozen=True, slots=True)
class Samples:
    """One sample of a family for each row, shape (series,); NaN is none. `extra`: labels beside the row's own."""

    family: str
    values: Floats
    extra: Mapping[str, str] = field(default_factory=dict)


Publisher = Callable[[Step[State]], Iterable[Samples]]
