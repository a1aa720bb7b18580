"""Identity and state: which occurrence each alert of a notification is, and what that changes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from receiver.engine.notification import Notification
from receiver.engine.occurrence import Occurrence, identity_of, occurrence_id
from tocsin.model import Alert, Labels

DEFAULT_TENANT = "default"

# How long after an alert's end a firing from before it may still be on its way: Alertmanager tries again until
# max(group_interval, 10 s) + 15 s for each peer before it (notify/notify.go, cmd/alertmanager/main.go), by default
# 5 m 45 s for the fourth peer. What is still told later than that does fire: the end was not its end.
LATE_FOR = timedelta(minutes=6)


class Change(StrEnum):
    """What a sighting of an alert means; every value but the first three is told to nobody."""

    FIRED = "fired"
    RESOLVED = "resolved"
    EXPIRED = "expired"
    REPEATED = "repeated"
    MOVED = "moved"  # another Prometheus saw it begin earlier
    LATE = "late"  # older than the end that we know: it overtook nobody, it was overtaken
    NEVER_FIRED = "never_fired"  # its resolve is the first that we hear of it
    CONFIRMED = "confirmed"  # the resolve of what had expired


class Sighting(msgspec.Struct, frozen=True, gc=False):
    """One alert of a body, as the occurrence that it is.

    Of one that fired again, `previous` is the one before; of one that expired, `reason` says why.
    """

    change: Change
    occurrence: Occurrence
    previous: Occurrence | None = None
    reason: str = ""


def tenant_in(labels: Labels, tenant_label: str) -> str:
    return labels.get(tenant_label) or DEFAULT_TENANT


def tenant_of(alert: Alert, tenant_label: str) -> str:
    return tenant_in(alert.labels, tenant_label)


def identities(notification: Notification, tenant_label: str) -> list[str]:
    """Who the alerts of a notification are, in order."""
    return [
        alert.identity or identity_of(notification.source, tenant_of(alert, tenant_label), alert.labels)
        for alert in notification.alerts
    ]


def distinct(notification: Notification, tenant_label: str) -> Iterator[Notification]:
    """The notification in parts that name no alert twice, so that each part can be decided as a whole."""
    names = identities(notification, tenant_label)
    if len(set(names)) == len(names):  # as nearly always
        yield notification
        return
    part: dict[str, Alert] = {}
    for identity, alert in zip(names, notification.alerts, strict=True):
        if identity in part:
            yield dataclasses.replace(notification, alerts=tuple(part.values()))
            part = {}
        part[identity] = alert
    yield dataclasses.replace(notification, alerts=tuple(part.values()))


def ingest(notification: Notification, known: Mapping[str, Occurrence], tenant_label: str) -> Iterator[Sighting]:
    """What each alert of a notification changes, given the latest occurrence known of each identity."""
    for identity, alert in zip(identities(notification, tenant_label), notification.alerts, strict=True):
        latest = known.get(identity)
        if latest is not None and latest.ends_at is None and not alert.expired:
            yield _against_open(alert, latest)  # the usual case, and no other occurrence is made for it
        else:
            new = _occurrence(alert, notification, identity, tenant_label, latest)
            yield _sighting(new, latest, notification.received_at)


def _occurrence(
    alert: Alert, notification: Notification, identity: str, tenant_label: str, latest: Occurrence | None
) -> Occurrence:
    """Its id is made of where it begins beyond the one before: one body may tell an alert twice with one `startsAt`."""
    ended = latest.ends_at if latest is not None else None
    begins = alert.starts_at if ended is None else max(alert.starts_at, ended)
    return Occurrence(
        id=occurrence_id(notification.received_at, notification.position, identity, begins),
        identity=identity,
        tenant=tenant_of(alert, tenant_label),
        source=notification.source,
        fingerprint=alert.fingerprint or identity[:16],
        labels=alert.labels,
        annotations=alert.annotations,
        generator_url=alert.generator_url,
        starts_at=alert.starts_at,
        ends_at=alert.ends_at,
        expired=alert.expired,
    )


def _sighting(new: Occurrence, latest: Occurrence | None, received_at: datetime) -> Sighting:
    """An alert against what is known of its identity, where no occurrence is open that it could repeat or end."""
    if new.expired:
        return _expiry(new, latest)
    if latest is None or latest.ends_at is None:
        return Sighting(Change.FIRED if new.ends_at is None else Change.NEVER_FIRED, new)
    return _against_closed(new, latest, latest.ends_at, received_at)


def _expiry(new: Occurrence, latest: Occurrence | None) -> Sighting:
    """The reconciler's word about the occurrence that was open when it asked, and about no later one."""
    if latest is None or latest.ends_at is not None or new.starts_at < latest.starts_at:
        return Sighting(Change.LATE, latest or new)
    reason = new.annotations.get("reason") or "Alertmanager no longer knows them"
    return Sighting(Change.EXPIRED, replace(latest, ends_at=new.ends_at, expired=True), reason=reason)


def _against_open(alert: Alert, latest: Occurrence) -> Sighting:
    floor = latest.not_before
    if alert.ends_at is not None:
        if alert.ends_at < latest.starts_at or (floor is not None and alert.ends_at <= floor):
            return Sighting(Change.LATE, latest)
        return Sighting(Change.RESOLVED, replace(latest, ends_at=alert.ends_at))
    starts_at = alert.starts_at if floor is None else max(alert.starts_at, floor)
    if starts_at < latest.starts_at:
        return Sighting(Change.MOVED, replace(latest, starts_at=starts_at))
    return Sighting(Change.REPEATED, latest)


def _against_closed(new: Occurrence, latest: Occurrence, ended: datetime, received_at: datetime) -> Sighting:
    """A firing from before the end is late, unless nobody said that end or it goes on long after it."""
    begun_before = new.starts_at < ended
    another = replace(new, starts_at=max(new.starts_at, ended), not_before=ended)
    if new.ends_at is None:
        if begun_before and not latest.expired and received_at - ended <= LATE_FOR:
            return Sighting(Change.LATE, latest)
        return Sighting(Change.FIRED, another, latest)
    if not begun_before and new.ends_at > ended:
        return Sighting(Change.NEVER_FIRED, another)
    own = latest.not_before is None or new.ends_at > latest.not_before  # and not the end of the one before it
    if latest.expired and new.ends_at >= latest.starts_at and own:
        return Sighting(Change.CONFIRMED, replace(latest, ends_at=new.ends_at, expired=False))
    return Sighting(Change.REPEATED, latest)  # the same end told again
