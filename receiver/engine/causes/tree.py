"""An incident as people see it: the likely cause first, what follows from it beneath, noise apart.

Alerts of one name on one service with one place in the tree are one branch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from receiver.engine.causes.why import Why
from receiver.engine.occurrence import Occurrence
from receiver.engine.topology import Topology
from tocsin.model import Severity

PLACES = ("node", "host", "instance", "pod", "shard", "job")  # labels that tell where something without a service is


class Role(StrEnum):
    """What a branch is to its incident."""

    CAUSE = "cause"
    CONSEQUENCE = "consequence"
    TOGETHER = "together"  # part of it for another reason than a cause: a group, a person's word
    NOISE = "noise"


OnsetOf = Callable[[Occurrence], datetime]


def starts_at(occurrence: Occurrence) -> datetime:
    """The onset, where no rule's `for` is known."""
    return occurrence.starts_at


@dataclass(frozen=True, slots=True)
class Reading:
    """How alerts are read: the services and what depends on what, and when an alert's trouble began."""

    topology: Topology = field(default_factory=Topology)
    onset_of: OnsetOf = starts_at


@dataclass(frozen=True, slots=True)
class Branch:
    """Alerts of one name on one service with one place in the tree.

    `alert` and `why` are those of the one likeliest to be the cause, at place `rank` of all alerts, from 1. `labels`
    has up to a few values of each label and how many there are. `lag`: how much later it began than what it
    follows.
    """

    name: str
    service: str
    role: Role
    alert: str
    rank: int
    alerts: int
    firing: int
    severity: Severity
    began_at: datetime
    ended_at: datetime | None
    why: Why
    labels: Mapping[str, tuple[tuple[str, ...], int]]
    lag: timedelta | None = None
    branches: tuple[Branch, ...] = ()

    @property
    def where(self) -> str:
        """Its service; without one the node or the like that all of them name; else an empty text."""
        places = (name for name in PLACES if self.labels.get(name, ((), 0))[1] == 1)
        return self.service or next((f"{name} {self.labels[name][0][0]}" for name in places), "")


@dataclass(frozen=True, slots=True)
class Placing:
    """What is known of one alert's part in its incident."""

    rank: int
    why: Why
    noise: bool


@dataclass(frozen=True, slots=True)
class Tree:
    """An incident's alerts: `branches` the likeliest cause first, `noise` apart; what they leave out is counted.

    `services` counts the alerts that are neither cause nor noise, by service, in a storm all; `unread` are the
    incident's alerts beyond those that were looked at. `storm`: it stands for one, and has many causes.
    """

    branches: tuple[Branch, ...] = ()
    noise: tuple[Branch, ...] = ()
    services: Mapping[str, int] = field(default_factory=dict)
    more_alerts: int = 0
    more_kinds: int = 0
    unread: int = 0
    storm: bool = False
    placings: Mapping[str, Placing] = field(default_factory=dict)
    order: tuple[str, ...] = ()  # alerts, by rank

    @property
    def cause(self) -> Branch | None:
        """The likeliest cause, if there is one to be named."""
        first = next(iter(self.branches), None)
        return first if first is not None and first.role is Role.CAUSE else None
