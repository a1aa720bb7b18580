"""An incident is the fold of its events. What happened is an event; the incident is what they add up to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from receiver.engine.events import (
    Acknowledged,
    Adopted,
    AlertRef,
    AlertsExpired,
    AlertsHeld,
    AlertsJoined,
    AlertsLeft,
    AlertsResolved,
    AnyEvent,
    CauseMarked,
    Escalated,
    EscalationStep,
    MergedInto,
    MessageSent,
    NoiseMarked,
    Opened,
    Reopened,
    Resolved,
    Root,
    StormBegan,
    StormEnded,
    TookOver,
)
from tocsin.model import Severity

EVER = datetime(1970, 1, 1, tzinfo=UTC)  # of an incident before its first event


class IncidentStatus(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Incident(msgspec.Struct, frozen=True):
    """What its events add up to; `version` is how many they are.

    `reopened` counts how often it came back. Who was asked, told and acknowledged, and which alerts expired, is told of
    the time since it last opened.
    """

    id: str
    tenant: str = ""
    source: str = ""
    key: str = ""
    title: str = ""
    status: IncidentStatus = IncidentStatus.OPEN
    severity: Severity = Severity.INFO
    opened_at: datetime = EVER
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    resolved_at: datetime | None = None
    resolved_by: str = ""
    reopened_at: datetime | None = None
    reopened: int = 0
    alerts: int = 0
    firing: int = 0
    expired: int = 0
    escalation: tuple[EscalationStep, ...] = ()
    step: int = 0
    asked: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()
    settle: timedelta | None = None  # how long what it holds back has to recover after its end; None: it holds nothing
    traceparent: str = ""
    root: Root | None = None
    cause: AlertRef | None = None  # as a person said
    noise: frozenset[str] = frozenset()  # alerts, as a person said
    merged_into: str = ""
    storm: bool = False  # new incidents are folded into it now
    version: int = 0


def apply(incident: Incident, event: AnyEvent, at: datetime) -> Incident:
    """The incident after one more event."""
    return replace(_changed(incident, event, at), version=incident.version + 1)


def fold(incident_id: str, events: Iterable[tuple[datetime, AnyEvent]]) -> Incident:
    """The incident that a list of events adds up to."""
    incident = Incident(incident_id)
    for at, event in events:
        incident = apply(incident, event, at)
    return incident


def _changed(incident: Incident, event: AnyEvent, at: datetime) -> Incident:
    match event:
        case Opened():
            return replace(
                incident,
                tenant=event.tenant,
                source=event.source,
                key=event.key,
                title=event.title,
                opened_at=at,
                escalation=event.escalation,
                traceparent=event.traceparent,
                root=event.root,
            )
        case Reopened(tell=tell):
            return replace(
                incident,
                status=IncidentStatus.OPEN,
                reopened=incident.reopened + 1,
                reopened_at=at,
                acknowledged_at=None,
                acknowledged_by="",
                resolved_at=None,
                resolved_by="",
                expired=0,
                step=0,
                asked=frozenset(tell),
                told=frozenset(),
            )
        case Acknowledged(by=by):
            return replace(incident, status=IncidentStatus.ACKNOWLEDGED, acknowledged_at=at, acknowledged_by=by)
        case Resolved(by=by):
            return replace(incident, status=IncidentStatus.RESOLVED, resolved_at=at, resolved_by=by)
        case MergedInto(incident=other, by=by):
            ended = replace(incident, status=IncidentStatus.RESOLVED, resolved_at=at, resolved_by=by or "tocsin")
            return replace(ended, merged_into=other, alerts=0, firing=0)
        case TookOver(step=step, asked=asked, told=told, acknowledged_by=by):
            known = replace(incident, step=max(incident.step, step), asked=incident.asked | set(asked))
            known = replace(known, told=incident.told | set(told))
            if by and incident.status is IncidentStatus.OPEN:
                known = replace(known, status=IncidentStatus.ACKNOWLEDGED, acknowledged_at=at, acknowledged_by=by)
            return known
        case _:
            return _counted(incident, event)


def _counted(incident: Incident, event: AnyEvent) -> Incident:
    """What alerts mean that come and go."""
    match event:
        case AlertsJoined(alerts=alerts, severity=severity):
            worst = max(incident.severity, severity, key=lambda s: s.rank)
            count = len(alerts)
            return replace(incident, alerts=incident.alerts + count, firing=incident.firing + count, severity=worst)
        case AlertsResolved(alerts=alerts):
            return replace(incident, firing=incident.firing - len(alerts))
        case AlertsExpired(alerts=alerts):
            count = len(alerts)
            return replace(incident, firing=incident.firing - count, expired=incident.expired + count)
        case Adopted(alerts=count, firing=firing, severity=severity):
            worst = max(incident.severity, severity, key=lambda s: s.rank)
            return replace(incident, alerts=incident.alerts + count, firing=incident.firing + firing, severity=worst)
        case AlertsLeft(alerts=alerts, firing=firing):
            return replace(incident, alerts=incident.alerts - len(alerts), firing=incident.firing - firing)
        case _:
            return _noted(incident, event)


def _noted(incident: Incident, event: AnyEvent) -> Incident:
    """What changes neither the status nor the alerts."""
    match event:
        case Escalated(step=step, notify=notify):
            return replace(incident, step=step + 1, asked=incident.asked | set(notify))
        case MessageSent(channel=channel, message="page" | "reopened"):
            return replace(incident, told=incident.told | {channel})
        case AlertsHeld(settle=settle):
            return replace(incident, settle=settle)
        case CauseMarked(alert=alert):
            return replace(incident, cause=alert, noise=incident.noise - {alert.id})
        case NoiseMarked(alert=alert):
            cause = None if incident.cause == alert else incident.cause
            return replace(incident, cause=cause, noise=incident.noise | {alert.id})
        case StormBegan():
            return replace(incident, storm=True)
        case StormEnded():
            return replace(incident, storm=False)
        case _:
            return incident
