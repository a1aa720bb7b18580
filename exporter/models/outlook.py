"""What comes hours and days ahead, and how far off it may be.

The last hours say little of tomorrow, so the views are weighed here by how well they do without them. The bounds are
quantiles of past errors in units of the usual deviation, followed online (adaptive conformal inference: Gibbs and
Candès, 2021), one pair for the next step and one for a day ahead; between them by the horizon.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from exporter.frame import Floats
from exporter.models.column import begin_or_follow, bounded, everywhere
from exporter.models.moment import HOUR, Moment
from exporter.models.profiles import BY_DAY, BY_RATIO, BY_WEEK, LEVEL, VIEWS

OUTSIDE = np.array([[0.037], [0.963]])  # of errors lie below the lower, below the upper bound: later ones are larger
FIRST = np.array([[-1.8], [1.8]])  # deviations, before there is evidence
NEAR_HOURS = 3.0  # what the last hours say is worth so much less after so long
FAR_ERROR_HOURS = 72.0
OFFSET_HOURS = 16.0
GAIN, FIRST_GAIN = 0.02, 2.0
WIDER_EACH_DAY = 0.3


@dataclass(slots=True)
class Outlook:
    """The state of forecasts."""

    wrong: Floats  # (5, series), how far off each view is without the last hours
    offset: Floats  # (series,), what the profiles are off by, over a day
    quantiles: Floats  # (2, 2, series), lower and upper one of the errors of the next step and of a day ahead
    seen: Floats  # (series,), errors

    @classmethod
    def fresh(cls, series: int) -> Self:
        return cls(
            wrong=np.full((VIEWS, series), np.nan),
            offset=np.zeros(series),
            quantiles=np.tile(FIRST, (2, 1, series)),
            seen=np.zeros(series),
        )


def far_views(outlook: Outlook, bare: Floats, slow: Floats, level: Floats) -> Floats:
    """What each view expects of a day ahead, shape (5, series); `slow` and `level` have the shape (series,)."""
    expected = bare + outlook.offset
    expected[LEVEL] = level
    expected[BY_RATIO] = bare[BY_RATIO] + slow
    return expected


def learn(
    outlook: Outlook,
    moment: Moment,
    values: Floats,
    views: Floats,
    off: Floats,
    scale: Floats,
    release: Floats | None,
) -> None:
    """Takes a column in.

    `views` are what `far_views` gave, `off` how far the values lie from what was expected of the next step and of a day
    ahead, shape (2, series); `release` is how much of it is taken for the new normal (None: nothing), (series,).
    """
    wrong = np.abs(values - views)
    np.minimum(wrong, 8.0 * scale, out=wrong)
    begin_or_follow(outlook.wrong, wrong, moment.gain(FAR_ERROR_HOURS, 0.05))
    gain: Floats | float = moment.gain(OFFSET_HOURS, 0.05)
    limit = 6.0 * scale
    if release is not None:
        gain = np.maximum(gain, 0.05 * release)
        limit = np.fmax(limit, release * np.abs(off[1]))
    step = bounded(off[1].copy(), limit)
    step *= gain
    known = np.isfinite(views[BY_DAY]) | np.isfinite(views[BY_WEEK])
    known &= np.isfinite(step)
    np.add(outlook.offset, step, out=outlook.offset, where=everywhere(known))
    _follow(outlook, off / scale)


def _follow(outlook: Outlook, error: Floats) -> None:
    """Moves quantiles a little towards where they should be; more in proportion where they are far out."""
    there, known = np.isfinite(error), outlook.quantiles
    pace = np.maximum(GAIN, FIRST_GAIN / (outlook.seen + 10.0))
    step = np.maximum(np.abs(known), 0.5)
    step *= pace
    step *= OUTSIDE - (error[:, None] < known)
    np.add(known, step, out=known, where=everywhere(there[:, None]))
    outlook.seen += there[0]


def bounds(outlook: Outlook, seconds: float) -> Floats:
    """Lower and upper bound in deviations from the mean, so many seconds ahead, shape (2, series)."""
    near = nearness(seconds)
    wider = np.sqrt(1.0 + WIDER_EACH_DAY * seconds / (24.0 * HOUR))
    between: Floats = wider * (near * outlook.quantiles[0] + (1.0 - near) * outlook.quantiles[1])
    return between


def nearness(seconds: float) -> float:
    """How much the last hours still say, from 1 to 0."""
    return float(np.exp(-seconds / (NEAR_HOURS * HOUR)))
