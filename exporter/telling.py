"""When an event is told: once, and again only when it was quiet in between; the score says how strong it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from exporter.frame import Bools, Floats

if TYPE_CHECKING:
    from exporter.calibration import Calibration

DEAD_STEPS = 144  # a new event is reported once so many steps were normal,
MOST_QUIET_STEPS = 288  # or as many as the last event had, up to this
STRONGER, APART = 1.25, 24  # where weak events are told, also so many steps later, when it is so much stronger


def events(calibration: Calibration, score: Floats, there: Bools, report: float) -> Floats:
    """Reports what is new: after a quiet time; where weak events are told, also the first alarm after them.

    There, what is stronger than the last event is told, too: whoever sets a bar between them must not miss it.
    """
    alarming, high = score > 1.0, score > report
    if not np.count_nonzero(alarming) and not np.count_nonzero(high):
        _wait(calibration, there)
        return np.zeros(score.shape)
    new = _new(calibration, score, alarming, high, report)
    _wait(calibration, there)
    calibration.lasted += alarming
    calibration.told[new], calibration.lasted[new], calibration.since_event[new] = score[new], 1.0, 0.0
    calibration.since_alarm[alarming] = 0.0
    calibration.since_high[high] = 0.0
    return np.where(new, score, 0.0)


def _wait(calibration: Calibration, there: Bools) -> None:
    calibration.since_event += there
    calibration.since_alarm += there
    calibration.since_high += there


def _new(calibration: Calibration, score: Floats, alarming: Bools, high: Bools, report: float) -> Bools:
    """Where a new event is reported."""
    quiet = np.clip(calibration.lasted, DEAD_STEPS, MOST_QUIET_STEPS) if report >= 1.0 else DEAD_STEPS
    new: Bools = alarming & (calibration.since_alarm >= quiet)
    if report < 1.0:
        apart = calibration.since_event >= np.where(alarming, DEAD_STEPS, APART)
        new |= high & apart & (score > STRONGER * calibration.told)
        new |= high & (calibration.since_high >= DEAD_STEPS)
    return new
