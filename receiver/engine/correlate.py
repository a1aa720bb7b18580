"""Which incident an occurrence belongs to, and why. A correlator gives a key: what shares it is one incident.

For now the key is Alertmanager's own group.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Protocol

from receiver.engine.notification import Notification
from receiver.engine.occurrence import Occurrence, one_line


@dataclass(frozen=True, slots=True)
class Placement:
    """The incident that an occurrence belongs to, by key, and the reason in words."""

    key: str
    reason: str


class Correlator(Protocol):
    def keys(self, notification: Notification, tenants: set[str]) -> set[str]:
        """Every key that `place` could give for a notification; what is known of them is loaded beforehand."""
        ...

    def place(self, notification: Notification, occurrence: Occurrence) -> Placement:
        """Where an occurrence belongs."""
        ...


class ByGroup:
    """One incident per (source, tenant, Alertmanager group)."""

    def keys(self, notification: Notification, tenants: set[str]) -> set[str]:
        return {_key(notification.source, tenant, notification.group_key) for tenant in tenants}

    def place(self, notification: Notification, occurrence: Occurrence) -> Placement:
        return _placement(
            notification.source, occurrence.tenant, notification.group_key, tuple(notification.group_labels.items())
        )


@lru_cache(maxsize=64)  # the alerts of a body share their placement
def _placement(source: str, tenant: str, group_key: str, group_labels: tuple[tuple[str, str], ...]) -> Placement:
    labels = ", ".join(f"{name}={value}" for name, value in sorted(group_labels))
    group = one_line(labels or group_key, 120) or "all alerts"
    return Placement(_key(source, tenant, group_key), f"same Alertmanager group: {group}")


def _key(source: str, tenant: str, group_key: str) -> str:
    """The group's hash: a group key is unbounded in length (prometheus/alertmanager dispatch/dispatch.go)."""
    text = "\xff".join((source, tenant, group_key))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
