"""Whether a model still fits a series: its errors grow, or lie on one side, for hours.

The usual size of errors is a slow running mean, their present size and side a quick one; what counts is how these
compare, so that errors may be in any unit that stays the same. All arrays have the shape (series,).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from exporter.frame import Bools, Floats

KINDS = ("error", "bias")  # errors grew; errors lie on one side
RECENT_SECONDS, RECENT_STEPS = 6 * 3_600.0, 24.0  # the quick mean; at least so many steps
KNOWN = 2.0  # quick means long a series has to be seen before anything is said
USUAL_SECONDS, USUAL_STEPS = 7 * 86_400.0, 288.0  # the slow one
GROWTH = 0.8  # errors that are larger by this share of the usual ones are drift of 1
ONE_SIDED = 0.6  # a mean error as large as this share of the usual size of errors is drift of 1
CLIP = 6.0  # usual sizes; one value says no more than this
OVER = 0.5  # drift has to fall to this before it is found anew


@dataclass(slots=True)
class Drift:
    """What is remembered."""

    usual: Floats  # mean size of errors
    recent: Floats
    side: Floats  # mean error, with its sign
    seen: Floats  # values
    found: Floats  # 1 while there is drift that was told

    @classmethod
    def fresh(cls, series: int) -> Self:
        return cls(*(np.zeros(series) for _ in range(5)))


def size(drift: Drift, step_seconds: float) -> Floats:
    """How much a series has drifted: 0 or more, 1 and above is worth a new fit; shape (series,)."""
    return np.maximum(*_sizes(drift, step_seconds))


def _sizes(drift: Drift, step_seconds: float) -> tuple[Floats, Floats]:
    usual = np.maximum(drift.usual, 1e-12)
    grown = np.maximum(drift.recent / usual - 1.0, 0.0) / GROWTH
    one_sided = np.abs(drift.side) / usual / ONE_SIDED
    known = drift.seen >= KNOWN * max(RECENT_SECONDS / step_seconds, RECENT_STEPS)
    return np.where(known, grown, 0.0), np.where(known, one_sided, 0.0)


def learn(drift: Drift, error: Floats, step_seconds: float) -> dict[str, Bools]:
    """Takes one column of errors in (NaN: none); tells which series have drifted just now, by kind."""
    there = np.isfinite(error)
    limit = CLIP * np.where(drift.seen > 0, np.maximum(drift.usual, 1e-12), np.inf)
    error = np.where(there, np.clip(error, -limit, limit), 0.0)
    drift.seen += there
    for name, newest, seconds, steps in (
        ("usual", np.abs(error), USUAL_SECONDS, USUAL_STEPS),
        ("recent", np.abs(error), RECENT_SECONDS, RECENT_STEPS),
        ("side", error, RECENT_SECONDS, RECENT_STEPS),
    ):
        pace = np.maximum(1.0 / np.maximum(drift.seen, 1.0), 1.0 / max(seconds / step_seconds, steps))
        before = getattr(drift, name)
        setattr(drift, name, np.where(there, before + pace * (newest - before), before))
    sizes = _sizes(drift, step_seconds)
    largest = np.maximum(*sizes)
    new = (largest >= 1.0) & (drift.found == 0.0)
    drift.found = np.where(new, 1.0, np.where(largest < OVER, 0.0, drift.found))
    return {"error": new & (sizes[0] >= sizes[1]), "bias": new & (sizes[0] < sizes[1])}
