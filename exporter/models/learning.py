"""How the views learn: robustly, each bin of a profile only once its visit is over."""

from __future__ import annotations

import numpy as np

from exporter.frame import Bools, Floats
from exporter.models.moment import DAY, Moment
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
    Singles,
    shape,
)

SLOW_HOURS = 72.0


def learn(
    profiles: Profiles, moment: Moment, values: Floats, bare: Floats, expected: Floats, scale: Floats, limit: Floats
) -> None:
    """Takes one column in; what lies further off than `limit` counts as if it lay there. Shapes (series,)."""
    there = np.isfinite(values)
    error = np.where(there, values - expected, np.nan)
    clipped = np.clip(error, -limit, limit)
    _learn_errors(profiles, moment, np.minimum(np.abs(error), 8.0 * scale))
    step = np.where(np.isfinite(clipped), clipped, 0.0)
    first = there & np.isnan(profiles.level)
    gain = np.maximum(1.0 / (profiles.seen + 1.0), moment.gain(LEVEL_HOURS, 0.3))
    profiles.level = np.where(first, values, profiles.level + gain * step[LEVEL])
    _keep(profiles, moment, values, bare, step, there)
    _offsets(profiles, moment, bare, step)
    profiles.seen += there
    profiles.seconds[moment.free] += there * moment.seconds


def _offsets(profiles: Profiles, moment: Moment, bare: Floats, step: Floats) -> None:
    gain = moment.gain(OFFSET_HOURS, 0.1)
    profiles.offset[BY_DAY:] += gain * step[BY_DAY:]
    size = np.maximum(np.abs(np.where(np.isfinite(profiles.level), profiles.level, 0.0)), 1e-12)
    base = np.where(np.isfinite(bare[BY_RATIO]), bare[BY_RATIO], 0.0)
    change = gain * step[BY_RATIO] * base / np.maximum(size * size, base * base)
    profiles.offset[BY_RATIO] += change - gain * step[BY_RATIO]
    np.clip(profiles.offset[BY_RATIO], *np.log(RATIO), out=profiles.offset[BY_RATIO])


def _keep(profiles: Profiles, moment: Moment, values: Floats, bare: Floats, step: Floats, there: Bools) -> None:
    """Adds what this column teaches each profile's bin to what its visit has taught so far."""
    for table, (view, row, within) in enumerate(
        (
            (BY_DAY, bare[BY_DAY], 0.0),
            (BY_KIND, bare[BY_KIND], 0.0),
            (BY_WEEK, profiles.week[moment.week_bin], shape(profiles, moment)),
        )
    ):
        taught = np.where(np.isnan(row), values - profiles.offset[view] - within, row + step[view])
        profiles.visit[table] += np.where(there, taught, 0.0)
        profiles.visit_values[table] += there


def learn_slow(profiles: Profiles, moment: Moment, residual: Floats, scale: Floats, release: Floats) -> None:
    """Follows what stays off; the quicker, the more it is released: 0 is not at all, 1 after a day off."""
    gain = np.maximum(moment.gain(SLOW_HOURS, 0.05), 0.05 * release)
    off = np.where(np.isfinite(residual), residual, 0.0)
    limit = np.maximum(3.0 * np.where(np.isfinite(scale), scale, 0.0), release * np.abs(off))
    profiles.slow = profiles.slow + gain * np.clip(off, -limit, limit)


def end_visits(profiles: Profiles, before: Moment, now: Moment) -> None:
    """Writes what a visit taught into its bin once time has left it: no bin knows of the visit that is still on.

    The first visit is taken whole, later ones by evidence down to a floor.
    """
    seconds = profiles.seconds.sum(axis=0)
    week = 7 * DAY
    rows: list[tuple[Singles, float, Floats, float]] = [
        (profiles.day[before.day_bin], DAY / 288, seconds / DAY, DAYS_REMEMBERED),
        (profiles.kind[before.free, before.day_bin], DAY / 288, profiles.seconds[before.free] / DAY, KIND_REMEMBERED),
        (profiles.week[before.week_bin], week / 672, seconds / week, WEEKS_REMEMBERED),
    ]
    same_day, same_week = before.day_bin == now.day_bin, before.week_bin == now.week_bin
    for table, (row, length, visits, remembered) in enumerate(rows):
        stays = same_week if table == 2 else same_day
        if stays and now.when - before.when < length:
            continue
        count = profiles.visit_values[table]
        mean = profiles.visit[table] / np.maximum(count, 1.0)
        gain = np.maximum(1.0 / (visits + 1.0), 1.0 / remembered)
        row[...] = np.where(count > 0, np.where(np.isnan(row), mean, row + gain * (mean - row)), row)
        profiles.visit[table], profiles.visit_values[table] = 0.0, 0.0


def _learn_errors(profiles: Profiles, moment: Moment, wrong: Floats) -> None:
    for table, gain in (
        (profiles.recent, moment.gain(ERROR_HOURS, 0.2)),
        (profiles.weekday[moment.weekday], moment.gain(24.0, 0.05)),
    ):
        learned = np.where(np.isnan(table), wrong, table + gain * (wrong - table))
        table[...] = np.where(np.isnan(wrong), table, learned)
