"""All that the default model remembers, as plain arrays: the last axis of each is the series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from exporter.calibration import Calibration, Nature
from exporter.model import NEW, Rows
from exporter.models.borrowing import Borrowing
from exporter.models.evidence import PIECES, SPANS, Evidence
from exporter.models.outlook import Outlook
from exporter.models.profiles import Profiles
from exporter.models.spread import Spread

Arrays = dict[str, NDArray[Any]]
Part = TypeVar("Part", Profiles, Spread, Outlook, Evidence, Calibration, Borrowing)

PARTS: Mapping[str, Any] = {
    "profiles": Profiles,
    "spread": Spread,
    "outlook": Outlook,
    "evidence": Evidence,
    "calibration": Calibration,
    "borrowing": Borrowing,
}
NUMBERS = ("step", "last", "columns")


@dataclass(slots=True)
class SeasonalState:
    """`step`: typical seconds from column to column; `last`: the last column's time; `columns`: how many there were."""

    profiles: Profiles
    spread: Spread
    outlook: Outlook
    evidence: Evidence
    calibration: Calibration
    borrowing: Borrowing
    step: float
    last: float = np.nan
    columns: int = 0

    @classmethod
    def fresh(cls, series: int, step: float) -> Self:
        calibration = Calibration.fresh(series, len(PIECES), Nature(SPANS))
        parts = (Profiles.fresh(series), Spread.fresh(series), Outlook.fresh(series), Evidence.fresh(series))
        return cls(*parts, calibration, Borrowing.fresh(series), step)

    def resized(self, rows: Rows) -> Self:
        """The state with other rows; a new row knows nothing yet. Array after array, so that none lies twice."""
        fresh = self.fresh(1, self.step)
        for name in PARTS:
            _resize(getattr(self, name), getattr(fresh, name), rows)
        return self

    def arrays(self) -> Arrays:
        """Everything, by name: to be kept in a file that needs no pickle."""
        found: Arrays = {name: np.array(getattr(self, name)) for name in NUMBERS}
        for part in PARTS:
            values = getattr(self, part)
            found |= {f"{part}.{field.name}": getattr(values, field.name) for field in fields(values)}
        return found

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """What `arrays` gave.

        Raises:
            KeyError: something is missing.
        """
        parts = {
            name: kind(**{field.name: arrays[f"{name}.{field.name}"].copy() for field in fields(kind)})
            for name, kind in PARTS.items()
        }
        return cls(**parts, step=float(arrays["step"]), last=float(arrays["last"]), columns=int(arrays["columns"]))


def _resize(part: Part, fresh: Part, rows: Rows) -> None:
    """Gives every array of a part other rows."""
    came = rows == NEW
    for field in fields(part):
        old, new = getattr(part, field.name), getattr(fresh, field.name)
        if old.shape[-1]:
            taken = np.take(old, rows, axis=-1, mode="clip")  # NEW is clipped to a row that is there
            taken[..., came] = new
        else:
            taken = np.repeat(new, len(rows), axis=-1)
        setattr(part, field.name, taken)
