"""Series that tests score: shapes of a known kind, from a seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from exporter.frame import Floats, Frame
from exporter.model import Scores
from exporter.models.seasonal import Seasonal
from exporter.models.state import SeasonalState

THURSDAY = 1_767_225_600  # 2026-01-01 00:00 UTC
DAY = 86_400
STEP = 300
PER_DAY = DAY // STEP

SHAPES = ("flat", "daily", "weekly", "weekly, noise grows with the value", "square", "counts", "5 % missing")


def times(days: float, start: int = THURSDAY, step: int = STEP) -> Floats:
    return start + step * np.arange(int(days * DAY / step), dtype=np.float64)


def make(shape: str, when: Floats, *, series: int, seed: int) -> Floats:
    """Values of a shape, (series, steps)."""
    rng = np.random.default_rng(seed)
    hour, weekend = when % DAY / DAY, (when // DAY + 3) % 7 >= 5
    daily = 100 + 40 * np.sin(2 * np.pi * (hour - 0.3))
    weekly = daily * np.where(weekend, 0.6, 1.0)
    noise = rng.normal(0, 1, (series, len(when)))
    made: dict[str, Floats] = {
        "flat": 100 + 5 * noise,
        "daily": daily + 4 * noise,
        "weekly": weekly + 3 * noise,
        "weekly, noise grows with the value": weekly * (1 + 0.05 * noise),
        "square": np.where((hour > 0.33) & (hour < 0.75), 100, 40) + 3 * noise,
        "counts": rng.poisson(np.broadcast_to(5 * weekly, noise.shape)).astype(np.float64),
        "5 % missing": np.where(rng.random(noise.shape) < 0.05, np.nan, weekly + 3 * noise),
    }
    return made[shape]


def frame(values: Floats, start: float = THURSDAY, step: float = STEP) -> Frame:
    return Frame(values, [{"series": str(row)} for row in range(len(values))], start, step)


def scored(values: Floats, start: float = THURSDAY) -> Scores:
    """The scores of a default model that has seen nothing before."""
    return Seasonal().update(SeasonalState.fresh(len(values), STEP), frame(values, start))[1]


def columns(values: Sequence[Sequence[float]]) -> Floats:
    return np.array(values, dtype=np.float64)
