"""A shift: one person from one moment to another, and what put them there."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from receiver.engine.schedule import Span

USER = re.compile(r"[A-Za-z0-9_.-]{1,64}")  # what a user is called


@dataclass(frozen=True, slots=True, order=True)
class Shift:
    """Who is on call from `start` until just before `end`, both UTC.

    `layer` is the name of the layer that says so, `override` the id of an override or a swap, `by` whoever made it.
    """

    start: datetime
    end: datetime
    user: str
    layer: str = ""
    override: str = ""
    by: str = ""

    @property
    def span(self) -> Span:
        return Span(self.start, self.end)

    @property
    def why(self) -> str:
        """In words."""
        if not self.by:
            return f"layer {self.layer}"
        return f"swapped by {self.by} (layer {self.layer})" if self.layer else f"override by {self.by}"

    def cut(self, start: datetime, end: datetime) -> Shift:
        return Shift(start, end, self.user, self.layer, self.override, self.by)


@dataclass(frozen=True, slots=True)
class Override:
    """`user` is on call from `start` until just before `end`, whatever the layers say.

    With `swap_with` it is a swap: where either of the two would be on call in that time, the other is.
    """

    start: datetime
    end: datetime
    user: str
    by: str
    id: str = ""
    swap_with: str = ""

    def over(self, below: Sequence[Shift]) -> list[Shift]:
        """The shifts as they are with it."""
        first = bisect_right(below, self.start, key=_end)
        last = bisect_left(below, self.end, key=_start)
        if self.swap_with:
            changed = [piece for shift in below[first:last] for piece in self._swapped(shift)]
        else:
            changed = overlay(below[first:last], [self._shift])
        return [*below[:first], *changed, *below[last:]]

    def around(self, moment: datetime, below: Shift | None) -> Shift | None:
        """The shift that covers a moment as it is with it; `below` is the one that does without."""
        if not self.swap_with and self.start <= moment < self.end:
            return self._shift
        if below is None or self.start >= below.end or self.end <= below.start:
            return below
        if self.swap_with:
            return next(piece for piece in self._swapped(below) if piece.start <= moment < piece.end)
        return cut_around(moment, below, [self._shift])

    @property
    def _shift(self) -> Shift:
        return Shift(self.start, self.end, self.user, "", self.id, self.by)

    def _swapped(self, shift: Shift) -> Iterable[Shift]:
        other = {self.user: self.swap_with, self.swap_with: self.user}.get(shift.user)
        start, end = max(shift.start, self.start), min(shift.end, self.end)
        if other is None or start >= end:
            yield shift
            return
        if shift.start < start:
            yield shift.cut(shift.start, start)
        yield Shift(start, end, other, shift.layer, self.id, self.by)
        if end < shift.end:
            yield shift.cut(end, shift.end)


def overlay(below: Sequence[Shift], above: Sequence[Shift]) -> list[Shift]:
    """Both in one; where both name somebody, `above` counts. Sorted lists without overlaps, and so is the result."""
    if not above or not below:
        return list(above or below)
    merged = list(above)
    first = 0
    for shift in below:
        while first < len(above) and above[first].end <= shift.start:
            first += 1
        start, index = shift.start, first
        while index < len(above) and above[index].start < shift.end:
            if start < above[index].start:
                merged.append(shift.cut(start, above[index].start))
            start = max(start, above[index].end)
            index += 1
        if start < shift.end:
            merged.append(shift if start == shift.start else shift.cut(start, shift.end))
    merged.sort(key=_start)
    return merged


def cut_around(moment: datetime, shift: Shift, above: Sequence[Shift]) -> Shift:
    """The part of a shift that covers a moment, which none of those above does."""
    start = max((one.end for one in above if one.end <= moment), default=shift.start)
    end = min((one.start for one in above if one.start > moment), default=shift.end)
    return shift.cut(max(start, shift.start), min(end, shift.end))


def _start(shift: Shift) -> datetime:
    return shift.start


def _end(shift: Shift) -> datetime:
    return shift.end
