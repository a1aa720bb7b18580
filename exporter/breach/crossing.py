"""When a series crosses a threshold: the first passage of paths."""

from __future__ import annotations

import numpy as np

from exporter.breach.condition import Comparison
from exporter.breach.errors import Correlation
from exporter.breach.paths import Ahead, Singles, chunks, paths
from exporter.frame import Floats

QUANTILES = (0.05, 0.5, 0.95)  # of the paths have crossed by then


def times(ahead: Ahead, threshold: Comparison, now: Floats, drawn: Singles) -> Floats:
    """Seconds until 5 %, half and 95 % of the paths have crossed, (3, series); `now` are the newest values, (series,).

    Infinite where fewer cross within the steps of `ahead`; 0 where the value is beyond already; NaN without a forecast.
    """
    found = np.full((len(QUANTILES), len(now)), np.inf)
    lowest, highest = ahead.reach()
    beyond = threshold.holds(now)
    for rows in chunks(np.flatnonzero(threshold.possible(lowest, highest) & ~beyond)):
        passed = np.sort(_passages(ahead.of_rows(rows), threshold, now[rows], drawn), axis=1)
        draws = passed.shape[1]
        for quantile, row in zip(QUANTILES, found, strict=True):
            row[rows] = passed[:, int(np.ceil(quantile * draws)) - 1]
    found[:, beyond] = 0.0
    found[:, ~np.isfinite(ahead.mean).all(axis=1)] = np.nan
    return found


def _passages(ahead: Ahead, threshold: Comparison, now: Floats, drawn: Singles) -> Singles:
    """Seconds until each path first crosses, between two steps where a straight line does, (series, draws)."""
    value, before = now[:, None].astype(np.float32), 0
    passed: Singles = np.full((len(now), drawn.shape[-1]), np.inf, np.float32)
    for step, values in zip(ahead.steps.tolist(), paths(ahead, Correlation.none(len(now)), drawn), strict=True):
        newly = threshold.holds(values) & np.isinf(passed)
        rise = values - value
        share = np.clip((threshold.number - value) / np.where(rise == 0, 1, rise), 0.0, 1.0)
        passed = np.where(newly, (before + share * (step - before)) * ahead.seconds, passed).astype(np.float32)
        value, before = values, step
    return passed
