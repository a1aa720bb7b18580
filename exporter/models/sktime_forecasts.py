"""Any sktime forecaster as a model: fits now and then in other processes, each step judged against what it predicted.

Between fits the newest errors correct what was predicted: a running mean of them, clipped, is added, and fades hours
ahead. As long as a series has no prediction its last value is what is expected.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from exporter import drift as drifting
from exporter.fitting import Workers
from exporter.frame import Bools, Floats, Frame
from exporter.model import Arrays, Forecast, Rows, Scores
from exporter.models.interest import Interest
from exporter.models.sktime_judging import anomalous_hours, judge
from exporter.models.sktime_state import Asked, SktimeState
from exporter.models.sktime_work import Spec, Work, learn
from tocsin.model import Labels

FEWEST = 24  # values that are worth a fit; another when there are twice as many
HELD_BACK = 0.2  # of the history teaches how large errors are
COARSE_SECONDS = 300.0  # predictions far ahead are this close together
DENSE = 720  # leads at most, one a step; beyond that coarse
BIAS_STEPS = 24.0
FADE_SECONDS = 3 * 3_600.0  # how long the newest errors say something of what comes
SCALE_STEPS, FIRST_STEPS = 576.0, 12.0
CLIP = 3.0  # deviations; an error further out teaches as if it lay there
PRIOR = 0.1  # of the first value: what is assumed of a series' deviation before there is evidence
FLOOR = 1e-3  # of the expected value: smaller deviations are never anomalous
TO_DEVIATION = 1.2533  # a normal distribution's standard deviation over its mean absolute deviation
NEW_NORMAL_HOURS = 6.0  # what is anomalous for longer is learned as it is
INSIDE = np.array([[0.05], [0.95]])
WIDER_EACH_DAY = 0.12


@dataclass(frozen=True, slots=True)
class Plan:
    """When an sktime forecaster learns: all in seconds."""

    step: float
    window: float = 3 * 86_400.0  # of values that a fit sees
    refit: float = 86_400.0  # from fit to fit
    update: float = 3_600.0  # from update to update
    longest: float = 0.0  # the furthest horizon
    patience: float = 30.0  # that the first fits are waited for; later ones come when they come

    @property
    def columns(self) -> int:
        return max(2 * FEWEST, round(self.window / self.step))

    @property
    def leads(self) -> NDArray[np.int64]:
        """The steps ahead that are predicted."""
        dense = min(DENSE, max(2, round(2 * self.update / self.step)))
        stride = max(1, round(COARSE_SECONDS / self.step))
        furthest = max(dense, round((self.longest + 2 * self.refit) / self.step)) + stride
        return np.unique(np.r_[1 : dense + 1, stride:furthest:stride]).astype(np.int64)


class SktimeForecasts:
    """Keeps the promise of `exporter.model.Model`."""

    def __init__(
        self, spec: Spec, plan: Plan, workers: Workers, interest: Interest, tell: Callable[[str, str], None]
    ) -> None:
        """`tell` hears of each fit: its outcome (`done`, `updated`, `failed`), and the message of what failed."""
        self.spec, self.plan, self.interest = spec, plan, interest
        self._workers = workers
        self._tell = tell
        self._leads = plan.leads

    def fit(self, history: Frame) -> SktimeState:
        """Learns from the end of a history; its last fifth is held back, to see how far off forecasts are."""
        keep = min(history.steps, self.plan.columns)
        history = Frame(
            history.values[:, history.steps - keep :],
            history.labels,
            history.start + (history.steps - keep) * history.step,
            history.step,
        )
        state = SktimeState.fresh(
            len(history.labels), window=self.plan.columns, leads=len(self._leads), step=history.step
        )
        first = round((1 - HELD_BACK) * keep) if keep >= 2 * FEWEST else 0
        for column, when in enumerate(history.times[:first].tolist()):
            _remember(state, history.values[:, column], when)
        self._wait(state, history.labels)
        for column, when in enumerate(history.times.tolist()[first:], start=first):
            self._column(state, history.values[:, column], when)
        if first:
            state.paths.fitted[:] = state.paths.asked[:] = np.nan
            self._wait(state, history.labels)
        return state

    def resize(self, state: SktimeState, rows: Rows) -> SktimeState:
        """The state with other rows; a new row begins without knowledge."""
        return state.resized(rows)

    def update(self, state: SktimeState, columns: Frame) -> tuple[SktimeState, Scores]:
        """Scores each column, then learns from it; fits that are due are asked for, those that are done taken."""
        state.step = columns.step
        scores = Scores(*(np.empty(columns.values.shape) for _ in fields(Scores)))
        phases = _phases(columns.labels)
        for column, when in enumerate(columns.times.tolist()):
            self._collect(state)
            for field, values in zip(fields(Scores), self._column(state, columns.values[:, column], when), strict=True):
                getattr(scores, field.name)[:, column] = values
            self._ask(state, self._due(state, phases))
        return state, scores

    def forecast(self, state: SktimeState, steps: Sequence[int]) -> Forecast:
        """What was predicted, with bounds that follow the errors that the series has shown."""
        shape = (len(state.level), len(steps))
        forecast = Forecast(np.empty(shape), np.empty(shape), np.empty(shape))
        for column, ahead in enumerate(steps):
            mean, half = self._predicted(state, state.last + ahead * state.step)
            seconds = ahead * state.step
            near = np.exp(-seconds / FADE_SECONDS)
            mean = np.where(np.isnan(mean), state.level, mean + near * state.errors.bias)
            now = self._predicted(state, state.last + state.step)[1]
            growth = np.maximum(half / np.where(now > 0, now, np.nan), 1.0)
            own = near + (1.0 - near) * np.maximum(state.errors.far / np.maximum(state.errors.scale, 1e-300), 1.0)
            wide = np.where(np.isnan(growth), own * np.sqrt(1.0 + WIDER_EACH_DAY * seconds / 86_400.0), growth)
            bounds = mean + state.errors.near * wide * state.errors.scale
            for into, values in ((forecast.mean, mean), (forecast.lower, bounds[0]), (forecast.upper, bounds[1])):
                into[:, column] = np.clip(values, *self.interest.bounds)
        return forecast

    def arrays(self, state: SktimeState) -> Arrays:
        """The state as plain arrays; fitted forecasters are not kept: after a restart they are fitted when due."""
        return state.arrays()

    def restore(self, arrays: Arrays) -> SktimeState:
        """The state that `arrays` gave."""
        return SktimeState.from_arrays(arrays)

    def _column(self, state: SktimeState, values: Floats, when: float) -> tuple[Floats, ...]:
        """Judges one column, then learns it. Returns the fields of Scores in their order."""
        values = np.where(np.isfinite(values), values, np.nan)
        path, _ = self._predicted(state, when)
        expected = np.where(np.isnan(path), state.level, path + state.errors.bias)
        residual = values - np.where(np.isnan(expected), values, expected)
        unit = _unit(state, expected)
        state.columns += 1
        deviation = residual / np.where(np.isnan(unit), 1.0, unit)
        verdict = judge(state.judge, self.interest, deviation, residual, expected, state.step, state.columns)
        band = unit * verdict.limit
        drifted = drifting.learn(state.drift, values - path, state.step)
        _learn(state, values, residual, values - path, unit)
        lasting = anomalous_hours(state.judge, state.step) > NEW_NORMAL_HOURS
        edge = np.clip(values, expected - band, expected + band)
        _remember(state, np.where(np.isnan(edge) | lasting, values, edge), when)
        soon = np.any(list(drifted.values()), axis=0)
        state.paths.asked[soon] = state.paths.fitted[soon] = -np.inf
        lower, upper = (np.clip(expected + side * band, *self.interest.bounds) for side in (-1.0, 1.0))
        return verdict.score, expected, lower, upper, verdict.event

    def _predicted(self, state: SktimeState, when: float) -> tuple[Floats, Floats]:
        """The paths' mean and half width at a time, shape (series,); NaN where there is no path."""
        lead = np.clip((when - state.paths.at) / state.step, self._leads[0], self._leads[-1])
        there = np.isfinite(lead)
        lead = np.where(there, lead, self._leads[0])
        above = np.clip(np.searchsorted(self._leads, lead), 1, len(self._leads) - 1)
        low, high = self._leads[above - 1], self._leads[above]
        share, rows = (lead - low) / (high - low), np.arange(len(lead))
        mean, half = (
            np.where(there, (1.0 - share) * path[above - 1, rows] + share * path[above, rows], np.nan)
            for path in (state.paths.mean, state.paths.half)
        )
        return mean, half

    def _due(self, state: SktimeState, phases: Floats) -> Iterator[tuple[int, bool]]:
        """The rows that are to be learned now, and whether anew; those that have waited longest come first."""
        paths, early = state.paths, 1.0 - 0.5 * phases
        idle = np.array([asked is None for asked in state.asked], dtype=np.bool_)
        teachable = np.array([known is not None for known in state.known], dtype=np.bool_)
        waited = state.last - np.where(np.isnan(paths.asked), -np.inf, paths.asked)
        grown = (state.seen >= 2.0 * paths.learned) & (paths.learned < self.plan.columns / 2.0)
        old = ~(state.last - paths.fitted < self.plan.refit * early) & (waited >= self.plan.update)
        anew = (state.seen >= FEWEST) & (grown | old)
        due = np.flatnonzero(idle & (anew | (teachable & (waited >= self.plan.update * early))))
        for row in due[np.argsort(-waited[due], kind="stable")].tolist():
            yield row, bool(anew[row] or not teachable[row])

    def _ask(self, state: SktimeState, due: Iterator[tuple[int, bool]]) -> None:
        """Has rows learned elsewhere, as many as there is room for."""
        while self._workers.room() and (found := next(due, None)) is not None:
            row, anew = found
            values, paths = state.recent(row), state.paths
            if not anew:
                values = values[-round((state.last - paths.at[row]) / state.step) :]
            start = state.last - (len(values) - 1) * state.step
            known = None if anew else state.known[row]
            work = Work(self.spec, values, start, state.step, self._leads, known)
            state.asked[row] = Asked(self._workers.submit(learn, work), state.last, anew)
            paths.asked[row] = state.last
            if anew:
                paths.learned[row] = np.isfinite(values).sum()

    def _collect(self, state: SktimeState) -> None:
        """Takes what is done."""
        for row, asked in enumerate(state.asked):
            if asked is None or not asked.future.done():
                continue
            state.asked[row] = None
            error = asked.future.exception()
            if error is not None:
                state.known[row] = None
                self._tell("failed", f"{type(error).__name__}: {error}")
                continue
            path = asked.future.result()
            paths, usable = state.paths, np.isfinite(path.mean).all()
            if not usable:
                self._tell("failed", "it predicts what is no number")
            else:
                self._tell("done" if asked.anew else "updated", "")
                paths.mean[:, row], paths.half[:, row], paths.at[row] = path.mean, path.half, asked.when
                paths.fitted[row] = asked.when if asked.anew else paths.fitted[row]
                state.errors.bias[row] = 0.0
                state.known[row] = path.known

    def _wait(self, state: SktimeState, labels: Sequence[Labels]) -> None:
        """Fits all that is due, as far as patience goes."""
        until, due = time.monotonic() + self.plan.patience, self._due(state, np.zeros(len(labels)))
        self._ask(state, due)
        while (left := until - time.monotonic()) > 0:
            futures = [asked.future for asked in state.asked if asked is not None]
            if not futures:
                return
            wait(futures, timeout=left, return_when=FIRST_COMPLETED)
            self._collect(state)
            self._ask(state, due)


def _unit(state: SktimeState, expected: Floats) -> Floats:
    """One deviation, shape (series,): thin evidence widens it; NaN before the first value."""
    scale = np.maximum(state.errors.scale, FLOOR * np.abs(expected) + 1e-9)
    unit: Floats = scale * (1.0 + 10.0 / (state.errors.seen + 1.0))
    return unit


def _learn(state: SktimeState, values: Floats, residual: Floats, far: Floats, unit: Floats) -> None:
    """Takes the errors of one column in."""
    errors = state.errors
    there: Bools = np.isfinite(residual) & np.isfinite(unit)
    begun = np.isnan(errors.scale) & np.isfinite(residual)
    limit = CLIP * np.where(there, unit, 0.0)
    clipped = np.clip(np.where(there, residual, 0.0), -limit, limit)
    pace = 1.0 / np.minimum(errors.seen + FIRST_STEPS, SCALE_STEPS)
    known = there & np.isfinite(errors.scale)
    off = np.clip(np.where(np.isfinite(far), far, clipped), -4.0 * limit, 4.0 * limit)
    errors.far = np.where(np.isnan(errors.far), errors.scale, errors.far)
    errors.far = np.where(known, errors.far + pace * (TO_DEVIATION * np.abs(off) - errors.far), errors.far)
    wider = np.where(known, residual / np.maximum(errors.scale, 1e-300), 0.0)
    quick = np.maximum(0.02, 2.0 / (errors.seen + 10.0)) * np.maximum(np.abs(errors.near), 0.5)
    errors.near += np.where(known, quick * (INSIDE - (wider < errors.near)), 0.0)
    errors.scale = np.where(known, errors.scale + pace * (TO_DEVIATION * np.abs(clipped) - errors.scale), errors.scale)
    errors.bias = np.where(known & np.isfinite(far), errors.bias + clipped / BIAS_STEPS, errors.bias)
    errors.seen += known
    errors.scale = np.where(begun, PRIOR * np.abs(values) + 1e-9, errors.scale)


def _remember(state: SktimeState, values: Floats, when: float) -> None:
    """Puts a column into the ring; columns that were left out since are missing there."""
    window = len(state.values)
    gap = 0 if np.isnan(state.last) else round((when - state.last) / state.step) - 1
    for _ in range(min(max(gap, 0), window)):
        state.values[state.place] = np.nan
        state.place = (state.place + 1) % window
    state.values[state.place] = values
    state.place = (state.place + 1) % window
    there = np.isfinite(values)
    state.level = np.where(there, values, state.level)
    state.seen += there
    state.last = when


def _phases(labels: Sequence[Labels]) -> Floats:
    """A number from 0 to 1 for each series, always the same: so that not all are fitted in the same minute."""
    return np.array([zlib.crc32(repr(sorted(one.items())).encode()) / 2**32 for one in labels])
