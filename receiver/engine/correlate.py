"""Which incident an occurrence belongs to, and why. A correlator gives a key: what shares it is one incident.

For now the key is Alertmanager's own group.
"""

from __future__ import annotations

from dataclasses import dataclass
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
        return {self._key(notification, tenant) for tenant in tenants}

    def place(self, notification: Notification, occurrence: Occurrence) -> Placement:
        labels = ", ".join(f"{name}={value}" for name, value in sorted(notification.group_labels.items()))
        group = one_line(labels or notification.group_key, 120) or "all alerts"
        return Placement(self._key(notification, occurrence.tenant), f"same Alertmanager group: {group}")

    def _key(self, notification: Notification, tenant: str) -> str:
        """The group's hash: a group key is unbounded in length (prometheus/alertmanager dispatch/dispatch.go)."""
        text = "\xff".join((notification.source, tenant, notification.group_key))
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
