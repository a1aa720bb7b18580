"""Views of what comes next, each learned robustly, blended by how well each did lately.

*Level*: a running mean of the last hours. *Day*: the same time of other days. *Kind*: the same time of other days of
this kind (working days, free days), plus or times what the last hours differ by. *Week*: the same time of other weeks.
Blending by recent error is the idea of forecast combination (Bates and Granger, 1969); errors are also kept by weekday,
so that a weekend is met by the view that knows weekends. All arrays have the series as their last axis: one column of a
profile is one contiguous row of memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from exporter.frame import Floats
from exporter.models.column import Singles
from exporter.models.moment import DAY_BINS, FINE, WEEK_BINS, Moment

VIEWS = 5
LEVEL, BY_DAY, BY_KIND, BY_RATIO, BY_WEEK = range(VIEWS)
TABLES = 3  # the profiles: day, kind, week

LEVEL_HOURS = 1.0
OFFSET_HOURS = 6.0
ERROR_HOURS = 12.0
DAYS_REMEMBERED = 8.0
KIND_REMEMBERED = 12.0
WEEKS_REMEMBERED = 6.0
SHARPNESS = 6.0  # a view with twice the error has a 64th of the weight
BEGINNER = 0.8  # a view without record is trusted a little more than the best one
RATIO = (0.1, 10.0)  # the last hours may differ by such a factor


@dataclass(slots=True)
class Profiles:
    """The views' state."""

    level: Floats  # (series,)
    day: Singles  # (288, series)
    kind: Singles  # (2, 288, series)
    week: Singles  # (672, series)
    offset: Floats  # (5, series); the level has none; of BY_RATIO it is the logarithm of a factor
    slow: Floats  # (series,), what the profiles are off by, over days
    visit: Floats  # (3, series), the sum of what the present visit to a bin taught
    visit_values: Floats  # (3, series), of how many values
    recent: Floats  # (5, series), absolute error of each view in the last hours
    weekday: Singles  # (7, 5, series), the same on this day of the week
    seen: Floats  # (series,), how many values
    seconds: Floats  # (2, series), how much time they stand for, by kind of day

    @classmethod
    def fresh(cls, series: int) -> Self:
        def unknown(*shape: int) -> Singles:
            return np.full((*shape, series), np.nan, np.float32)

        return cls(
            level=np.full(series, np.nan),
            day=unknown(DAY_BINS),
            kind=unknown(2, DAY_BINS),
            week=unknown(WEEK_BINS),
            offset=np.zeros((VIEWS, series)),
            slow=np.zeros(series),
            visit=np.zeros((TABLES, series)),
            visit_values=np.zeros((TABLES, series)),
            recent=np.full((VIEWS, series), np.nan),
            weekday=unknown(7, VIEWS),
            seen=np.zeros(series),
            seconds=np.zeros((2, series)),
        )


def bare(profiles: Profiles, moment: Moment, within: Floats | None = None) -> Floats:
    """What each view expects, whatever the last hours were like, shape (5, series); NaN where it knows nothing yet.

    `within` is what `shape` gave, where it is known already.
    """
    expected = np.empty((VIEWS, len(profiles.level)))
    expected[LEVEL] = profiles.level
    expected[BY_DAY] = profiles.day[moment.day_bin]
    expected[BY_KIND] = expected[BY_RATIO] = profiles.kind[moment.free, moment.day_bin]
    expected[BY_WEEK] = profiles.week[moment.week_bin]
    expected[BY_WEEK] += shape(profiles, moment) if within is None else within
    return expected


def views(profiles: Profiles, expected: Floats) -> Floats:
    """The same with what the last hours differ by."""
    shifted = expected + profiles.offset
    np.multiply(expected[BY_RATIO], np.exp(profiles.offset[BY_RATIO]), out=shifted[BY_RATIO])
    return shifted


def shape(profiles: Profiles, moment: Moment) -> Floats:
    """What the finer profile of the day adds within one bin of the week, shape (series,)."""
    first = moment.day_bin // FINE * FINE
    near = profiles.day[first : first + FINE].astype(np.float64)
    finer = near[moment.day_bin - first] - np.add.reduce(near) / FINE
    return np.where(np.isfinite(finer), finer, 0.0)


def errors(profiles: Profiles, moment: Moment) -> Floats:
    """How wrong each view must be taken to be now, shape (5, series)."""
    recent = profiles.recent
    beginners = np.isnan(recent)
    if np.count_nonzero(beginners):
        recent = np.where(beginners, BEGINNER * np.fmin.reduce(recent), recent)
    today = profiles.weekday[moment.weekday]
    return recent + np.where(np.isnan(today), recent, today)


def blend(expected: Floats, wrong: Floats) -> Floats:
    """The views' mean, each weighted by its error's inverse power; NaN where none knows anything.

    Both have the shape (…, views, series), the result (…, series). Where there is nothing to divide, 0 / 0 is meant.
    """
    known = np.isfinite(expected)
    value = np.where(known, expected, 0.0)
    wrong = np.where(np.isfinite(wrong), wrong, 1.0)
    wrong += 1e-12 * np.abs(value) + 1e-300
    wrong[~known] = np.inf
    weight = np.minimum.reduce(wrong, axis=-2, keepdims=True) / wrong
    weight *= weight * weight
    weight *= weight  # the power of SHARPNESS, 6, in a tenth of a power's time
    total = np.add.reduce(weight, axis=-2)
    value *= weight
    mixed: Floats = np.add.reduce(value, axis=-2)
    mixed /= total
    return mixed
