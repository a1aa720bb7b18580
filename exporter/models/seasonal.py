"""The default model: robust level, day and week, a scale by time of day, a tail for each series.

Everything is computed for all series at once; the state of a series is constant in size (about 5 KB).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self, TypeVar

import numpy as np

from exporter import calibration as tails
from exporter.calibration import Calibration
from exporter.frame import Floats, Frame
from exporter.model import NEW, Forecast, Rows, Scores
from exporter.models import profiles as seasons
from exporter.models import spread as scales
from exporter.models.profiles import DAY, HOUR, Moment, Profiles
from exporter.models.spread import Spread

NINETY_PERCENT = 1.645  # deviations on either side of a normal distribution's mean
LEARNING_LIMIT = 3.0  # deviations; a value further off teaches as if it lay there
SHIFT_HOURS = 6.0  # after so long out of the band, the limit of learning has doubled
FIT_SECONDS = 300.0  # history is learned about this densely: the day's profile is no finer
FIT_WHOLE_SECONDS = 6 * HOUR  # but for its end
LONGEST_GAP = 3.0  # typical steps; a longer gap counts as this

Part = TypeVar("Part", Profiles, Spread, Calibration)


@dataclass(slots=True)
class SeasonalState:
    """All that is remembered: each array's last axis is the series."""

    profiles: Profiles
    spread: Spread
    calibration: Calibration
    step: float  # typical seconds from column to column
    last: float = np.nan  # the last column's time

    @classmethod
    def fresh(cls, series: int, step: float) -> Self:
        return cls(Profiles.fresh(series), Spread.fresh(series), Calibration.fresh(series), step)


class Seasonal:
    """Keeps the promise of `exporter.model.Model`."""

    def fit(self, history: Frame) -> SeasonalState:
        """A state that has seen the history; where steps are short, the older part is thinned out."""
        state = SeasonalState.fresh(len(history.labels), history.step)
        for part in _thinned(history):
            state, _ = self.update(state, part)
        return state

    def resize(self, state: SeasonalState, rows: Rows) -> SeasonalState:
        """The state with other rows; a new row begins without knowledge."""
        fresh = SeasonalState.fresh(1, state.step)
        return SeasonalState(
            profiles=_resize(state.profiles, fresh.profiles, rows),
            spread=_resize(state.spread, fresh.spread, rows),
            calibration=_resize(state.calibration, fresh.calibration, rows),
            step=state.step,
            last=state.last,
        )

    def update(self, state: SeasonalState, columns: Frame) -> tuple[SeasonalState, Scores]:
        """Scores each column, then learns from it."""
        state.step = columns.step
        shape = columns.values.shape
        scores = Scores(*(np.empty(shape) for _ in fields(Scores)))
        for column, when in enumerate(columns.times.tolist()):
            judged = _column(state, columns.values[:, column], when)
            for field, values in zip(fields(Scores), judged, strict=True):
                getattr(scores, field.name)[:, column] = values
        return state, scores

    def forecast(self, state: SeasonalState, steps: Sequence[int]) -> Forecast:
        """Level and seasons at each horizon, with the bounds that 90 % of the values keep."""
        shape = (len(state.profiles.level), len(steps))
        mean, half = np.empty(shape), np.empty(shape)
        for column, ahead in enumerate(steps):
            mean[:, column], half[:, column] = _ahead(state, ahead * state.step)
        return Forecast(mean, mean - half, mean + half)


def _column(state: SeasonalState, values: Floats, when: float) -> tuple[Floats, ...]:
    """One column: expect, judge, learn. Returns the fields of Scores in their order."""
    moment = Moment.at(when, _elapsed(state, when))
    if not math.isnan(state.last):
        seasons.end_visits(state.profiles, Moment.at(state.last, state.step), moment)
    values = np.where(np.isfinite(values), values, np.nan)
    views = seasons.views(state.profiles, moment)
    expected = seasons.blend(views, seasons.errors(state.profiles, moment))
    usual = scales.usual(state.spread, moment, expected)
    width = usual * scales.caution(state.spread)
    band = tails.limit(state.calibration) * width
    residual = values - expected
    deviation = np.where(np.isfinite(values) & np.isnan(residual), 0.0, residual / width)
    score, event = tails.judge(state.calibration, moment, deviation)
    taught = LEARNING_LIMIT * usual * (1.0 + state.calibration.run * moment.seconds / (SHIFT_HOURS * HOUR))
    seasons.learn(state.profiles, moment, values, views, usual, taught)
    scales.learn(state.spread, moment, residual, usual, values)
    state.last = when
    return score, expected, expected - band, expected + band, event


def _elapsed(state: SeasonalState, when: float) -> float:
    """Seconds since the column before; a repeated or backward time counts as one step, a long gap as three."""
    elapsed = when - state.last
    return min(elapsed, LONGEST_GAP * state.step) if elapsed > 0 else state.step


def _ahead(state: SeasonalState, seconds: float) -> tuple[Floats, Floats]:
    """Mean and half width of the interval so many seconds after the last column."""
    moment = Moment.at(state.last + seconds, state.step)
    wrong = seasons.errors(state.profiles, moment)
    wrong[seasons.LEVEL] *= 1.0 + seconds / (seasons.LEVEL_HOURS * HOUR)  # the last hours say little of tomorrow
    mean = seasons.blend(seasons.views(state.profiles, moment), wrong)
    width = scales.usual(state.spread, moment, mean) * scales.caution(state.spread)
    return mean, NINETY_PERCENT * width * np.sqrt(1.0 + 0.2 * seconds / DAY)


def _thinned(history: Frame) -> tuple[Frame, Frame]:
    """The older part of a history with columns left out, and the last hours with all of them.

    What is kept of each day begins elsewhere, so that no minute of the hour is always left out.
    """
    stride, per_day = max(1, math.ceil(FIT_SECONDS / history.step)), round(DAY / history.step)
    while stride > 1 and math.gcd(stride, per_day) > 1:
        stride += 1
    whole = min(history.steps, round(FIT_WHOLE_SECONDS / history.step))
    middle, start, step = history.steps - whole, history.start, history.step
    older = Frame(history.values[:, :middle:stride], history.labels, start, step * stride)
    return older, Frame(history.values[:, middle:], history.labels, start + middle * step, step)


def _resize(part: Part, fresh: Part, rows: Rows) -> Part:
    """Every array of a part with other rows."""
    resized: dict[str, Any] = {}
    for field in fields(part):
        old, new = getattr(part, field.name), getattr(fresh, field.name)
        taken = old[..., np.where(rows == NEW, 0, rows)] if old.shape[-1] else np.repeat(new, len(rows), axis=-1)
        resized[field.name] = np.where(rows == NEW, new, taken).astype(old.dtype)
    return type(part)(**resized)
