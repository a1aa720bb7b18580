"""A schedule: layers of shifts, overrides and swaps on top, one answer at every moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from receiver.engine.schedule import ALWAYS, NEVER, Span
from receiver.oncall.hours import Hours
from receiver.oncall.localtime import DAY
from receiver.oncall.rotation import Turns
from receiver.oncall.shift import Override, Shift, cut_around, overlay
from receiver.oncall.spans import intersect, subtract, union

MOMENT = timedelta(seconds=1)
AHEAD = timedelta(days=366)  # the next shift is looked for no further


class Layer(Protocol):
    """Who it names, and when; it may name nobody for a time."""

    @property
    def name(self) -> str: ...

    @property
    def longest(self) -> timedelta:
        """No shift of it lasts longer."""
        ...

    def shifts(self, start: datetime, end: datetime) -> list[Shift]:
        """Its shifts that overlap a time, whole, sorted; none overlaps another."""
        ...

    def clashes(self, start: datetime, end: datetime) -> list[Overlap]:
        """Where it names several people itself."""
        ...


@dataclass(frozen=True, slots=True)
class Overlap:
    """`user` counts, and `instead_of` is named as well."""

    span: Span
    user: str
    instead_of: str


@dataclass(frozen=True, slots=True)
class Rotation:
    """A layer whose people take turns, from `first` until just before `last`, in certain hours."""

    name: str
    turns: Turns
    users: tuple[str, ...]
    hours: Hours | None = None
    first: datetime = ALWAYS
    last: datetime = NEVER

    @property
    def longest(self) -> timedelta:
        return self.turns.longest

    def shifts(self, start: datetime, end: datetime) -> list[Shift]:
        start, end = max(start, self.first), min(end, self.last)
        if start >= end:
            return []
        shifts = [
            Shift(max(span.start, self.first), min(span.end, self.last), self.users[turn % len(self.users)], self.name)
            for turn, span in self.turns.between(start, end)
        ]
        if self.hours is None:
            return shifts
        parts = within(shifts, self.hours.spans(shifts[0].start, shifts[-1].end))
        return [part for part in parts if part.end > start and part.start < end]

    def clashes(self, start: datetime, end: datetime) -> list[Overlap]:
        return []


def within(shifts: Sequence[Shift], spans: Sequence[Span]) -> list[Shift]:
    """The parts of the shifts that lie in the spans."""
    found: list[Shift] = []
    i = j = 0
    while i < len(shifts) and j < len(spans):
        start, end = max(shifts[i].start, spans[j].start), min(shifts[i].end, spans[j].end)
        if start < end:
            found.append(shifts[i].cut(start, end))
        if shifts[i].end <= spans[j].end:
            i += 1
        else:
            j += 1
    return found


@dataclass(frozen=True, slots=True)
class Schedule:
    """Who is on call. A later layer counts before an earlier one, an override before all layers.

    Overrides and swaps are applied in their order, each to what those before it left.
    """

    name: str
    zone: ZoneInfo
    layers: tuple[Layer, ...]
    overrides: tuple[Override, ...] = ()

    def at(self, moment: datetime) -> Shift | None:
        """The shift that covers a moment; None: nobody is on call."""
        found = self._of_layers(moment)
        for override in self.overrides:
            found = override.around(moment, found)
        return found

    def _of_layers(self, moment: datetime) -> Shift | None:
        for index in reversed(range(len(self.layers))):
            for shift in self.layers[index].shifts(moment, moment + MOMENT):
                if shift.start <= moment:
                    later = [one for layer in self.layers[index + 1 :] for one in layer.shifts(shift.start, shift.end)]
                    return cut_around(moment, shift, later)
        return None

    def after(self, moment: datetime) -> Shift | None:
        """The first shift that begins later than a moment, and within a year."""
        for horizon in (7 * DAY, 35 * DAY, AHEAD):
            for shift in self.shifts(moment, moment + horizon):
                if shift.start > moment:
                    return shift
        return None

    def shifts(self, start: datetime, end: datetime) -> list[Shift]:
        """The shifts that overlap a time, whole, sorted; none overlaps another, and gaps are just absent."""
        margin = self._margin  # what cuts a shift may lie as far away as the shift is long
        found: list[Shift] = []
        for layer in self.layers:
            found = overlay(found, layer.shifts(start - margin, end + margin))
        for override in self.overrides:
            if override.start < max(end, _end(found)) and override.end > min(start, _start(found)):
                found = override.over(found)
        return [shift for shift in found if shift.end > start and shift.start < end]

    def gaps(self, start: datetime, end: datetime) -> list[Span]:
        """When nobody is on call."""
        return subtract([Span(start, end)], union(shift.span for shift in self.shifts(start, end)))

    def overlaps(self, start: datetime, end: datetime) -> list[Overlap]:
        """Where another layer or override names somebody else, too: what counts, and what it stands before."""
        below: list[Shift] = []
        found: list[Overlap] = []
        for layer in self.layers:
            above = layer.shifts(start, end)
            found += [*overlaps(above, below), *layer.clashes(start, end)]
            below = overlay(below, above)
        for override in self.overrides:
            if override.start < end and override.end > start and not override.swap_with:
                found += overlaps([Shift(override.start, override.end, override.user)], below)
            below = override.over(below)
        return sorted((one for one in found if one.span.end > start and one.span.start < end), key=lambda o: o.span)

    def overridden(self, overrides: Iterable[Override]) -> Schedule:
        """The same with further overrides on top."""
        added = tuple(overrides)
        return replace(self, overrides=self.overrides + added) if added else self

    @property
    def _margin(self) -> timedelta:
        return max(layer.longest for layer in self.layers) if len(self.layers) > 1 else timedelta()


def common_gaps(schedules: Iterable[Schedule], start: datetime, end: datetime) -> list[Span]:
    """When nobody is on call in any of the schedules."""
    left = [Span(start, end)]
    for schedule in schedules:
        left = intersect(left, schedule.gaps(start, end))
    return left


def _start(shifts: Sequence[Shift]) -> datetime:
    return shifts[0].start if shifts else NEVER


def _end(shifts: Sequence[Shift]) -> datetime:
    return shifts[-1].end if shifts else ALWAYS


def overlaps(above: Sequence[Shift], below: Sequence[Shift]) -> list[Overlap]:
    """Where both name somebody, and not the same."""
    found: list[Overlap] = []
    i = j = 0
    while i < len(above) and j < len(below):
        start, end = max(above[i].start, below[j].start), min(above[i].end, below[j].end)
        if start < end and above[i].user != below[j].user:
            found.append(Overlap(Span(start, end), above[i].user, below[j].user))
        if above[i].end <= below[j].end:
            i += 1
        else:
            j += 1
    return found
