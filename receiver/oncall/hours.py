"""Hours of the week and holidays, by the clock on the wall."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from receiver.engine.schedule import Span
from receiver.oncall.localtime import DAY, EVERY_DAY, days, instant, local_time, midnight
from receiver.oncall.spans import clip, intersect, subtract, union

HolidayDays = Callable[[int], frozenset[date]]  # the days of a year


@dataclass(frozen=True, slots=True)
class Block:
    """From a time of the day until another one, on these weekdays; over midnight where it ends no later than it begins.

    The weekday is that on which the block begins.
    """

    weekdays: frozenset[int] = EVERY_DAY
    begins: timedelta = timedelta()
    ends: timedelta = DAY

    def on(self, day: date, zone: ZoneInfo) -> Span | None:
        """The block that begins on a local day; None: not on this weekday, or the clock jumps over all of it."""
        if day.weekday() not in self.weekdays:
            return None
        over_midnight = DAY if self.ends <= self.begins else timedelta()
        start = instant(midnight(day) + self.begins, zone)
        end = instant(midnight(day) + self.ends + over_midnight, zone)
        return Span(start, end) if start < end else None


@dataclass(frozen=True, slots=True)
class Hours:
    """When something holds: in one of the blocks (none: always), and not, or only, on holidays.

    A holiday is a local day from midnight to midnight, whenever a block began.
    """

    zone: ZoneInfo
    blocks: tuple[Block, ...] = ()
    without: HolidayDays | None = None
    only: HolidayDays | None = None

    def spans(self, start: datetime, end: datetime) -> list[Span]:
        """What they cover between two moments."""
        if not self.blocks and self.only is None:
            covered = [Span(start, end)]
        else:
            local_days = list(days(start, end, self.zone))
            covered = self._in_blocks(local_days) if self.blocks else [Span(start, end)]
            if self.only is not None:
                covered = intersect(covered, self._holidays(local_days, self.only))
        if self.without is not None:
            covered = subtract(covered, self._holidays(list(days(start, end, self.zone)), self.without))
        return clip(covered, start, end)

    def covers(self, at: datetime) -> bool:
        """Whether they cover a moment."""
        day = local_time(at, self.zone).date()
        if self.without is not None and day in self.without(day.year):
            return False
        if self.only is not None and day not in self.only(day.year):
            return False
        near = (block.on(day + shift * DAY, self.zone) for block in self.blocks for shift in (-1, 0, 1))
        return not self.blocks or any(span.covers(at) for span in near if span)

    def _in_blocks(self, local_days: list[date]) -> list[Span]:
        spans = (block.on(day, self.zone) for day in local_days for block in self.blocks)
        return union(span for span in spans if span)

    def _holidays(self, local_days: list[date], holidays: HolidayDays) -> list[Span]:
        found = (day for day in local_days if day in holidays(day.year))
        return union(Span(*(instant(midnight(one), self.zone) for one in (day, day + DAY))) for day in found)
