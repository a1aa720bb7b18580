"""The default model: robust level, day and week, a scale by time of day, evidence of several kinds, a tail for each.

Everything is computed for all series at once; the state of a series is constant in size (about 9 KB).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from exporter import calibration as tails
from exporter.calibration import Calibration, Nature
from exporter.frame import Bools, Floats, Frame
from exporter.model import Arrays, Forecast, Rows, Scores
from exporter.models import borrowing, learning
from exporter.models import outlook as outlooks
from exporter.models import profiles as seasons
from exporter.models import spread as scales
from exporter.models.column import everywhere
from exporter.models.evidence import HINTS, PIECES, SPANS, WEIGHTS, gather, grains, least_unit, restarted, usual_change
from exporter.models.hearing import Ear, Hear, retelling
from exporter.models.interest import Interest, weigh
from exporter.models.moment import DAY, HOUR, Calendar, Moment
from exporter.models.state import SeasonalState

LEARNING_LIMIT = 3.0  # deviations; a value further off teaches as if it lay there
SHIFT_HOURS = 6.0  # a value that was off for so long is let in little by little, after four times as long wholly
FIT_SECONDS = 300.0  # history is learned about this densely: the day's profile is no finer
FIT_WHOLE_SECONDS = (6 * HOUR, DAY)  # but for its end, which teaches what is usual from step to step:
FIT_WHOLE_STEPS = 1_440  # about so many steps
LONGEST_GAP = 3.0  # typical steps; a longer gap counts as this
HELD_SECONDS = 300.0  # Prometheus's lookback: it repeats a sample for so long when no newer one comes
UTC_CALENDAR = Calendar()
UNBOUNDED = (-math.inf, math.inf)
NATURE = Nature(SPANS, HINTS)
NOW, SLOW, FAR = range(3)


@dataclass(slots=True)
class Expected:
    """What was known before a column's values.

    Of `views` and `mixed`, which blends them, the first is for now, the second tells what other days make likely
    whatever the last hours were like, the third is what a day before would have said: NOW, SLOW, FAR.
    """

    bare: Floats  # (views, series)
    within: Floats  # (series,), of the finer profile in a bin of the week
    views: Floats  # (3, views, series)
    mixed: Floats  # (3, series)
    usual: Floats  # (series,), one deviation


class Seasonal:
    """Keeps the promises of `exporter.model.Model` and `exporter.models.hearing.Listens`."""

    pieces: Sequence[str] = PIECES
    weights = WEIGHTS

    def __init__(
        self, calendar: Calendar = UTC_CALENDAR, interest: Interest | None = None, ear: Ear | None = None
    ) -> None:
        """`ear`: what people have said of the series."""
        self.calendar = calendar
        self.interest = interest or Interest()
        self.ear = ear

    def fit(self, history: Frame) -> SeasonalState:
        """A state that has seen the history; where steps are short, the older part is thinned out."""
        self._moved()
        end = history.start + history.steps * history.step
        return self.learn(SeasonalState.fresh(len(history.labels), history.step), history, end)

    def learn(self, state: SeasonalState, history: Frame, end: float) -> SeasonalState:
        """Learns the history that follows; what is older than the last hours before `end` is thinned out."""
        for part in _thinned(history, end):
            if not part.steps:
                continue
            if state.columns and state.step > part.step:  # what was usual of every other value is not of all
                state.evidence = restarted(state.evidence)
                state.calibration = tails.renewed(state.calibration)
            state, _ = self.update(state, part)
        return state

    def resize(self, state: SeasonalState, rows: Rows) -> SeasonalState:
        """The state with other rows; a new row borrows from those like it once it has values."""
        self._moved()
        return state.resized(rows)

    def update(self, state: SeasonalState, columns: Frame) -> tuple[SeasonalState, Scores]:
        """Scores each column, then learns from it."""
        state.step = columns.step
        hear = self.ear.listen(columns.labels) if self.ear else None
        shape = columns.values.shape
        scores = Scores(*(np.empty(shape) for _ in fields(Scores)))
        into = [getattr(scores, field.name) for field in fields(Scores)]
        new = borrowing.newcomers(state)
        with np.errstate(all="ignore"):  # 0 / 0 is what nothing is known of, and values may be as large as can be
            for column, when in enumerate(columns.times.tolist()):
                judged = self._column(state, columns.values[:, column], when, hear)
                for array, values in zip(into, judged, strict=True):
                    array[:, column] = values
                if len(new):
                    present = borrowing.Present(judged[1], self.calendar.at(when, state.step).day_bin)
                    borrowing.welcome(state, new, columns.labels, columns.values[:, column], present)
        return state, scores

    def forecast(self, state: SeasonalState, steps: Sequence[int]) -> Forecast:
        """Level and seasons at each horizon, with the bounds that 90 % of the values keep."""
        shape = (len(state.profiles.level), len(steps))
        forecast = Forecast(np.empty(shape), np.empty(shape), np.empty(shape))
        with np.errstate(all="ignore"):
            for column, ahead in enumerate(steps):
                mean, (lower, upper) = self._ahead(state, ahead * state.step)
                for into, values in ((forecast.mean, mean), (forecast.lower, lower), (forecast.upper, upper)):
                    into[:, column] = self._possible(values)
        return forecast

    def arrays(self, state: SeasonalState) -> Arrays:
        """The state as plain arrays."""
        return state.arrays()

    def restore(self, arrays: Arrays) -> SeasonalState:
        """The state that `arrays` gave."""
        return SeasonalState.from_arrays(arrays)

    def tails(self, state: SeasonalState) -> Calibration:
        """What the evidence is judged by."""
        return state.calibration

    def _moved(self) -> None:
        if self.ear:
            self.ear.moved()

    def _column(self, state: SeasonalState, values: Floats, when: float, hear: Hear | None) -> tuple[Floats, ...]:
        """One column: expect, judge, learn. Returns the fields of Scores in their order."""
        moment = self.calendar.at(when, _elapsed(state, when))
        if not math.isnan(state.last):
            learning.end_visits(state.profiles, self.calendar.at(state.last, state.step), moment)
        there = np.isfinite(values)
        if everywhere(there) is not True:
            values = np.where(there, values, np.nan)
        expected = _expect(state, moment)
        off = values - expected.mixed
        score, event, band = self._judge(state, moment, values, off, expected, there, hear)
        _learn(state, moment, values, off, expected, there)
        state.last = when
        now = expected.mixed[NOW]
        return score, now, self._possible(now - band), self._possible(now + band), event

    def _possible(self, values: Floats) -> Floats:
        bounds = self.interest.bounds
        return values if bounds == UNBOUNDED else np.clip(values, *bounds)

    def _judge(
        self,
        state: SeasonalState,
        moment: Moment,
        values: Floats,
        off: Floats,
        expected: Expected,
        there: Bools,
        hear: Hear | None,
    ) -> tuple[Floats, Floats, Floats]:
        """Score, event and the half width of the band, each of shape (series,)."""
        interest, calibration = self.interest, state.calibration
        width = np.fmax(expected.usual * scales.caution(state.spread), least_unit(state.evidence))
        unit, residuals = width, off[:FAR]
        if np.count_nonzero(unknown := np.isnan(residuals)):  # where nothing was expected, nothing is unusual
            unit = np.where(np.isfinite(width), width, np.maximum(1e-9, 0.1 * np.abs(values)))
            residuals = np.where(unknown & there, residuals[NOW], residuals)
            residuals[:, there & unknown[NOW]] = 0.0
        signed = gather(
            state.evidence, values, residuals / unit, unit, _release(state, moment), there, _held_steps(state.step)
        )
        weights = weigh(interest, signed, residuals, expected.mixed[NOW])
        wanted = tails.bars(calibration, state.step, interest.false_alarms_per_month, interest.report)
        index = tails.indices(calibration, grains(usual_change(state.evidence, unit)))
        band = width * tails.limit(calibration, 0, WEIGHTS[0], wanted.alarming, index)
        state.columns += 1
        heard = retelling(hear, signed)
        return *tails.judge(
            calibration, np.abs(signed), weights, there, wanted, state.columns, NATURE, heard, index
        ), band

    def _ahead(self, state: SeasonalState, seconds: float) -> tuple[Floats, Floats]:
        """Mean, shape (series,), and the interval's bounds, shape (2, series), so many seconds ahead."""
        moment = self.calendar.at(state.last + seconds, state.step)
        expected, share = _expect(state, moment), outlooks.nearness(seconds)
        now, far = expected.mixed[NOW], expected.mixed[FAR]
        mean = np.where(np.isfinite(far), share * now + (1.0 - share) * far, now)
        return mean, mean + outlooks.bounds(state.outlook, seconds) * scales.usual(state.spread, moment, mean)


def _expect(state: SeasonalState, moment: Moment) -> Expected:
    profiles, outlook = state.profiles, state.outlook
    within = seasons.shape(profiles, moment)
    bare = seasons.bare(profiles, moment, within)
    views, wrong = np.empty((3, *bare.shape)), np.empty((3, *bare.shape))
    views[NOW], views[SLOW] = seasons.views(profiles, bare), bare
    views[SLOW, seasons.LEVEL] = np.nan
    views[FAR] = outlooks.far_views(outlook, bare, profiles.slow, state.evidence.level)
    wrong[:FAR], wrong[FAR] = seasons.errors(profiles, moment), outlook.wrong
    mixed = seasons.blend(views, wrong)
    mixed[SLOW] += profiles.slow
    return Expected(bare, within, views, mixed, scales.usual(state.spread, moment, mixed[NOW]))


def _held_steps(step: float) -> float:
    """For how many steps Prometheus itself may repeat a value."""
    return float(HELD_SECONDS // step) if step < HELD_SECONDS else 0.0


def _release(state: SeasonalState, moment: Moment) -> Floats | None:
    """How much of a lasting deviation is taken for the new normal, from 0 to 1, shape (series,); None: nothing is."""
    hours = state.calibration.run * (moment.seconds / HOUR)
    if not np.count_nonzero(hours > SHIFT_HOURS):
        return None
    return np.clip((hours - SHIFT_HOURS) / (3.0 * SHIFT_HOURS), 0.0, 1.0)


def _learn(state: SeasonalState, moment: Moment, values: Floats, off: Floats, expected: Expected, there: Bools) -> None:
    """Takes a column in, when it has been judged; `off` is how far it lay from what was expected, (3, series)."""
    usual, release = expected.usual, _release(state, moment)
    residual, slow, unknown = off[NOW], off[SLOW], np.isnan(off[SLOW])
    if np.count_nonzero(unknown):
        slow = np.where(unknown, residual, slow)
    limit = state.calibration.run * (moment.seconds / HOUR / SHIFT_HOURS)
    limit += 1.0
    limit *= LEARNING_LIMIT * usual
    if release is not None:
        limit = np.fmax(limit, release * np.abs(residual))
    outlooks.learn(state.outlook, moment, values, expected.views[FAR], off[::FAR], usual, release)
    learning.learn(
        state.profiles, moment, values, expected.bare, expected.within, expected.views[NOW], usual, limit, there
    )
    learning.learn_slow(state.profiles, moment, slow, usual, release)
    scales.learn(state.spread, moment, residual, usual, values)


def _elapsed(state: SeasonalState, when: float) -> float:
    """Seconds since the column before; a repeated or backward time counts as one step, a long gap as three."""
    elapsed = when - state.last
    return min(elapsed, LONGEST_GAP * state.step) if elapsed > 0 else state.step


def _thinned(history: Frame, end: float) -> tuple[Frame, Frame]:
    """The older part of a history with columns left out, and the last hours with all of them.

    What is kept of each day begins elsewhere, so that no minute of the hour is always left out.
    """
    stride, per_day = max(1, math.ceil(FIT_SECONDS / history.step)), round(DAY / history.step)
    while stride > 1 and math.gcd(stride, per_day) > 1:
        stride += 1
    whole = min(max(FIT_WHOLE_STEPS * history.step, FIT_WHOLE_SECONDS[0]), FIT_WHOLE_SECONDS[1])
    before = round((end - whole - history.start) / history.step)
    middle, start, step = min(max(before, 0), history.steps), history.start, history.step
    older = Frame(history.values[:, :middle:stride], history.labels, start, step * stride)
    return older, Frame(history.values[:, middle:], history.labels, start + middle * step, step)
