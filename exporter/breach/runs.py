"""How long a condition has held, how often it began and ended so far, and whether values are whole numbers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from exporter.breach.condition import Condition
from exporter.frame import Floats
from exporter.model import NEW, Rows

BEGINNING, STAYING = 0, 1  # columns of the counts
REMEMBERED = 4_000.0  # steps
PRIOR_STEPS = 200.0  # as if so many steps had been seen in which nothing began,
PRIOR_ENDS = 2.0  # and so many in which what had begun ended as often as not


@dataclass(slots=True)
class Runs:
    """What is remembered of a condition; arrays of shape (series,), but for the counts."""

    lasting: Floats  # steps in a row for which it holds, the newest included; 0: it does not
    could: Floats  # (2, series), slowly forgotten: steps in which it could begin, could stay,
    did: Floats  # (2, series), and in which it did
    broken: Floats  # 1 where a value was no whole number, else 0

    @classmethod
    def fresh(cls, series: int) -> Self:
        could = np.repeat([[PRIOR_STEPS], [PRIOR_ENDS]], series, axis=1)
        did = np.repeat([[0.0], [PRIOR_ENDS / 2.0]], series, axis=1)
        return cls(np.zeros(series), could, did, np.zeros(series))

    def resized(self, rows: Rows) -> Self:
        """With other rows; a new row begins without knowledge."""
        fresh, known = type(self).fresh(len(rows)), rows != NEW
        for field in fields(self):
            getattr(fresh, field.name)[..., known] = getattr(self, field.name)[..., rows[known]]
        return fresh

    def chances(self) -> Floats:
        """The chance that the condition begins, and that it stays, from one step to the next, (2, series)."""
        return self.did / self.could


def learn(runs: Runs, condition: Condition, values: Floats) -> None:
    """Takes columns in, (series, steps)."""
    holds = condition.holds(values)
    if not holds.shape[1]:
        return
    before = np.column_stack([runs.lasting > 0, holds[:, :-1]])
    keep = np.exp(-holds.shape[1] / REMEMBERED)
    for row, could in ((BEGINNING, ~before), (STAYING, before)):
        prior = Runs.fresh(1)
        runs.could[row] = prior.could[row] + keep * (runs.could[row] - prior.could[row]) + could.sum(axis=1)
        runs.did[row] = prior.did[row] + keep * (runs.did[row] - prior.did[row]) + (could & holds).sum(axis=1)
    odd = np.isfinite(values) & (np.rint(values) != values)
    runs.broken = np.maximum(runs.broken, odd.any(axis=1))
    steps = holds.shape[1]
    ended = np.where(holds.all(axis=1), -1, steps - 1 - np.argmin(holds[:, ::-1], axis=1))
    runs.lasting = np.where(ended < 0, runs.lasting + steps, steps - 1.0 - ended)
