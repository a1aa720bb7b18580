"""Heartbeats: alerts that fire as long as all is well. Each is a sign of life, and never an incident."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from receiver.engine.notification import Notification
from tocsin.model import Labels


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """An alert of a source, told by some of its labels, that must be heard of again `within` a time."""

    name: str
    source: str
    labels: Labels
    within: timedelta

    def beats(self, source: str, labels: Labels) -> bool:
        """Whether an alert of a source is this heartbeat."""
        return source == self.source and all(labels.get(name) == value for name, value in self.labels.items())


@dataclass(frozen=True, slots=True)
class Heard:
    """A notification without the heartbeats in it; `signs` tells how many firing alerts each of them had there."""

    rest: Notification
    signs: Mapping[str, int]
    taken: int = 0


def hear(notification: Notification, heartbeats: Sequence[Heartbeat]) -> Heard:
    """Takes the heartbeats out of a notification. One that has resolved is no sign of life, and no incident either."""
    expected = [heartbeat for heartbeat in heartbeats if heartbeat.source == notification.source]
    if not expected:
        return Heard(notification, {})
    signs: dict[str, int] = {}
    rest = []
    for alert in notification.alerts:
        names = [one.name for one in expected if one.beats(notification.source, alert.labels)]
        if not names:
            rest.append(alert)
        elif alert.firing:
            signs |= {name: signs.get(name, 0) + 1 for name in names}
    taken = len(notification.alerts) - len(rest)
    return Heard(replace(notification, alerts=tuple(rest)) if taken else notification, signs, taken)
