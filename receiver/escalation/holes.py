"""When a policy could find nobody: looked for before the night finds it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Protocol, runtime_checkable

from receiver.engine.routing import Policy
from receiver.engine.schedule import Span
from receiver.engine.targets import Target
from receiver.escalation.reach import Circumstances, Roster, Shift, reach
from receiver.people.directory import Directory
from tocsin.model import Severity


class Plannable(Roster, Protocol):
    """A schedule whose shifts can be seen ahead."""

    def shifts(self, start: datetime, end: datetime) -> Iterable[ShiftAhead]: ...


class ShiftAhead(Shift, Protocol):
    @property
    def start(self) -> datetime: ...


@runtime_checkable
class HoursAhead(Protocol):
    """Hours of a policy that can be seen ahead."""

    def spans(self, start: datetime, end: datetime) -> list[Span]: ...


@dataclass(frozen=True, slots=True)
class Hole:
    """A time in which no step of a policy reaches anybody for incidents of these severities, and why."""

    policy: str
    span: Span
    severities: tuple[Severity, ...]
    missed: tuple[str, ...]


def holes(
    policies: Mapping[str, Policy],
    directory: Directory,
    schedules: Mapping[str, Plannable],
    start: datetime,
    end: datetime,
) -> Iterator[Hole]:
    """Every such time of each policy, in order; times that touch and have the same reasons are one.

    Outside of its hours another policy takes the place of one, and answers for that time.
    """
    for name, policy in policies.items():
        notify = [text for step in policy.escalation.steps for text in step.notify]
        last: Hole | None = None
        for span in _counts(policy, notify, schedules, start, end):
            found = _hole(name, notify, span, directory, schedules)
            if last is not None and found is not None and _same(last, found):
                last = Hole(name, Span(last.span.start, span.end), last.severities, last.missed)
                continue
            if last is not None:
                yield last
            last = found
        if last is not None:
            yield last


def _counts(
    policy: Policy, notify: list[str], schedules: Mapping[str, Plannable], start: datetime, end: datetime
) -> Iterator[Span]:
    """The pieces of the time in which a policy counts."""
    spans = policy.hours.spans(start, end) if isinstance(policy.hours, HoursAhead) else [Span(start, end)]
    for span in spans:
        yield from _pieces(notify, schedules, span.start, span.end)


def _same(one: Hole, other: Hole) -> bool:
    return one.span.end == other.span.start and (one.severities, one.missed) == (other.severities, other.missed)


def _pieces(
    notify: Iterable[str], schedules: Mapping[str, Plannable], start: datetime, end: datetime
) -> Iterator[Span]:
    """Times within which nobody's shift begins or ends."""
    named = {target.name for text in notify if (target := Target.parse(text)).kind == "schedule"}
    cuts = {start, end}
    for name in named & set(schedules):
        for shift in schedules[name].shifts(start, end):
            cuts |= {at for at in (shift.start, shift.end) if start < at < end}
    ordered = sorted(cuts)
    yield from (Span(first, last) for first, last in pairwise(ordered))


def _hole(
    policy: str, notify: list[str], span: Span, directory: Directory, schedules: Mapping[str, Plannable]
) -> Hole | None:
    about = Circumstances(span.start, schedules)
    reached = {severity: reach(notify, severity, directory, about) for severity in Severity}
    nobody = tuple(severity for severity, found in reached.items() if not found.contacts)
    missed = (why.removesuffix(" just now") for why in reached[nobody[0]].missed) if nobody else ()
    return Hole(policy, span, nobody, tuple(missed)) if nobody else None
