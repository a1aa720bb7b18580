"""Three views of what comes next, each learned robustly, blended by how well each did lately.

*Level*: a running mean of the last hours. *Day*: the same time of other days. *Week*: the same time of other weeks.
The last two carry an offset that follows slow shifts. Blending by recent error is the idea of forecast combination
(Bates and Granger, 1969); errors are also kept by weekday, so that a weekend is met by the view that knows weekends.
All arrays have the series as their last axis: one column of a profile is one contiguous row of memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from exporter.frame import Bools, Floats

Singles = NDArray[np.float32]

DAY = 86_400.0
HOUR = 3_600.0
DAY_BINS = 288  # 5 minutes
WEEK_BINS = 7 * 96  # 15 minutes
FINE = 3  # bins of the day in one bin of the week
LEVEL, BY_DAY, BY_WEEK = range(3)

LEVEL_HOURS = 3.0
OFFSET_HOURS = 12.0
ERROR_HOURS = 3.0
DAYS_REMEMBERED = 6.0
WEEKS_REMEMBERED = 3.0
SHARPNESS = 4.0  # a view with twice the error has a sixteenth of the weight
BEGINNER = 0.8  # a view without record is trusted a little more than the best one


@dataclass(slots=True)
class Profiles:
    """The views' state."""

    level: Floats  # (series,)
    day: Singles  # (288, series)
    week: Singles  # (672, series)
    offset: Floats  # (3, series); the level has none
    visit: Floats  # (3, series), the sum of what the present visit to a bin taught
    visit_values: Floats  # (3, series), of how many values
    recent: Floats  # (3, series), absolute error of each view in the last hours
    weekday: Singles  # (7, 3, series), the same on this day of the week
    seen: Floats  # (series,), how many values
    seconds: Floats  # (series,), how much time they stand for

    @classmethod
    def fresh(cls, series: int) -> Self:
        def unknown(*shape: int) -> Singles:
            return np.full((*shape, series), np.nan, np.float32)

        return cls(
            level=np.full(series, np.nan),
            day=unknown(DAY_BINS),
            week=unknown(WEEK_BINS),
            offset=np.zeros((3, series)),
            visit=np.zeros((3, series)),
            visit_values=np.zeros((3, series)),
            recent=np.full((3, series), np.nan),
            weekday=unknown(7, 3),
            seen=np.zeros(series),
            seconds=np.zeros(series),
        )


@dataclass(frozen=True, slots=True)
class Moment:
    """A column's place in the seasons, and how long after the one before it stands."""

    when: float
    seconds: float
    day_bin: int
    week_bin: int
    weekday: int

    @classmethod
    def at(cls, when: float, seconds: float) -> Self:
        """Unix seconds in UTC; the first of January 1970 was a Thursday, weekday 3."""
        second, weekday = when % DAY, int(when // DAY + 3) % 7
        day_bin = int(second * DAY_BINS / DAY)
        return cls(when, seconds, day_bin, weekday * 96 + day_bin // FINE, weekday)

    def gain(self, hours: float, most: float) -> float:
        """The share of the newest value in a mean over so many hours."""
        return float(min(most, -np.expm1(-self.seconds / (hours * HOUR))))


def views(profiles: Profiles, moment: Moment) -> Floats:
    """What each view expects now, shape (3, series); NaN where it knows nothing yet."""
    by_day = profiles.day[moment.day_bin].astype(np.float64)
    expected = np.empty((3, len(by_day)))
    expected[LEVEL] = profiles.level
    expected[BY_DAY] = by_day + profiles.offset[BY_DAY]
    expected[BY_WEEK] = profiles.week[moment.week_bin] + profiles.offset[BY_WEEK] + _shape(profiles, moment)
    return expected


def _shape(profiles: Profiles, moment: Moment) -> Floats:
    """What the finer profile of the day adds within one bin of the week, shape (series,)."""
    first = moment.day_bin // FINE * FINE
    shape = profiles.day[moment.day_bin] - profiles.day[first : first + FINE].sum(axis=0, dtype=np.float64) / FINE
    return np.where(np.isfinite(shape), shape, 0.0)


def errors(profiles: Profiles, moment: Moment) -> Floats:
    """How wrong each view must be taken to be now, shape (3, series)."""
    recent = profiles.recent
    best = np.fmin(np.fmin(recent[0], recent[1]), recent[2])
    recent = np.where(np.isnan(recent), BEGINNER * best, recent)
    today = profiles.weekday[moment.weekday]
    return recent + np.where(np.isnan(today), recent, today)


def blend(expected: Floats, wrong: Floats) -> Floats:
    """The views' mean, each weighted by its error's inverse power; NaN where none knows anything. Shape (series,)."""
    known = np.isfinite(expected)
    wrong = np.where(np.isfinite(wrong), wrong, 1.0) + 1e-12 * np.abs(np.where(known, expected, 0.0)) + 1e-300
    wrong = np.where(known, wrong, np.inf)
    best = np.where(known.any(axis=0), wrong.min(axis=0), 1.0)
    weight = np.where(known, (best / wrong) ** SHARPNESS, 0.0)
    total = weight.sum(axis=0)
    mixed = (weight * np.where(known, expected, 0.0)).sum(axis=0)
    return np.where(total > 0, mixed / np.where(total > 0, total, 1.0), np.nan)


def learn(profiles: Profiles, moment: Moment, values: Floats, expected: Floats, scale: Floats, limit: Floats) -> None:
    """Takes one column in; what lies further off than `limit` counts as if it lay there. Shapes (series,)."""
    there = np.isfinite(values)
    error = np.where(there, values - expected, np.nan)
    clipped = np.clip(error, -limit, limit)
    _learn_errors(profiles, moment, np.minimum(np.abs(error), 8.0 * scale))
    known = np.isfinite(clipped)
    step = np.where(known, clipped, 0.0)
    first = there & np.isnan(profiles.level)
    gain = np.maximum(1.0 / (profiles.seen + 1.0), moment.gain(LEVEL_HOURS, 0.3))
    profiles.level = np.where(first, values, profiles.level + gain * step[LEVEL])
    _keep(profiles, moment, values, step, there)
    profiles.offset += moment.gain(OFFSET_HOURS, 0.1) * step * [[0.0], [1.0], [1.0]]
    profiles.seen += there
    profiles.seconds += there * moment.seconds


def _keep(profiles: Profiles, moment: Moment, values: Floats, step: Floats, there: Bools) -> None:
    """Adds what this column teaches each profile's bin to what its visit has taught so far."""
    base = _shape(profiles, moment)
    for view, row, offset in (
        (BY_DAY, profiles.day[moment.day_bin], profiles.offset[BY_DAY]),
        (BY_WEEK, profiles.week[moment.week_bin], profiles.offset[BY_WEEK] + base),
    ):
        taught = np.where(np.isnan(row), values - offset, row + step[view])
        profiles.visit[view] += np.where(there, taught, 0.0)
        profiles.visit_values[view] += there


def end_visits(profiles: Profiles, before: Moment, now: Moment) -> None:
    """Writes what a visit taught into its bin once time has left it: no bin knows of the visit that is still on.

    The first visit is taken whole, later ones by evidence down to a floor.
    """
    for view, table, index, now_index, season, remembered in (
        (BY_DAY, profiles.day, before.day_bin, now.day_bin, DAY, DAYS_REMEMBERED),
        (BY_WEEK, profiles.week, before.week_bin, now.week_bin, 7 * DAY, WEEKS_REMEMBERED),
    ):
        if index == now_index and now.when - before.when < season / len(table):
            continue
        count, row = profiles.visit_values[view], table[index]
        mean = profiles.visit[view] / np.maximum(count, 1.0)
        gain = np.maximum(1.0 / (profiles.seconds / season + 1.0), 1.0 / remembered)
        table[index] = np.where(count > 0, np.where(np.isnan(row), mean, row + gain * (mean - row)), row)
        profiles.visit[view], profiles.visit_values[view] = 0.0, 0.0


def _learn_errors(profiles: Profiles, moment: Moment, wrong: Floats) -> None:
    for table, gain in (
        (profiles.recent, moment.gain(ERROR_HOURS, 0.2)),
        (profiles.weekday[moment.weekday], moment.gain(24.0, 0.05)),
    ):
        learned = np.where(np.isnan(table), wrong, table + gain * (wrong - table))
        table[...] = np.where(np.isnan(wrong), table, learned)
