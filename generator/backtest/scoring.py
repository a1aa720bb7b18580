"""Alerts held against what really happened: how many were right, how much was found, how much sooner.

A firing belongs to an incident if both overlap and nothing that the incident says of itself contradicts: its labels,
its rules, its tenant. One that overlaps none belongs to those that begin within `tolerance` of its end: it warned.
What fires throughout the range, as a heartbeat does, tells of nothing and is not counted.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from statistics import median

from generator.backtest.incident import Incident, in_order
from generator.backtest.outcome import Firing, RuleOutcome
from generator.backtest.summary import Span, end_of
from tocsin.model import Labels
from tocsin.problem import has_errors

TOLERANCE = timedelta(minutes=15)
LOOKS = 200  # a part of the range that is shorter than one of so many is not searched for data by itself

CanHave = Callable[[str], bool]  # whether the alerts of a rule can have a label


@dataclass(frozen=True, slots=True)
class Score:
    """`matched` of `firings` belong to an incident; of the `possible` ones that it could tell of, some were `found`.

    `leads` are how long before its start an incident was told of (negative: after), for each that was found and whose
    beginning and first firing lie within the range.
    """

    firings: int
    matched: int
    possible: frozenset[int]
    found: frozenset[int]
    leads: tuple[timedelta, ...]

    @property
    def precision(self) -> float | None:
        return self.matched / self.firings if self.firings else None

    @property
    def recall(self) -> float | None:
        return len(self.found) / len(self.possible) if self.possible else None

    @property
    def lead(self) -> timedelta | None:
        """The median."""
        return timedelta(seconds=median(lead.total_seconds() for lead in self.leads)) if self.leads else None


@dataclass(frozen=True, slots=True)
class Told:
    """An alert that told of an incident: by its number among all, and its first firing that belongs to it."""

    incident: int
    firing: Firing


@dataclass(frozen=True, slots=True)
class Held:
    """One alert held against the incidents: how many of its firings belong to one, and the first for each it found."""

    firings: int
    matched: int
    possible: frozenset[int]
    told: tuple[Told, ...]


class Record:
    """The incidents of a range, in a row by their start; their numbers are places in it."""

    def __init__(self, incidents: Sequence[Incident], span: Span, tolerance: timedelta = TOLERANCE) -> None:
        self.incidents = in_order(incidents)
        self.span = span
        self.tolerance = tolerance
        self._starts = [one.start - tolerance for one in self.incidents]
        self._longest = max((self._end(one) - one.start for one in self.incidents), default=timedelta()) + tolerance

    def held(self, outcome: RuleOutcome, labels: Labels, can_have: CanHave) -> Held:
        """One alert against all incidents; `labels` are those that its rule and group put on every alert."""
        firings = [one for one in outcome.firings if not (one.began_before and one.end is None)]
        matched, first = 0, dict[int, Firing]()
        for firing in sorted(firings, key=lambda one: one.start):
            numbers = self._of(firing, outcome.rule.name)
            matched += bool(numbers)
            for number in numbers:
                first.setdefault(number, firing)
        possible = frozenset(self._possible(outcome, labels, can_have) if firings or not outcome.firings else ())
        told = tuple(Told(number, first[number]) for number in sorted(first))
        return Held(len(firings), matched, possible | first.keys(), told)

    def score(self, held: Iterable[Held]) -> Score:
        """Of one alert, or of several together: then an incident is found if one of them tells of it."""
        several = list(held)
        first: dict[int, Firing] = {}
        for told in (one for alert in several for one in alert.told):
            known = first.get(told.incident)
            if known is None or _order(told.firing) < _order(known):
                first[told.incident] = told.firing
        leads = (self.lead(number, first[number]) for number in sorted(first))
        return Score(
            sum(one.firings for one in several),
            sum(one.matched for one in several),
            frozenset[int]().union(*(one.possible for one in several)),
            frozenset(first),
            tuple(lead for lead in leads if lead is not None),
        )

    def lead(self, number: int, firing: Firing) -> timedelta | None:
        """How long before an incident a firing began; of what began before the range nobody knows."""
        start = self.incidents[number].start
        return None if firing.began_before or start < self.span.start else start - firing.start

    def _possible(self, outcome: RuleOutcome, labels: Labels, can_have: CanHave) -> Iterator[int]:
        """The incidents that the rule could tell of."""
        for number, one in enumerate(self.incidents):
            if self._is_known(outcome, one) and _is_about(one, outcome.rule.name, labels, can_have):
                yield number

    def _near(self, firing: Firing) -> range:
        """The incidents whose beginning allows that both overlap."""
        earliest = bisect_left(self._starts, firing.start - self._longest)
        return range(earliest, bisect_right(self._starts, end_of(firing, self.span)))

    def _of(self, firing: Firing, name: str) -> list[int]:
        """The incidents that it belongs to."""
        near = [number for number in self._near(firing) if self._may_belong(firing, number, name)]
        end = end_of(firing, self.span)
        return [number for number in near if self.incidents[number].start <= end] or near

    def _may_belong(self, firing: Firing, number: int, name: str) -> bool:
        """Whether both overlap, if the incident began so much earlier, and nothing contradicts."""
        one = self.incidents[number]
        overlap = firing.start <= self._end(one) and self._starts[number] <= end_of(firing, self.span)
        return overlap and _names(one, name) and _agrees(one, firing.labels)

    def _is_known(self, outcome: RuleOutcome, incident: Incident) -> bool:
        """Whether the rule had something to look at while the incident lasted."""
        data = outcome.data
        if data is None:
            return not has_errors(outcome.problems)
        if data.first is None or data.last is None:
            return False
        slack = self.span.length / LOOKS
        return incident.start <= data.last + slack and data.first - slack <= self._end(incident)

    def _end(self, incident: Incident) -> datetime:
        return self.span.end if incident.end is None else incident.end


def _order(firing: Firing) -> tuple[bool, datetime]:
    return not firing.began_before, firing.start


def _names(incident: Incident, name: str) -> bool:
    return not incident.rules or any(fnmatchcase(name, pattern) for pattern in incident.rules)


def _agrees(incident: Incident, labels: Labels) -> bool:
    tenant = labels.get("tenant")
    if incident.tenant and tenant and tenant != incident.tenant:
        return False
    return all(labels.get(name) == value for name, value in incident.labels.items())


def _is_about(incident: Incident, name: str, labels: Labels, can_have: CanHave) -> bool:
    """Whether an alert of the rule could belong to the incident at all."""
    tenant = labels.get("tenant")
    if incident.tenant and tenant and tenant != incident.tenant:
        return False
    return _names(incident, name) and all(
        labels[key] == value or "{{" in labels[key] if key in labels else can_have(key)
        for key, value in incident.labels.items()
    )
