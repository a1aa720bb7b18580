"""From a forecaster's errors to scores, by the same calibration as the default model's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from exporter import calibration as tails
from exporter.calibration import Calibration
from exporter.frame import Floats
from exporter.models.hearing import Hear, retelling
from exporter.models.interest import Interest

PIECES = ("sudden", "minutes", "hour", "long")
WEIGHTS = np.array([[0.7], [0.9], [0.9], [1.0]])  # how much each piece is trusted: sudden, and the means
MEAN_STEPS = np.array([[4.0], [12.0], [72.0]])  # of the running means
CLIP = 8.0  # deviations; one value says no more than this of a mean


@dataclass(slots=True)
class Judge:
    """The state: the running means of deviations, and the tails of all pieces."""

    means: Floats  # (3, series)
    calibration: Calibration

    @classmethod
    def fresh(cls, series: int) -> Self:
        return cls(np.zeros((len(MEAN_STEPS), series)), Calibration.fresh(series, len(WEIGHTS)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of one column, each of shape (series,); `limit` is how many deviations score 1."""

    score: Floats
    event: Floats
    limit: Floats


def judge(
    state: Judge,
    interest: Interest,
    deviation: Floats,
    off: Floats,
    expected: Floats,
    step: float,
    columns: int,
    hear: Hear | None = None,
) -> Verdict:
    """Judges a column, then learns it.

    `deviation` is how far each value lies from what was expected, in usual deviations (NaN where it is missing), `off`
    the same in the series' unit; `columns` is how many were judged, this one included; `hear` is what people said.
    """
    there = np.isfinite(deviation)
    newest = np.clip(np.where(there, deviation, 0.0), -CLIP, CLIP)
    gain = 1.0 / MEAN_STEPS
    state.means = np.where(there, state.means + gain * (newest - state.means), state.means)
    signed = np.vstack([np.where(there, deviation, 0.0)[None], state.means / np.sqrt(gain / (2.0 - gain))])
    weights = _weights(interest, signed, off, expected)
    wanted = tails.bars(state.calibration, step, interest.false_alarms_per_month, interest.report)
    limit = tails.limit(state.calibration, 0, WEIGHTS[0], wanted.alarming)
    score, event = tails.judge(
        state.calibration, np.abs(signed), weights, there, wanted, columns, retell=retelling(hear, signed)
    )
    return Verdict(score, event, limit)


def _weights(interest: Interest, signed: Floats, off: Floats, expected: Floats) -> Floats:
    weights = np.repeat(WEIGHTS, signed.shape[1], axis=1)
    if interest.direction != "both":
        weights *= (signed > 0) if interest.direction == "up" else (signed < 0)
    if interest.least or interest.least_share:
        known = np.abs(np.where(np.isnan(expected), 0.0, expected))
        weights *= np.abs(off) >= np.maximum(interest.least, interest.least_share * known)
    return weights


def anomalous_hours(state: Judge, step: float) -> Floats:
    """For how many hours a series has looked unusual, shape (series,)."""
    hours: Floats = state.calibration.run * step / 3_600.0
    return hours
