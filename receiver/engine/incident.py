"""An incident is the fold of its events. What happened is an event; the incident is what they add up to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal

import msgspec

from tocsin.model import Severity

EVER = datetime(1970, 1, 1, tzinfo=UTC)  # of an incident before its first event

Message = Literal["page", "resolved", "reopened"]


class IncidentStatus(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class EscalationStep(msgspec.Struct, frozen=True):
    """So long after the step before (the opening, for the first), tell these channels."""

    after: timedelta
    notify: tuple[str, ...]


class AlertRef(msgspec.Struct, frozen=True):
    """What an event says of an occurrence."""

    id: str
    name: str


class Event(msgspec.Struct, frozen=True, tag_field="kind"):
    """Something that happened to an incident; when is told beside it."""


class Opened(Event, frozen=True, tag="opened"):
    """The first alert came; the escalation is kept as it was then."""

    tenant: str
    source: str
    key: str
    title: str
    escalation: tuple[EscalationStep, ...]
    reason: str
    traceparent: str = ""  # of the body that opened it


class AlertsJoined(Event, frozen=True, tag="alerts_joined"):
    alerts: tuple[AlertRef, ...]
    severity: Severity
    reason: str


class AlertsResolved(Event, frozen=True, tag="alerts_resolved"):
    alerts: tuple[AlertRef, ...]


class AlertsExpired(Event, frozen=True, tag="alerts_expired"):
    """Nobody said that they ended: Alertmanager no longer knows them."""

    alerts: tuple[AlertRef, ...]
    reason: str


class Reopened(Event, frozen=True, tag="reopened"):
    """What had resolved is back; whoever heard of the end and is not paged first hears of it by `tell`."""

    reason: str
    tell: tuple[str, ...] = ()


class Acknowledged(Event, frozen=True, tag="acknowledged"):
    by: str


class Resolved(Event, frozen=True, tag="resolved"):
    by: str
    reason: str = ""


class EscalationDue(Event, frozen=True, tag="escalation_due"):
    """The timer of a step rang. Only ever asked about: what comes of it is `Escalated`, or nothing."""

    step: int


class Escalated(Event, frozen=True, tag="escalated"):
    step: int
    notify: tuple[str, ...]
    reason: str


class MessageSent(Event, frozen=True, tag="message_sent"):
    channel: str
    message: Message
    key: str
    attempts: int = 1


class MessageSkipped(Event, frozen=True, tag="message_skipped"):
    channel: str
    message: Message
    key: str
    reason: str


class MessageFailed(Event, frozen=True, tag="message_failed"):
    """Given up; what can be tried again is no event."""

    channel: str
    message: Message
    key: str
    reason: str


class AlertsHeld(Event, frozen=True, tag="alerts_held"):
    """Alerts of others that page nobody while this incident is open; after its end they have `settle` to recover."""

    alerts: tuple[AlertRef, ...]
    reason: str
    settle: timedelta


class FlappingBegan(Event, frozen=True, tag="flapping_began"):
    alert: AlertRef
    reason: str


class FlappingEnded(Event, frozen=True, tag="flapping_ended"):
    alert: AlertRef
    reason: str


AnyEvent = (
    Opened
    | AlertsJoined
    | AlertsResolved
    | AlertsExpired
    | Reopened
    | Acknowledged
    | Resolved
    | EscalationDue
    | Escalated
    | MessageSent
    | MessageSkipped
    | MessageFailed
    | AlertsHeld
    | FlappingBegan
    | FlappingEnded
)


@dataclass(frozen=True, slots=True)
class Incident:
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
    asked: frozenset[str] = field(default_factory=frozenset)
    told: frozenset[str] = field(default_factory=frozenset)
    settle: timedelta | None = None  # how long what it holds back has to recover after its end; None: it holds nothing
    traceparent: str = ""
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
        case Opened(tenant=tenant, source=source, key=key, title=title, escalation=escalation, traceparent=traceparent):
            return replace(
                incident,
                tenant=tenant,
                source=source,
                key=key,
                title=title,
                opened_at=at,
                escalation=escalation,
                traceparent=traceparent,
            )
        case AlertsJoined(alerts=alerts, severity=severity):
            worst = max(incident.severity, severity, key=lambda s: s.rank)
            count = len(alerts)
            return replace(incident, alerts=incident.alerts + count, firing=incident.firing + count, severity=worst)
        case AlertsResolved(alerts=alerts):
            return replace(incident, firing=incident.firing - len(alerts))
        case AlertsExpired(alerts=alerts):
            count = len(alerts)
            return replace(incident, firing=incident.firing - count, expired=incident.expired + count)
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
        case Escalated(step=step, notify=notify):
            return replace(incident, step=step + 1, asked=incident.asked | set(notify))
        case MessageSent(channel=channel, message="page" | "reopened"):
            return replace(incident, told=incident.told | {channel})
        case AlertsHeld(settle=settle):
            return replace(incident, settle=settle)
        case _:
            return incident
