"""How far values usually lie from what was expected: a robust scale that depends on the time of day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from exporter.frame import Floats
from exporter.models.column import Singles, everywhere, follow
from exporter.models.moment import DAY, DAY_BINS, Moment

TO_DEVIATION = 1.2533  # a normal distribution's standard deviation over its mean absolute deviation
HOURS = 48.0
COARSE = 48  # half hours
CLIP = 3.5  # deviations; what lies further counts as if it lay there
SHARP = 0.6  # a single time of day is wider when its own mean exceeds 1 / 0.6 times the usual
FLOOR = 1e-3  # of the expected value: less is never called anomalous
PRIOR = 0.1  # of the first value: what is assumed of a series' deviation before there is evidence
PRIOR_POINTS = 4.0


@dataclass(slots=True)
class Spread:
    """The scale's state."""

    deviation: Floats  # (series,)
    ratio: Singles  # (48, series), of this half hour's deviation to the usual one
    sharp: Singles  # (288, series), the mean deviation at this very time, for jobs that run on the minute
    residuals: Floats  # (series,), how many were seen

    @classmethod
    def fresh(cls, series: int) -> Self:
        return cls(
            deviation=np.full(series, np.nan),
            ratio=np.ones((COARSE, series), np.float32),
            sharp=np.zeros((DAY_BINS, series), np.float32),
            residuals=np.zeros(series),
        )


def usual(spread: Spread, moment: Moment, expected: Floats) -> Floats:
    """One deviation at this time of day, shape (series,); NaN before the first value."""
    coarse = spread.deviation * spread.ratio[moment.day_bin * COARSE // DAY_BINS]
    least = FLOOR * np.abs(expected) + 1e-9
    wide: Floats = np.maximum(np.maximum(coarse, SHARP * spread.sharp[moment.day_bin]), least)
    return wide


def caution(spread: Spread) -> Floats:
    """By how much thin evidence widens the band, shape (series,)."""
    return 1.0 + 10.0 / (spread.residuals + 1.0)


def learn(spread: Spread, moment: Moment, residual: Floats, scale: Floats, values: Floats) -> None:
    """Takes the residuals of one column in."""
    size = TO_DEVIATION * np.minimum(np.abs(residual), CLIP * scale)
    there = everywhere(np.isfinite(size))
    unknown = np.isnan(spread.deviation)
    if np.count_nonzero(unknown):
        begun = unknown & np.isfinite(values)
        spread.deviation = np.where(begun, PRIOR * np.abs(values) + 1e-9, spread.deviation)
    coarse, points = moment.day_bin * COARSE // DAY_BINS, max(1.0, DAY / COARSE / max(moment.seconds, 1.0))
    share = np.minimum(size / np.maximum(spread.deviation, 1e-12), 10.0)
    follow(spread.ratio[coarse], share, 1.0 / (10.0 * points), there)
    points = max(1.0, DAY / DAY_BINS / max(moment.seconds, 1.0))
    follow(spread.sharp[moment.day_bin], size, 1.0 / (4.0 * points), there)
    gain = np.maximum(1.0 / (spread.residuals + (PRIOR_POINTS + 1.0)), moment.gain(HOURS, 0.02))
    follow(spread.deviation, size, gain, there)
    spread.residuals += there
