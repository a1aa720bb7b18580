"""Which incident an occurrence belongs to, and why. A correlator gives a key: what shares it is one incident."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Protocol

from receiver.engine.events import Root
from receiver.engine.notification import Notification
from receiver.engine.occurrence import Occurrence, one_line

if TYPE_CHECKING:
    from receiver.engine.working_set import WorkingSet


@dataclass(frozen=True, slots=True)
class Adoption:
    """An open incident that another one explains, and the figures."""

    incident: str
    follows: str
    reason: str
    odds: float


@dataclass(frozen=True, slots=True)
class Placement:
    """The incident that an occurrence belongs to, by key, and the reason in words.

    `root` and `incident` are set where correlation knows them: the alert that opens the incident, and its id. `besides`
    is what else there is to say of this alert alone.
    """

    key: str
    reason: str
    incident: str = ""
    root: Root | None = None
    follows: str = ""
    odds: float = 0.0
    besides: str = ""
    adopts: tuple[Adoption, ...] = ()
    reopens: str = field(default="", compare=False)  # why, if the incident is over

    @property
    def why(self) -> str:
        return f"{self.reason}; {self.besides}" if self.besides else self.reason


Placed = tuple[Placement, Occurrence]
Fired = tuple[Occurrence, Placement | None]  # an occurrence, and where it would return to


class Correlator(Protocol):
    def keys(self, notification: Notification, tenants: set[str]) -> set[str]:
        """Every key of a group that could be given for a notification; what is known of them is loaded beforehand."""
        ...

    def group(self, notification: Notification, occurrence: Occurrence) -> Placement:
        """Where an occurrence would go by its Alertmanager group alone."""
        ...

    def place(
        self, notification: Notification, fired: Iterable[Fired], work: WorkingSet, now: datetime
    ) -> Iterator[Placed]:
        """Where new occurrences of one body belong, in the order in which they should join."""
        ...

    def again(self, held: Iterable[Placed], work: WorkingSet, now: datetime) -> Iterator[Placed]:
        """Where occurrences belong that were held back, each with its group's placement."""
        ...


class ByGroup:
    """One incident per (source, tenant, Alertmanager group)."""

    def keys(self, notification: Notification, tenants: set[str]) -> set[str]:
        return {_key(notification.source, tenant, notification.group_key) for tenant in tenants}

    def group(self, notification: Notification, occurrence: Occurrence) -> Placement:
        return _placement(
            notification.source, occurrence.tenant, notification.group_key, tuple(notification.group_labels.items())
        )

    def place(
        self, notification: Notification, fired: Iterable[Fired], work: WorkingSet, now: datetime
    ) -> Iterator[Placed]:
        return ((back or self.group(notification, occurrence), occurrence) for occurrence, back in fired)

    def again(self, held: Iterable[Placed], work: WorkingSet, now: datetime) -> Iterator[Placed]:
        return iter(held)


@lru_cache(maxsize=64)  # the alerts of a body share their placement
def _placement(source: str, tenant: str, group_key: str, group_labels: tuple[tuple[str, str], ...]) -> Placement:
    labels = ", ".join(f"{name}={value}" for name, value in sorted(group_labels))
    group = one_line(labels or group_key, 120) or "all alerts"
    return Placement(_key(source, tenant, group_key), f"same Alertmanager group: {group}")


def _key(source: str, tenant: str, group_key: str) -> str:
    """The group's hash: a group key is unbounded in length (prometheus/alertmanager dispatch/dispatch.go)."""
    text = "\xff".join((source, tenant, group_key))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
