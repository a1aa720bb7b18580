"""How the views learn: robustly, each bin of a profile only once its visit is over."""

from __future__ import annotations

import numpy as np

from exporter.frame import Bools, Floats
from exporter.models.column import Singles, begin_or_follow, bounded, everywhere
from exporter.models.moment import DAY, DAY_BINS, WEEK_BINS, Moment
from exporter.models.profiles import (
    BY_DAY,
    BY_KIND,
    BY_RATIO,
    BY_WEEK,
    DAYS_REMEMBERED,
    ERROR_HOURS,
    KIND_REMEMBERED,
    LEVEL,
    LEVEL_HOURS,
    OFFSET_HOURS,
    RATIO,
    WEEKS_REMEMBERED,
    Profiles,
)

SLOW_HOURS = 72.0
WEEK = 7 * DAY
REMEMBERED = np.array([[DAYS_REMEMBERED], [KIND_REMEMBERED]])
KEPT = np.array([BY_DAY, BY_KIND, BY_WEEK])  # the views whose profiles are kept, each in a table of its own
LEAST, LARGEST = np.log(RATIO)


def learn(
    profiles: Profiles,
    moment: Moment,
    values: Floats,
    bare: Floats,
    within: Floats,
    expected: Floats,
    scale: Floats,
    limit: Floats,
    there: Bools,
) -> None:
    """Takes one column in; what lies further off than `limit` counts as if it lay there. Shapes (series,).

    `bare` and `expected` are what `profiles.bare` and `views` gave, (5, series), `within` what `shape` gave.
    """
    error = values - expected
    wrong = np.minimum(np.abs(error), 8.0 * scale)
    begin_or_follow(profiles.recent, wrong, moment.gain(ERROR_HOURS, 0.2))
    begin_or_follow(profiles.weekday[moment.weekday], wrong, moment.gain(24.0, 0.05))
    step = bounded(error, limit)
    known = np.isfinite(step)
    if np.count_nonzero(known) < known.size:
        step[~known] = 0.0
    _learn_level(profiles, moment, values, step[LEVEL])
    _keep(profiles, moment, values, bare, within, step, there)
    step *= moment.gain(OFFSET_HOURS, 0.1)
    _offsets(profiles, np.where(known[BY_RATIO], bare[BY_RATIO], 0.0), step)
    profiles.seen += there
    profiles.seconds[moment.free] += there * moment.seconds


def _learn_level(profiles: Profiles, moment: Moment, values: Floats, step: Floats) -> None:
    profiles.level += np.maximum(1.0 / (profiles.seen + 1.0), moment.gain(LEVEL_HOURS, 0.3)) * step
    unknown = np.isnan(profiles.level)
    if np.count_nonzero(unknown):
        np.copyto(profiles.level, values, where=unknown)


def _offsets(profiles: Profiles, base: Floats, step: Floats) -> None:
    """Moves the offsets by `step`; that of a factor, by what the same step is as a share of its `base`."""
    size = np.fmax(np.square(profiles.level), 1e-24)
    step[BY_RATIO] *= base / np.maximum(size, np.square(base))
    profiles.offset[BY_DAY:] += step[BY_DAY:]
    factor = profiles.offset[BY_RATIO]
    np.minimum(factor, LARGEST, out=factor)
    np.maximum(factor, LEAST, out=factor)


def _keep(
    profiles: Profiles, moment: Moment, values: Floats, bare: Floats, within: Floats, step: Floats, there: Bools
) -> None:
    """Adds what this column teaches each profile's bin to what its visit has taught so far."""
    rows = bare[KEPT]
    rows[-1] = profiles.week[moment.week_bin]
    taught = rows + step[KEPT]
    unknown = np.isnan(rows)
    if np.count_nonzero(unknown):
        first = values - profiles.offset[KEPT]
        first[-1] -= within
        np.copyto(taught, first, where=unknown)
    np.add(profiles.visit, taught, out=profiles.visit, where=everywhere(there))
    profiles.visit_values += there


def learn_slow(profiles: Profiles, moment: Moment, off: Floats, scale: Floats, release: Floats | None) -> None:
    """Follows what stays off; the quicker, the more it is released: 0 (or None) is not at all, 1 after a day off."""
    gain: Floats | float = moment.gain(SLOW_HOURS, 0.05)
    limit = 3.0 * scale
    if release is not None:
        gain = np.maximum(gain, 0.05 * release)
        limit = np.fmax(limit, release * np.abs(off))
    step = gain * bounded(off, limit)
    np.add(profiles.slow, step, out=profiles.slow, where=everywhere(np.isfinite(step)))


def end_visits(profiles: Profiles, before: Moment, now: Moment) -> None:
    """Writes what a visit taught into its bin once time has left it: no bin knows of the visit that is still on.

    The first visit is taken whole, later ones by evidence down to a floor.
    """
    seconds, elapsed = profiles.seconds[0] + profiles.seconds[1], now.when - before.when
    if before.day_bin != now.day_bin or elapsed >= DAY / DAY_BINS:
        days = np.empty((2, len(seconds)))
        np.divide(seconds, DAY, out=days[0])
        np.divide(profiles.seconds[before.free], DAY, out=days[1])
        rows: Floats | Singles = np.empty(days.shape)
        rows[0], rows[1] = profiles.day[before.day_bin], profiles.kind[before.free, before.day_bin]
        _learn_bins(profiles, slice(0, 2), rows, days, REMEMBERED)
        profiles.day[before.day_bin], profiles.kind[before.free, before.day_bin] = rows
    if before.week_bin != now.week_bin or elapsed >= WEEK / WEEK_BINS:
        rows = profiles.week[before.week_bin]
        _learn_bins(profiles, slice(2, 3), rows[None], seconds[None] / WEEK, WEEKS_REMEMBERED)


def _learn_bins(
    profiles: Profiles, tables: slice, rows: Floats | Singles, visits: Floats, remembered: Floats | float
) -> None:
    """Teaches the bins of some tables, (tables, series), what their visit brought."""
    count = profiles.visit_values[tables]
    with np.errstate(invalid="ignore"):
        taught = profiles.visit[tables] / count  # NaN where no value was
    visits += 1.0
    begin_or_follow(rows, taught, np.maximum(1.0 / visits, 1.0 / remembered))
    profiles.visit[tables] = 0.0
    count[...] = 0.0
