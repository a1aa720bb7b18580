"""What the reconciler found, as webhook bodies: so it goes through the inbox and the engine like everything else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from receiver.engine.notification import Body
from tocsin.amapi import GettableAlert
from tocsin.model import Labels

PER_BODY = 500  # alerts


@dataclass(frozen=True, slots=True)
class Group:
    """An Alertmanager group: its key, and the labels that all of its alerts share."""

    key: str
    labels: Labels

    def holds(self, labels: Labels) -> bool:
        """Whether an alert, by its labels, could be one of the group."""
        return all(labels.get(name) == value for name, value in self.labels.items())


def expired_bodies(
    source: str, alerts: Sequence[tuple[Labels, datetime]], reason: str, now: datetime
) -> Iterator[tuple[Body, int]]:
    """Bodies, and how many alerts are in each, that say of alerts (labels, start) that they have expired."""
    wire = [
        {
            "status": "expired",
            "labels": labels,
            "annotations": {"reason": reason},
            "startsAt": starts_at,
            "endsAt": now,
        }
        for labels, starts_at in alerts
    ]
    yield from _bodies(source, Group("reconciler", {}), wire, now)


def adopted_bodies(
    source: str, alerts: Iterable[GettableAlert], groups: Sequence[Group], now: datetime
) -> Iterator[tuple[Body, int]]:
    """Bodies, and how many alerts are in each, that tell of alerts that only Alertmanager knew.

    Each alert comes in the group whose body had left it out.
    Where no body did, the key of its group is not known (the API does not tell it): then its name is its group.
    """
    by_group: dict[str, tuple[Group, list[Mapping[str, Any]]]] = {}
    for alert in alerts:
        name = alert.labels.get("alertname", "")
        own = Group(f"reconciler:{name}", {"alertname": name})
        group = next((group for group in groups if group.holds(alert.labels)), own)
        by_group.setdefault(group.key, (group, []))[1].append(_wire(alert))
    for group, wire in by_group.values():
        yield from _bodies(source, group, wire, now)


def _wire(alert: GettableAlert) -> Mapping[str, Any]:
    return {
        "status": "firing",
        "labels": alert.labels,
        "annotations": alert.annotations,
        "startsAt": alert.starts_at,
        "generatorURL": alert.generator_url,
        "fingerprint": alert.fingerprint,
    }


def _bodies(source: str, group: Group, wire: Sequence[Mapping[str, Any]], now: datetime) -> Iterator[tuple[Body, int]]:
    for first in range(0, len(wire), PER_BODY):
        some = wire[first : first + PER_BODY]
        content = {"version": "4", "groupKey": group.key, "groupLabels": group.labels, "alerts": some}
        yield Body(source, now, msgspec.json.encode(content)), len(some)
