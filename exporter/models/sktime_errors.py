"""What an sktime forecaster's errors teach: how large they usually are, each way, and on which side they lie."""

from __future__ import annotations

import numpy as np

from exporter.frame import Bools, Floats
from exporter.models.sktime_state import SktimeState

BIAS_STEPS = 24.0
SCALE_STEPS, FIRST_STEPS = 576.0, 12.0
CLIP = 3.0  # deviations; an error further out teaches as if it lay there
PRIOR = 0.1  # of the first value: what is assumed of a series' deviation before there is evidence
FLOOR = 1e-3  # of the expected value: smaller deviations are never anomalous
TO_DEVIATION = 1.2533  # a normal distribution's standard deviation over its mean absolute deviation
INSIDE = np.array([[0.05], [0.95]])


def deviation_of(state: SktimeState, expected: Floats) -> Floats:
    """One deviation, shape (series,): thin evidence widens it; NaN before the first value."""
    scale = np.maximum(state.errors.scale, FLOOR * np.abs(expected) + 1e-9)
    unit: Floats = scale * (1.0 + 10.0 / (state.errors.seen + 1.0))
    return unit


def learn_errors(state: SktimeState, values: Floats, residual: Floats, far: Floats, unit: Floats) -> None:
    """Takes the errors of one column in."""
    errors = state.errors
    there: Bools = np.isfinite(residual) & np.isfinite(unit)
    begun = np.isnan(errors.scale) & np.isfinite(residual)
    limit = CLIP * np.where(there, unit, 0.0)
    clipped = np.clip(np.where(there, residual, 0.0), -limit, limit)
    pace = 1.0 / np.minimum(errors.seen + FIRST_STEPS, SCALE_STEPS)
    known = there & np.isfinite(errors.scale)
    off = np.clip(np.where(np.isfinite(far), far, clipped), -4.0 * limit, 4.0 * limit)
    errors.far = np.where(np.isnan(errors.far), errors.scale, errors.far)
    errors.far = np.where(known, errors.far + pace * (TO_DEVIATION * np.abs(off) - errors.far), errors.far)
    wider = np.where(known, residual / np.maximum(errors.scale, 1e-300), 0.0)
    quick = np.maximum(0.02, 2.0 / (errors.seen + 10.0)) * np.maximum(np.abs(errors.near), 0.5)
    errors.near += np.where(known, quick * (INSIDE - (wider < errors.near)), 0.0)
    errors.scale = np.where(known, errors.scale + pace * (TO_DEVIATION * np.abs(clipped) - errors.scale), errors.scale)
    errors.bias = np.where(known & np.isfinite(far), errors.bias + clipped / BIAS_STEPS, errors.bias)
    errors.seen += known
    errors.scale = np.where(begun, PRIOR * np.abs(values) + 1e-9, errors.scale)


def remember(state: SktimeState, values: Floats, when: float) -> None:
    """Puts a column into the ring; columns that were left out since are missing there."""
    window = len(state.values)
    gap = 0 if np.isnan(state.last) else round((when - state.last) / state.step) - 1
    for _ in range(min(max(gap, 0), window)):
        state.values[state.place] = np.nan
        state.place = (state.place + 1) % window
    state.values[state.place] = values
    state.place = (state.place + 1) % window
    there = np.isfinite(values)
    state.level = np.where(there, values, state.level)
    state.seen += there
    state.last = when
