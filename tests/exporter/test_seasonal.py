"""The default model's figures: few false alarms, collapses found, forecasts near."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from exporter.frame import Floats
from exporter.model import Scores
from exporter.models.seasonal import Seasonal
from exporter.models.state import SeasonalState
from exporter.telling import DEAD_STEPS
from tests.exporter.series import DAY, PER_DAY, SHAPES, STEP, THURSDAY, frame, make, scored, times

WEEK = 7 * PER_DAY
SATURDAY = THURSDAY + 2 * DAY
MOST_FALSE_ALARMS = 0.003  # issue 3; measured 0.0001 to 0.0003
COLLAPSE = 17 * PER_DAY + 9 * 12
LATE = 14 * PER_DAY  # where the other troubles begin


@dataclass(frozen=True)
class Played:
    """Three weeks of all series of this file in one frame, since a column of many costs hardly more than one of few."""

    values: Floats  # three weeks and a day
    scores: Scores
    state: SeasonalState
    rows: dict[str, slice]

    def of(self, name: str, scores: Floats) -> Floats:
        return scores[self.rows[name]]


def series() -> dict[str, Floats]:
    when = times(22, SATURDAY)
    collapsed = np.vstack([make(shape, when, series=8, seed=9) for shape in SHAPES])
    collapsed[:, COLLAPSE : COLLAPSE + 6] *= 0.25
    low = make("daily", when, series=4, seed=3)
    low[:, LATE : LATE + 72] *= 0.1
    shifted = make("daily", when, series=4, seed=4)
    shifted[:, LATE:] += 100
    often = make("flat", when, series=4, seed=6)
    for day in (14, 16, 18):
        often[:, day * PER_DAY : day * PER_DAY + 60 : 10] += 100
    return {
        "normal": np.vstack([make(shape, when, series=8, seed=2) for shape in SHAPES]),
        "collapsed": collapsed,
        "low": low,
        "shifted": shifted,
        "often": often,
        "weekly": make("weekly", when, series=8, seed=7),
    }


@pytest.fixture(scope="module")
def played() -> Played:
    every = series()
    values, ends = np.vstack(list(every.values())), np.cumsum([len(rows) for rows in every.values()])
    rows = {name: slice(end - len(every[name]), end) for name, end in zip(every, ends.tolist(), strict=True)}
    before = frame(values[:, : 3 * WEEK], SATURDAY)
    state, scores = Seasonal().update(SeasonalState.fresh(len(values), STEP), before)
    return Played(values, scores, state, rows)


def of_each_shape(rows: Floats) -> Iterator[tuple[str, Floats]]:
    """Each shape, and its rows of what stands below one another for all of them."""
    return zip(SHAPES, np.split(rows, len(SHAPES)), strict=True)


def test_few_false_alarms(played: Played) -> None:
    """From the second week on less than 0.3 % of normal points score above 1, though the data begin on a Saturday."""
    for shape, score in of_each_shape(played.of("normal", played.scores.score)):
        later = score[:, WEEK:]
        assert (later > 1).sum() / np.isfinite(later).sum() < MOST_FALSE_ALARMS, shape
        assert (score[:, WEEK : 2 * WEEK] > 1).mean() < MOST_FALSE_ALARMS, shape


def test_collapse(played: Played) -> None:
    """Half an hour at a quarter of the usual value scores above 1 in every series, as one event."""
    during = slice(COLLAPSE, COLLAPSE + 6)
    for shape, score in of_each_shape(played.of("collapsed", played.scores.score)[:, during]):
        assert (np.nanmax(score, axis=1) > 1).all(), shape
    for shape, event in of_each_shape(played.of("collapsed", played.scores.event)[:, during]):
        assert ((event > 0).sum(axis=1) == 1).mean() > 0.8, shape  # a false alarm just before may be it


def test_score_stays_high_while_it_lasts(played: Played) -> None:
    """Six hours at a tenth score above 1 throughout; the event is reported once."""
    during = slice(LATE, LATE + 72)
    assert (played.of("low", played.scores.score)[:, during] > 1).mean() > 0.99
    assert ((played.of("low", played.scores.event)[:, during] > 0).sum(axis=1) <= 1).all()


def test_a_shift_is_learned(played: Played) -> None:
    """A level that stays doubled is normal again within three days."""
    scores = played.of("shifted", played.scores.score)
    assert (scores[:, LATE : LATE + 12] > 1).all()
    assert (scores[:, LATE + 3 * PER_DAY :] > 1).mean() < 0.05


def test_thin_evidence_widens_the_band() -> None:
    """The band around the second value is wider than around the same series' hundredth."""
    scores = scored(make("flat", times(1), series=4, seed=5))
    width = scores.upper - scores.lower
    assert (width[:, 1] > 2 * width[:, 100]).all()


def test_events_keep_their_distance(played: Played) -> None:
    """Two events of a series are at least the dead time apart."""
    for row in played.of("often", played.scores.event):
        assert len(found := np.flatnonzero(row)) > 1
        assert (np.diff(found) >= DEAD_STEPS).all()


def test_forecast_knows_day_and_week(played: Played) -> None:
    """After three weeks, forecasts up to a day ahead lie near what comes, within their bounds mostly."""
    steps = list(range(1, PER_DAY, 7))
    ahead = Seasonal().forecast(played.state, steps)
    truth = played.of("weekly", played.values)[:, [3 * WEEK + step - 1 for step in steps]]
    mean, lower, upper = (played.of("weekly", array) for array in (ahead.mean, ahead.lower, ahead.upper))
    assert np.abs(mean - truth).mean() < 4.0  # the noise alone makes 2.4
    assert ((lower < truth) & (truth < upper)).mean() > 0.85


def test_forecasts_follow_a_shift() -> None:
    """A day and a half after a shift forecasts lie near what comes, of a season and of a constant.

    What all days are off by is learned, though the first values of a series are missing.
    """
    when, shift, now = times(10.5, SATURDAY), 8 * PER_DAY, 9 * PER_DAY + PER_DAY // 2
    values = np.vstack([make("daily", when, series=2, seed=4), np.full((1, len(when)), 40.0)])
    values[:, shift:] += [[100.0], [100.0], [10.0]]
    values[1, :3] = np.nan
    model = Seasonal()
    state = model.update(SeasonalState.fresh(3, STEP), frame(values[:, :now], SATURDAY))[0]
    assert np.isfinite(state.outlook.offset).all()
    steps = list(range(1, PER_DAY, 7))
    wrong = np.abs(model.forecast(state, steps).mean - values[:, [now + step - 1 for step in steps]]).mean(axis=1)
    assert (wrong < [5.0, 5.0, 0.2]).all()  # the noise alone makes 3.2; 7 and 0.6 if it were followed over days


def test_time_may_stand_still() -> None:
    """A repeated or backward column is scored like any other."""
    model = Seasonal()
    values = make("daily", times(2), series=2, seed=8)
    state = model.fit(frame(values))
    for start in (THURSDAY + 2 * DAY - STEP, THURSDAY):
        state, scores = model.update(state, frame(values[:, :1], start))
        assert np.isfinite(scores.score).all()
