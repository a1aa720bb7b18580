"""One scored step of a query, and what a publisher makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import numpy as np

from exporter.frame import Bools, Floats, Frame
from exporter.model import Arrays, Rows, Scores
from exporter.reading import Key

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
    """One sample of a family for each row, shape (series,); NaN is none. `extra`: labels beside the row's own.

    `keys`: what the samples are of, where that is not the rows of the step.
    """

    family: str
    values: Floats
    extra: Mapping[str, str] = field(default_factory=dict)
    keys: Sequence[Key] | None = None


Publisher = Callable[[Step[State]], Iterable[Samples]]


class Witness(Protocol):
    """A publisher that remembers something of each series, in the rows of the model."""

    def begin(self, history: Frame) -> None:
        """Begins anew, with a history that no step will show."""

    def resize(self, rows: Rows) -> None:
        """The next step has other rows: for each, its row so far, or `NEW`."""

    def arrays(self) -> Arrays:
        """What is worth keeping over a restart."""

    def restore(self, arrays: Arrays, series: int) -> None:
        """Begins anew with what `arrays` gave, as far as it can be used for so many series."""
