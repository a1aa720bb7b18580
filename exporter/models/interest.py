"""What is worth an alarm: how often, which way, how large."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from exporter.frame import Floats
from exporter.models.evidence import DEVIATIONS, SIGNED, WEIGHTS


@dataclass(frozen=True, slots=True)
class Interest:
    """What is worth an alarm.

    `direction`: which deviations; `least` and `least_share`: the smallest that matters, in the series' unit and as a
    share of what was expected; `bounds`: values lie between them, whatever is forecast; `report`: the score from which
    an event is reported; where it lies below 1, what is weaker than an alarm is ranked by hints of its own.
    """

    false_alarms_per_month: float = 0.05
    direction: Literal["both", "up", "down"] = "both"
    least: float = 0.0
    least_share: float = 0.0
    bounds: tuple[float, float] = (-math.inf, math.inf)
    report: float = 1.0


def weigh(interest: Interest, signed: Floats, residuals: Floats, expected: Floats) -> Floats:
    """How much each piece of evidence is trusted, (pieces, series), or (pieces, 1) if that is the same everywhere.

    `signed` is the evidence, (pieces, series); `residuals` are how far the values lie from what was expected for now
    and without the last hours, (2, series); `expected` is the former, (series,).
    """
    if interest.direction == "both" and not interest.least and not interest.least_share:
        return WEIGHTS
    weights = np.repeat(WEIGHTS, signed.shape[1], axis=1)
    if interest.direction != "both":
        sign = 1.0 if interest.direction == "up" else -1.0
        weights[:SIGNED] *= sign * signed[:SIGNED] > 0.0
        weights[SIGNED:] = 0.0
    if interest.least or interest.least_share:
        size = np.abs(np.where(np.isnan(expected), 0.0, expected))
        off = np.maximum(np.abs(residuals[0]), np.abs(residuals[1]))
        weights[:DEVIATIONS] *= off >= np.maximum(interest.least, interest.least_share * size)
    return weights
