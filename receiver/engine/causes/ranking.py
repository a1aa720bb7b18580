"""The alerts of an incident in the order in which they are likely to be its cause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from receiver.engine.incident import Incident
from receiver.engine.occurrence import Occurrence


@dataclass(frozen=True, slots=True)
class Member:
    """An alert of an incident, and when its trouble began."""

    occurrence: Occurrence
    began_at: datetime


def ranked(members: Iterable[Member], incident: Incident | None = None) -> list[Member]:
    """The likeliest cause first.

    What people said counts most: the marked cause is first, marked noise last. Then comes what the incident began with,
    then what began earliest; at the same moment what is worst.
    """
    cause = incident.cause.id if incident is not None and incident.cause else ""
    root = incident.root.alert.id if incident is not None and incident.root else ""
    noise = incident.noise if incident is not None else frozenset[str]()

    def key(member: Member) -> tuple[bool, bool, bool, datetime, int, str]:
        one = member.occurrence
        return (one.id in noise, one.id != cause, one.id != root, member.began_at, -one.severity.rank, one.id)

    return sorted(members, key=key)
