"""From deviations to scores: 1 means the same for every series, and a new event is reported once.

A score is the larger of two pieces of evidence, the newest deviation and the mean of the last few, over the limit that
this series' own tail calls for. The limit follows a high quantile of the evidence (Robbins and Monro's stochastic
approximation, what exceeds it within the dead time counted once), so that a heavy tail widens the band and an outage,
however ragged, hardly does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from exporter.frame import Bools, Floats
from exporter.models.profiles import Moment

LIMIT = 4.0  # deviations that are anomalous whatever the tail
HIGHEST = 1_000.0  # no score is larger
TAIL_SHARE = 0.002  # of the points begin an exceedance of the tracked quantile
TAIL_GAIN = 0.2
TAIL_MARGIN = 1.2
MEAN_HOURS = 0.25
DEAD_STEPS = 60  # a new event is reported no sooner after the last one
QUIET_STEPS = 6  # nor before so many steps were normal


@dataclass(slots=True)
class Calibration:
    """The tails' state; every array has the shape (series,)."""

    mean: Floats  # of the last few deviations, signed
    mean_size: Floats  # how large it usually is
    tail: Floats  # the tracked quantile
    since_beyond: Floats  # steps since the last exceedance that was counted
    run: Floats  # steps in a row that scored above 1
    since_event: Floats  # steps
    since_high: Floats  # steps

    @classmethod
    def fresh(cls, series: int) -> Self:
        return cls(
            mean=np.zeros(series),
            mean_size=np.full(series, np.nan),
            tail=np.full(series, LIMIT / TAIL_MARGIN),
            since_beyond=np.full(series, float(DEAD_STEPS)),
            run=np.zeros(series),
            since_event=np.full(series, float(DEAD_STEPS)),
            since_high=np.full(series, float(QUIET_STEPS)),
        )


def limit(calibration: Calibration) -> Floats:
    """How many deviations score 1, shape (series,)."""
    return np.maximum(LIMIT, TAIL_MARGIN * calibration.tail)


def judge(calibration: Calibration, moment: Moment, deviation: Floats) -> tuple[Floats, Floats]:
    """Score and event of one column's deviations (signed, in units of the scale), both of shape (series,)."""
    there = np.isfinite(deviation)
    now = np.where(there, deviation, 0.0)
    evidence = np.maximum(np.abs(now), _sustained(calibration, moment, now, there))
    score = np.where(there, np.minimum(evidence / limit(calibration), HIGHEST), np.nan)
    _learn_tail(calibration, evidence, there)
    return score, _events(calibration, score, there)


def _sustained(calibration: Calibration, moment: Moment, now: Floats, there: Bools) -> Floats:
    """The evidence in the last few deviations together."""
    gain = moment.gain(MEAN_HOURS, 1 / 3)
    ideal = np.sqrt(gain / (2.0 - gain))
    size = np.where(np.isnan(calibration.mean_size), ideal, calibration.mean_size)
    mean = calibration.mean + gain * (np.clip(now, -6.0, 6.0) - calibration.mean)
    grown = 1.2533 * np.minimum(np.abs(mean), 3.5 * size)
    slow = moment.gain(96.0, 0.01)
    calibration.mean = np.where(there, mean, calibration.mean)
    calibration.mean_size = np.where(there, size + slow * (grown - size), size)
    return np.abs(mean) / np.maximum(size, ideal)


def _learn_tail(calibration: Calibration, evidence: Floats, there: Bools) -> None:
    beyond = there & (evidence > calibration.tail)
    begins = beyond & (calibration.since_beyond >= DEAD_STEPS)
    factor = np.where(begins, 1.0 + TAIL_GAIN, np.where(beyond, 1.0, 1.0 - TAIL_GAIN * TAIL_SHARE))
    calibration.tail = np.where(there, np.clip(calibration.tail * factor, 2.0, 50.0), calibration.tail)
    calibration.since_beyond = np.where(begins, 0, calibration.since_beyond + there)


def _events(calibration: Calibration, score: Floats, there: Bools) -> Floats:
    high = there & (score > 1.0)
    new = high & (calibration.since_event >= DEAD_STEPS) & (calibration.since_high >= QUIET_STEPS)
    calibration.run = np.where(there, np.where(high, calibration.run + 1, 0), calibration.run)
    calibration.since_event = np.where(new, 0, calibration.since_event + there)
    calibration.since_high = np.where(high, 0, calibration.since_high + there)
    return np.where(new, score, 0.0)
