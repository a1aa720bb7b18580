"""What comes hours and days ahead, and how far off it may be.

The last hours say little of tomorrow, so the views are weighed here by how well they do without them. The bounds are
quantiles of past errors in units of the usual deviation, followed online (adaptive conformal inference: Gibbs and
Candès, 2021), one pair for the next step and one for a day ahead; between them by the horizon.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from exporter.frame import Bools, Floats
from exporter.models.moment import HOUR, Moment
from exporter.models.profiles import BY_DAY, BY_RATIO, LEVEL, VIEWS

OUTSIDE = np.array([[0.037], [0.963]])  # of errors lie below the lower, below the upper bound: later ones are larger
FIRST = np.array([[-1.8], [1.8]])  # deviations, before there is evidence
NEAR_HOURS = 3.0  # what the last hours say is worth so much less after so long
FAR_ERROR_HOURS = 72.0
OFFSET_HOURS = 16.0
GAIN, FIRST_GAIN = 0.02, 2.0
WIDER_EACH_DAY = 0.25


@dataclass(slots=True)
class Outlook:
    """The state of forecasts."""

    wrong: Floats  # (5, series), how far off each view is without the last hours
    offset: Floats  # (series,), what the profiles are off by, over a day
    near: Floats  # (2, series), quantiles of the next step's error, in deviations
    far: Floats  # (2, series), the same without the last hours
    seen: Floats  # (series,), errors

    @classmethod
    def fresh(cls, series: int) -> Self:
        return cls(
            wrong=np.full((VIEWS, series), np.nan),
            offset=np.zeros(series),
            near=np.repeat(FIRST, series, axis=1),
            far=np.repeat(FIRST, series, axis=1),
            seen=np.zeros(series),
        )


def far_views(outlook: Outlook, bare: Floats, slow: Floats, level: Floats) -> Floats:
    """What each view expects of a day ahead, shape (5, series); `slow` and `level` have the shape (series,)."""
    expected = bare + outlook.offset
    expected[LEVEL] = level
    expected[BY_RATIO] = bare[BY_RATIO] + slow
    return expected


def learn(
    outlook: Outlook, moment: Moment, values: Floats, views: Floats, near: Floats, far: Floats, scale: Floats
) -> None:
    """Takes in how wrong the next step's expectation (`near`) and a day-old one (`far`) were; shapes (series,)."""
    error = np.minimum(np.abs(values - views), 8.0 * scale)
    known = np.isfinite(error)
    gain = moment.gain(FAR_ERROR_HOURS, 0.05)
    learned = np.where(np.isnan(outlook.wrong), error, outlook.wrong + gain * (error - outlook.wrong))
    outlook.wrong = np.where(known, learned, outlook.wrong)
    off = np.where(np.isfinite(views[BY_DAY:]).any(axis=0) & np.isfinite(far), values - far, 0.0)
    off = np.where(np.isfinite(off), np.clip(off, -6.0 * scale, 6.0 * scale), 0.0)
    outlook.offset = outlook.offset + moment.gain(OFFSET_HOURS, 0.05) * off
    there = np.isfinite(values) & np.isfinite(near) & (scale > 0)
    pace = np.maximum(GAIN, FIRST_GAIN / (outlook.seen + 10.0))
    _follow(outlook.near, (values - near) / scale, pace, there)
    _follow(outlook.far, (values - np.where(np.isfinite(far), far, near)) / scale, pace, there)
    outlook.seen += there


def _follow(quantiles: Floats, error: Floats, pace: Floats, there: Bools) -> None:
    """Moves quantiles a little towards where they should be; more in proportion where they are far out."""
    step = pace * np.maximum(np.abs(quantiles), 0.5) * (OUTSIDE - (error < quantiles))
    quantiles += np.where(there, step, 0.0)


def bounds(outlook: Outlook, seconds: float) -> Floats:
    """Lower and upper bound in deviations from the mean, so many seconds ahead, shape (2, series)."""
    near = nearness(seconds)
    wider = np.sqrt(1.0 + WIDER_EACH_DAY * seconds / (24.0 * HOUR))
    between: Floats = wider * (near * outlook.near + (1.0 - near) * outlook.far)
    return between


def nearness(seconds: float) -> float:
    """How much the last hours still say, from 1 to 0."""
    return float(np.exp(-seconds / (NEAR_HOURS * HOUR)))
