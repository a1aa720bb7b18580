"""Any sktime detector as a model: what it says of the newest value, seen beside the values before it, is the evidence.

A detector expects nothing, so there is neither band nor forecast. It looks at a window anew in each step, in other
processes; a series whose answer is not there in time has no score in this step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter import calibration as tails
from exporter.calibration import Calibration
from exporter.fitting import Workers
from exporter.frame import Floats, Frame
from exporter.model import NEW, Arrays, Forecast, Rows, Scores
from exporter.models.hearing import Ear, Hear, retelling
from exporter.models.interest import Interest
from exporter.models.sktime_work import Spec, Work, detect

FEWEST = 24  # values that a detector is asked about
MOST = 512  # values that it sees
WEIGHT = np.ones((1, 1))
NO_LEADS: NDArray[np.int64] = np.empty(0, np.int64)


@dataclass(slots=True)
class DetectorState:
    """`values` is a ring of shape (window, series): the newest column stands at `place` - 1."""

    values: Floats
    calibration: Calibration
    last: float = np.nan
    columns: int = 0
    place: int = 0


class SktimeDetections:
    """Keeps the promises of `exporter.model.Model` and `exporter.models.hearing.Listens`."""

    weights = WEIGHT

    def __init__(
        self,
        spec: Spec,
        step: float,
        window: float,
        workers: Workers,
        interest: Interest,
        tell: Callable[[str, str], None],
    ) -> None:
        """`step` and `window` in seconds; `tell` hears of what failed, with its message."""
        self.spec, self.interest = spec, interest
        self.pieces: Sequence[str] = [f"{spec.name}.detector"]
        self.ear: Ear | None = None
        self._step = step
        self._window = int(np.clip(round(window / step), 2 * FEWEST, MOST))
        self._workers = workers
        self._tell = tell

    def fit(self, history: Frame) -> DetectorState:
        """Fills the window, and lets the tails see what the detector says of it."""
        series = len(history.labels)
        state = DetectorState(np.full((self._window, series), np.nan), Calibration.fresh(series, 1))
        for column, when in enumerate(history.times.tolist()[-self._window :], max(0, history.steps - self._window)):
            _remember(state, history.values[:, column], when)
        if history.steps >= FEWEST:
            said = self._said(state, patience=10.0 * self._step)
            for column in range(self._window):
                state.columns += 1
                self._judge(state, said[column], np.roll(state.values, -state.place, axis=0)[column])
        return state

    def resize(self, state: DetectorState, rows: Rows) -> DetectorState:
        """The state with other rows; a new row begins without knowledge."""
        if self.ear:
            self.ear.moved()
        new, old = self.arrays(self._fresh()), self.arrays(state)
        return self.restore({name: _resized(old[name], new[name], rows) for name in old})

    def update(self, state: DetectorState, columns: Frame) -> tuple[DetectorState, Scores]:
        """Asks the detector about each column beside the window before it."""
        scores = Scores(*(np.full(columns.values.shape, np.nan) for _ in fields(Scores)))
        hear = self.ear.listen(columns.labels) if self.ear else None
        for column, when in enumerate(columns.times.tolist()):
            _remember(state, columns.values[:, column], when)
            said = self._said(state, patience=columns.step)[-1]
            state.columns += 1
            judged = self._judge(state, said, np.where(np.isfinite(said), columns.values[:, column], np.nan), hear)
            scores.score[:, column], scores.event[:, column] = judged
        return state, scores

    def forecast(self, state: DetectorState, steps: Sequence[int]) -> Forecast:
        """Nothing: a detector does not forecast."""
        unknown = np.full((state.values.shape[1], len(steps)), np.nan)
        return Forecast(unknown, unknown, unknown)

    def arrays(self, state: DetectorState) -> Arrays:
        """The state as plain arrays."""
        found: dict[str, NDArray[Any]] = {name: np.array(getattr(state, name)) for name in ("last", "columns", "place")}
        kept = {f"calibration.{field.name}": getattr(state.calibration, field.name) for field in fields(Calibration)}
        return found | {"values": state.values} | kept

    def restore(self, arrays: Arrays) -> DetectorState:
        """The state that `arrays` gave."""
        kept = {field.name: arrays[f"calibration.{field.name}"].copy() for field in fields(Calibration)}
        numbers = (float(arrays["last"]), int(arrays["columns"]), int(arrays["place"]))
        return DetectorState(arrays["values"].copy(), Calibration(**kept), *numbers)

    def _fresh(self) -> DetectorState:
        return DetectorState(np.full((self._window, 1), np.nan), Calibration.fresh(1, 1))

    def _said(self, state: DetectorState, patience: float) -> Floats:
        """The detector's evidence at each value of the window, (window, series); NaN where there was none in time."""
        ordered = np.roll(state.values, -state.place, axis=0)
        said, asked = np.full(ordered.shape, np.nan), dict[int, tuple[int, Future[Floats]]]()
        for row in range(ordered.shape[1]):
            there = np.flatnonzero(np.isfinite(ordered[:, row]))
            if not len(there) or not np.isfinite(ordered[-1, row]):
                continue
            first = int(there[0])
            if len(there) < FEWEST:
                said[-1, row] = 0.0
                continue
            work = Work(self.spec, ordered[first:, row], state.last, self._step, NO_LEADS)
            asked[row] = first, self._workers.submit(detect, work)
        done, late = wait([future for _, future in asked.values()], timeout=patience)
        for future in late:
            future.cancel()
        for row, (first, future) in asked.items():
            if future not in done:
                self._tell("late", "")
            elif error := future.exception():
                self._tell("failed", f"{type(error).__name__}: {error}")
            else:
                said[first:, row] = future.result()
        return said

    def tails(self, state: DetectorState) -> Calibration:
        """What the evidence is judged by."""
        return state.calibration

    def _judge(
        self, state: DetectorState, said: Floats, values: Floats, hear: Hear | None = None
    ) -> tuple[Floats, Floats]:
        """Score and event of one column, each (series,); then learns it."""
        there = np.isfinite(said) & np.isfinite(values)
        interest = self.interest
        wanted = tails.bars(state.calibration, self._step, interest.false_alarms_per_month, interest.report)
        evidence, weights = np.where(there, said, 0.0)[None], np.repeat(WEIGHT, len(said), axis=1)
        heard = retelling(hear, evidence)
        return tails.judge(state.calibration, evidence, weights, there, wanted, state.columns, retell=heard)


def _remember(state: DetectorState, values: Floats, when: float) -> None:
    state.values[state.place] = np.where(np.isfinite(values), values, np.nan)
    state.place = (state.place + 1) % len(state.values)
    state.last = when


def _resized(old: NDArray[Any], new: NDArray[Any], rows: Rows) -> NDArray[Any]:
    if not old.ndim:
        return old
    if not old.shape[-1]:
        return np.repeat(new, len(rows), axis=-1)
    return np.where(rows == NEW, new, old[..., np.where(rows == NEW, 0, rows)]).astype(old.dtype)
