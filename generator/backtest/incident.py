"""What really happened: an incident that somebody knows of, against which alerts are held."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from tocsin.model import Labels
from tocsin.problem import Problem

MOST = 10_000  # incidents of one backtest


@dataclass(frozen=True, slots=True)
class Incident:
    """From `start` to `end`, which is None while it is open; times are aware and in UTC.

    `labels` and `rules` (patterns of alerts' names) narrow what it is about; without them it may be anything.
    """

    title: str
    start: datetime
    end: datetime | None
    id: str = ""
    severity: str = ""
    tenant: str = ""
    labels: Labels = field(default_factory=dict)
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Incidents:
    """What was read, by their start; `outside` are as many as lay beyond the range, `source` is where from."""

    items: tuple[Incident, ...]
    source: str
    outside: int = 0
    problems: tuple[Problem, ...] = ()

    def within(self, start: datetime, end: datetime) -> Incidents:
        """Those that touch the range; one that had not ended by its end is open."""
        kept = [one for one in self.items if one.start <= end and (one.end is None or one.end >= start)]
        items = tuple(in_order(_open_at(one, end) for one in kept))
        return replace(self, items=items, outside=self.outside + len(self.items) - len(items))

    @property
    def open(self) -> int:
        """How many have no end."""
        return sum(one.end is None for one in self.items)


def _open_at(incident: Incident, end: datetime) -> Incident:
    return replace(incident, end=None) if incident.end is not None and incident.end > end else incident


def in_order(incidents: Iterable[Incident]) -> list[Incident]:
    """By their start; a place in this order is an incident's number."""
    return sorted(incidents, key=_order)


def _order(incident: Incident) -> tuple[datetime, str, str]:
    return incident.start, incident.title, incident.id
