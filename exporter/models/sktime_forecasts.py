"""Any sktime forecaster as a model: fits now and then in other processes, each step judged against what it predicted.

Between fits the newest errors correct what was predicted: a running mean of them, clipped, is added, and fades hours
ahead. As long as a series has no prediction its last value is what is expected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields

import numpy as np

from exporter import drift as drifting
from exporter.calibration import Calibration
from exporter.fitting import Workers
from exporter.frame import Floats, Frame
from exporter.model import Arrays, Forecast, Rows, Scores
from exporter.models.hearing import Ear, Hear
from exporter.models.interest import Interest
from exporter.models.sktime_errors import deviation_of, learn_errors, remember
from exporter.models.sktime_judging import PIECES, WEIGHTS, anomalous_hours, judge
from exporter.models.sktime_schedule import FEWEST, Fits, Plan, phases
from exporter.models.sktime_state import SktimeState
from exporter.models.sktime_work import Spec

HELD_BACK = 0.2  # of the history teaches how large errors are
FADE_SECONDS = 3 * 3_600.0  # how long the newest errors say something of what comes
NEW_NORMAL_HOURS = 6.0  # what is anomalous for longer is learned as it is
WIDER_EACH_DAY = 0.12


class SktimeForecasts:
    """Keeps the promises of `exporter.model.Model` and `exporter.models.hearing.Listens`."""

    weights = WEIGHTS

    def __init__(
        self, spec: Spec, plan: Plan, workers: Workers, interest: Interest, tell: Callable[[str, str], None]
    ) -> None:
        """`tell` hears of each fit: its outcome (`done`, `updated`, `failed`), and the message of what failed."""
        self.spec, self.plan, self.interest = spec, plan, interest
        self.pieces: Sequence[str] = [f"{spec.name}.{piece}" for piece in PIECES]
        self.ear: Ear | None = None
        self._leads = plan.leads
        self._fits = Fits(spec, plan, workers, tell, self._leads)

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
            remember(state, history.values[:, column], when)
        self._fits.wait(state, history.labels)
        for column, when in enumerate(history.times.tolist()[first:], start=first):
            self._column(state, history.values[:, column], when)
        if first:
            state.paths.fitted[:] = state.paths.asked[:] = np.nan
            self._fits.wait(state, history.labels)
        return state

    def resize(self, state: SktimeState, rows: Rows) -> SktimeState:
        """The state with other rows; a new row begins without knowledge."""
        if self.ear:
            self.ear.moved()
        return state.resized(rows)

    def update(self, state: SktimeState, columns: Frame) -> tuple[SktimeState, Scores]:
        """Scores each column, then learns from it; fits that are due are asked for, those that are done taken."""
        state.step = columns.step
        scores = Scores(*(np.empty(columns.values.shape) for _ in fields(Scores)))
        series_phases, hear = phases(columns.labels), self.ear.listen(columns.labels) if self.ear else None
        for column, when in enumerate(columns.times.tolist()):
            self._fits.collect(state)
            judged = self._column(state, columns.values[:, column], when, hear)
            for field, values in zip(fields(Scores), judged, strict=True):
                getattr(scores, field.name)[:, column] = values
            self._fits.ask(state, self._fits.due(state, series_phases))
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

    def tails(self, state: SktimeState) -> Calibration:
        """What the evidence is judged by."""
        return state.judge.calibration

    def _column(self, state: SktimeState, values: Floats, when: float, hear: Hear | None = None) -> tuple[Floats, ...]:
        """Judges one column, then learns it. Returns the fields of Scores in their order."""
        values = np.where(np.isfinite(values), values, np.nan)
        path, _ = self._predicted(state, when)
        expected = np.where(np.isnan(path), state.level, path + state.errors.bias)
        residual = values - np.where(np.isnan(expected), values, expected)
        unit = deviation_of(state, expected)
        state.columns += 1
        deviation = residual / np.where(np.isnan(unit), 1.0, unit)
        verdict = judge(state.judge, self.interest, deviation, residual, expected, state.step, state.columns, hear)
        band = unit * verdict.limit
        drifted = drifting.learn(state.drift, values - path, state.step)
        learn_errors(state, values, residual, values - path, unit)
        lasting = anomalous_hours(state.judge, state.step) > NEW_NORMAL_HOURS
        edge = np.clip(values, expected - band, expected + band)
        remember(state, np.where(np.isnan(edge) | lasting, values, edge), when)
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
