"""Identity and state: which occurrence each alert of a notification is, and what that changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from receiver.engine.notification import Notification
from receiver.engine.occurrence import Occurrence, identity_of, new_id
from tocsin.model import Alert

DEFAULT_TENANT = "default"


class Change(StrEnum):
    """What a sighting of an alert means; every value but the first two is told to nobody."""

    FIRED = "fired"
    RESOLVED = "resolved"
    REPEATED = "repeated"
    MOVED = "moved"  # another Prometheus saw it begin earlier
    LATE = "late"  # older than the end that we know: it overtook nobody, it was overtaken
    NEVER_FIRED = "never_fired"  # its resolve is the first that we hear of it


@dataclass(frozen=True, slots=True)
class Sighting:
    """One alert of a body, as the occurrence that it is."""

    change: Change
    occurrence: Occurrence


def tenant_of(alert: Alert, tenant_label: str) -> str:
    return alert.labels.get(tenant_label) or DEFAULT_TENANT


def identities(notification: Notification, tenant_label: str) -> list[str]:
    """Who the alerts of a notification are, in order."""
    return [
        identity_of(notification.source, tenant_of(alert, tenant_label), alert.labels) for alert in notification.alerts
    ]


def distinct(notification: Notification, tenant_label: str) -> Iterator[Notification]:
    """The notification in parts that name no alert twice, so that each part can be decided as a whole."""
    part: dict[str, Alert] = {}
    for identity, alert in zip(identities(notification, tenant_label), notification.alerts, strict=True):
        if identity in part:
            yield replace(notification, alerts=tuple(part.values()))
            part = {}
        part[identity] = alert
    yield replace(notification, alerts=tuple(part.values()))


def ingest(notification: Notification, known: Mapping[str, Occurrence], tenant_label: str) -> Iterator[Sighting]:
    """What each alert of a notification changes, given the latest occurrence known of each identity."""
    for alert in notification.alerts:
        new = _occurrence(alert, notification, tenant_of(alert, tenant_label))
        yield _sighting(new, known.get(new.identity))


def _occurrence(alert: Alert, notification: Notification, tenant: str) -> Occurrence:
    identity = identity_of(notification.source, tenant, alert.labels)
    return Occurrence(
        id=new_id(notification.received_at.isoformat(), notification.position, identity, alert.starts_at),
        identity=identity,
        tenant=tenant,
        source=notification.source,
        fingerprint=alert.fingerprint or identity[:16],
        labels=alert.labels,
        annotations=alert.annotations,
        generator_url=alert.generator_url,
        starts_at=alert.starts_at,
        ends_at=alert.ends_at,
    )


def _sighting(new: Occurrence, latest: Occurrence | None) -> Sighting:
    """An alert against the latest occurrence of its identity."""
    if latest is None or latest.ends_at is not None:
        return _against_closed(new, latest)
    if new.ends_at is not None:
        if new.ends_at < latest.starts_at:
            return Sighting(Change.LATE, latest)
        return Sighting(Change.RESOLVED, replace(latest, ends_at=new.ends_at))
    if new.starts_at < latest.starts_at:
        return Sighting(Change.MOVED, replace(latest, starts_at=new.starts_at))
    return Sighting(Change.REPEATED, latest)


def _against_closed(new: Occurrence, latest: Occurrence | None) -> Sighting:
    if latest is None or latest.ends_at is None:
        return Sighting(Change.FIRED if new.ends_at is None else Change.NEVER_FIRED, new)
    if new.ends_at is None:
        return Sighting(Change.FIRED, new) if new.starts_at >= latest.ends_at else Sighting(Change.LATE, latest)
    if new.ends_at <= latest.ends_at:
        return Sighting(Change.REPEATED, latest)  # the same end told again
    return Sighting(Change.NEVER_FIRED, new)
