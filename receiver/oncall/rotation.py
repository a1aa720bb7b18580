"""Turns that pass on at regular local times: counted on the clock on the wall, never in steps of 24 hours."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from receiver.engine.schedule import Span
from receiver.oncall.localtime import DAY, SLACK, instant, local_time


@dataclass(frozen=True, slots=True)
class Turns:
    """Turn 0 begins at `anchor`, a local time without a zone; in each `period` turns begin `offsets` after its start.

    `offsets` are sorted, the first is 0. A turn is on from its beginning until a later one begins: where the clock
    jumps over several beginnings, only the last of them gets a turn.
    """

    zone: ZoneInfo
    anchor: datetime
    period: timedelta
    offsets: tuple[timedelta, ...] = (timedelta(),)

    @property
    def longest(self) -> timedelta:
        """No turn lasts longer."""
        following = (*self.offsets[1:], self.period)
        return max(end - begin for begin, end in zip(self.offsets, following, strict=True)) + SLACK

    def begins(self, turn: int) -> datetime:
        """When a turn begins (UTC)."""
        return instant(self._local(turn), self.zone)

    def number_at(self, at: datetime) -> int:
        """The turn that is on at a moment: the latest that has begun."""
        shown = max(local_time(at, self.zone), local_time(at - DAY, self.zone) + DAY)  # before a clock was put back
        turn = self._latest(shown)
        while self.begins(turn) > at:
            turn -= 1
        return turn

    def between(self, start: datetime, end: datetime) -> list[tuple[int, Span]]:
        """The turns that are on between two moments, whole, with their numbers."""
        first = self.number_at(start)
        last = self._latest(local_time(end, self.zone) + SLACK) + 1
        begun = [(turn, self.begins(turn)) for turn in range(first, last + 1)]
        found: list[tuple[int, Span]] = []
        until = begun[-1][1]
        for turn, begins in reversed(begun[:-1]):
            if begins < until:
                if begins < end:
                    found.append((turn, Span(begins, until)))
                until = begins
        return found[::-1]

    def _local(self, turn: int) -> datetime:
        periods, within = divmod(turn, len(self.offsets))
        return self.anchor + periods * self.period + self.offsets[within]

    def _latest(self, shown: datetime) -> int:
        """The latest turn that begins no later than a local time."""
        periods, rest = divmod(shown - self.anchor, self.period)
        return periods * len(self.offsets) + bisect_right(self.offsets, rest) - 1
