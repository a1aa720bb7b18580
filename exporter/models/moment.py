"""A column's place in the seasons, by the clocks of a time zone."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo

DAY = 86_400.0
HOUR = 3_600.0
DAY_BINS = 288  # 5 minutes
WEEK_BINS = 7 * 96  # 15 minutes
FINE = 3  # bins of the day in one bin of the week
SATURDAY, SUNDAY = 5, 6


@dataclass(frozen=True, slots=True)
class Moment:
    """`when` in Unix seconds; `seconds` since the column before. `free`: 1 on weekends and holidays, else 0."""

    when: float
    seconds: float
    day_bin: int
    week_bin: int
    weekday: int
    free: int

    def gain(self, hours: float, most: float) -> float:
        """The share of the newest value in a mean over so many hours."""
        return min(most, -math.expm1(-self.seconds / (hours * HOUR)))


@dataclass(frozen=True, slots=True)
class Calendar:
    """The clocks that the series' people live by, and the days that are like a Sunday."""

    zone: tzinfo = UTC
    holidays: frozenset[date] = field(default_factory=frozenset)

    def at(self, when: float, seconds: float) -> Moment:
        """The moment at `when`, so many seconds after the one before."""
        local = when
        if self.zone is not UTC:
            offset = datetime.fromtimestamp(when, self.zone).utcoffset()
            local += offset.total_seconds() if offset else 0.0
        day = int(local // DAY)
        weekday = (day + 3) % 7  # the first of January 1970 was a Thursday
        if self.holidays and date.fromordinal(day + 719_163) in self.holidays:
            weekday = SUNDAY
        day_bin = int(local % DAY * DAY_BINS / DAY)
        return Moment(when, seconds, day_bin, weekday * 96 + day_bin // FINE, weekday, int(weekday >= SATURDAY))
