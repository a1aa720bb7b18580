"""What is remembered of series that an sktime forecaster forecasts: plain arrays, whose last axis is the series."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from exporter.calibration import Calibration
from exporter.drift import Drift
from exporter.frame import Floats
from exporter.model import NEW, Rows
from exporter.models.sktime_judging import Judge
from exporter.models.sktime_work import Path

NUMBERS = ("step", "last", "columns", "place")


@dataclass(frozen=True, slots=True)
class Asked:
    """A path that is being computed from values up to `when` (Unix seconds)."""

    future: Future[Path]
    when: float
    anew: bool  # fitted anew, not updated


@dataclass(slots=True)
class Errors:
    """How far forecasts were off; each (series,) but `near`."""

    bias: Floats  # what the path is off by just now
    scale: Floats  # the usual size of the next step's error: one deviation
    far: Floats  # the same without `bias`: of a forecast hours old
    near: Floats  # (2, series), what 5 and 95 % of errors lie below, in deviations
    seen: Floats  # how many

    @classmethod
    def fresh(cls, series: int) -> Self:
        bounds = np.repeat(np.array([[-1.8], [1.8]]), series, axis=1)
        return cls(np.zeros(series), np.full(series, np.nan), np.full(series, np.nan), bounds, np.zeros(series))


@dataclass(slots=True)
class Paths:
    """The predictions."""

    mean: Floats  # (leads, series), NaN while there is none
    half: Floats  # (leads, series), half the width of the 90 % interval, where the forecaster gives one
    at: Floats  # (series,), the newest value's time that it rests on, Unix seconds; NaN: there is none
    fitted: Floats  # (series,), the same of the last fit
    learned: Floats  # (series,), how many values that fit had
    asked: Floats  # (series,), when the last one was asked for

    @classmethod
    def fresh(cls, series: int, leads: int) -> Self:
        def unknown() -> Floats:
            return np.full(series, np.nan)

        empty = np.full((leads, series), np.nan)
        return cls(empty, empty.copy(), unknown(), unknown(), np.zeros(series), unknown())


@dataclass(slots=True)
class SktimeState:
    """`values` is a ring: the newest column stands at `place` - 1."""

    values: Floats  # (window, series)
    level: Floats  # (series,), the last value
    seen: Floats  # (series,), how many values there were
    paths: Paths
    errors: Errors
    judge: Judge
    drift: Drift
    step: float
    last: float = np.nan
    columns: int = 0
    place: int = 0
    known: list[bytes | None] = field(default_factory=list)  # of each series, what can be taught more
    asked: list[Asked | None] = field(default_factory=list)

    @classmethod
    def fresh(cls, series: int, *, window: int, leads: int, step: float) -> Self:
        return cls(
            np.full((window, series), np.nan),
            np.full(series, np.nan),
            np.zeros(series),
            Paths.fresh(series, leads),
            Errors.fresh(series),
            Judge.fresh(series),
            Drift.fresh(series),
            step,
            known=[None] * series,
            asked=[None] * series,
        )

    def resized(self, rows: Rows) -> Self:
        """The state with other rows; a new row begins without knowledge."""
        window, leads = len(self.values), len(self.paths.mean)
        fresh = self.fresh(1, window=window, leads=leads, step=self.step)
        new = fresh.arrays()
        taken = {
            name: _resized(array, new[name], rows) if array.ndim else array for name, array in self.arrays().items()
        }
        resized = self.from_arrays(taken)
        resized.known = [None if row == NEW else self.known[row] for row in rows]
        resized.asked = [None if row == NEW else self.asked[row] for row in rows]
        return resized

    def recent(self, row: int) -> Floats:
        """A series' values in their order, from the first that is there, shape (at most window,)."""
        values = np.roll(self.values[:, row], -self.place)
        there = np.flatnonzero(np.isfinite(values))
        return values[there[0] :] if len(there) else values[:0]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything but what has to be computed anew."""
        found: dict[str, NDArray[Any]] = {name: np.array(getattr(self, name)) for name in NUMBERS}
        found |= {name: getattr(self, name) for name in ("values", "level", "seen")}
        for part, holder in self._parts().items():
            found |= {
                f"{part}.{field.name}": array
                for field in fields(holder)
                if isinstance(array := getattr(holder, field.name), np.ndarray)
            }
        return found

    def _parts(self) -> dict[str, Any]:
        judge = self.judge
        return {
            "paths": self.paths, "errors": self.errors, "drift": self.drift,
            "judge": judge, "calibration": judge.calibration,
        }  # fmt: skip

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """What `arrays` gave.

        Raises:
            KeyError: something is missing.
        """

        def part(kind: type[Any], name: str, **beside: Any) -> Any:
            own = [field.name for field in fields(kind) if field.name not in beside]
            return kind(**{field: arrays[f"{name}.{field}"].copy() for field in own}, **beside)

        series = arrays["level"].shape[0]
        return cls(
            values=arrays["values"].copy(),
            level=arrays["level"].copy(),
            seen=arrays["seen"].copy(),
            paths=part(Paths, "paths"),
            errors=part(Errors, "errors"),
            judge=part(Judge, "judge", calibration=part(Calibration, "calibration")),
            drift=part(Drift, "drift"),
            step=float(arrays["step"]),
            last=float(arrays["last"]),
            columns=int(arrays["columns"]),
            place=int(arrays["place"]),
            known=[None] * series,
            asked=[None] * series,
        )


def _resized(old: NDArray[Any], new: NDArray[Any], rows: Rows) -> NDArray[Any]:
    if not old.shape[-1]:
        return np.repeat(new, len(rows), axis=-1)
    return np.where(rows == NEW, new, old[..., np.where(rows == NEW, 0, rows)]).astype(old.dtype)
