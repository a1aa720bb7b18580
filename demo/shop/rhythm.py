"""How many people listen: a day, a week, and the restlessness of both. Pure functions of the time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAY_SECONDS = 86_400.0
WEEK_DAYS = 7
FIRST_SUNDAY = 3  # 1970-01-04: so many days after the first day of Unix time
PEAK_HOUR = 19.5
WEEKEND_MORE = 0.22

# (period in seconds, share): waves of periods that no other divides, so that they never quite repeat.
WAVES = ((257.0, 0.008), (701.0, 0.010), (1_913.0, 0.013), (5_351.0, 0.016))


def listeners(times: Floats) -> Floats:
    """How busy the shop is at Unix times, around 1.0: quiet at night, most in the evening, more at weekends."""
    hours = times % DAY_SECONDS / 3600
    evening = np.cos((hours - PEAK_HOUR) / 24 * 2 * np.pi)
    lunch = np.exp(-(((hours - 12.5) / 1.5) ** 2))
    day = 1 + 0.5 * evening + 0.12 * lunch
    return day * (1 + WEEKEND_MORE * _weekend(times)) * (1 + unrest(times, 0))


def unrest(times: Floats, which: int) -> Floats:
    """Small deviations that nobody could foresee: shares around 0, another course for each `which`."""
    waves = [share * np.sin(times * 2 * np.pi / period + which * 1.7 * n) for n, (period, share) in enumerate(WAVES, 1)]
    total: Floats = np.sum(waves, axis=0)
    return total


def _weekend(times: Floats) -> Floats:
    """1 on Saturdays and Sundays, 0 else, with half-hours between."""
    days = (times / DAY_SECONDS - FIRST_SUNDAY + 1) % WEEK_DAYS  # 0 is the first minute of Saturday
    slope = 48
    return np.clip(days * slope, 0, 1) * np.clip((2 - days) * slope, 0, 1)
