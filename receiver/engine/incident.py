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
    EscalationBegan,
    EscalationForced,
    HandedOver,
    MergedInto,
    NoiseMarked,
    Opened,
    Reassigned,
    Reopened,
    Resolved,
    Root,
    SeverityRaised,
    SlaBroken,
    Snoozed,
    SnoozeEnded,
    StormBegan,
    StormEnded,
    TookOver,
)
from receiver.engine.message_events import MessageDiverted, MessageFailed, MessageRetried, MessageSent
from receiver.engine.plan import Contact, Escalation, EscalationStep, address, contact_of
from receiver.engine.run import Run, applied
from receiver.engine.run_events import RunbookUnfit, RunEvent
from receiver.engine.silence_events import ForeignSilence, SilenceFailed, SilenceRemoved, SilencesSeen, SilenceWritten
from tocsin.model import Severity

EVER = datetime(1970, 1, 1, tzinfo=UTC)  # of an incident before its first event


class IncidentStatus(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Standing(msgspec.Struct, frozen=True):
    """A silence that was written for an incident; `ended`: somebody ended it in Alertmanager."""

    source: str
    id: str
    until: datetime
    matchers: tuple[str, ...]
    ended: bool = False


class Incident(msgspec.Struct, frozen=True, omit_defaults=True):
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
    plan: Escalation = Escalation()  # the rest of the policy it was opened under
    labels: tuple[tuple[str, str], ...] = ()  # those that chose the policy
    step: int = 0
    renewed: int = 0  # how often its escalation began anew but for a reopening
    repeats: int = 0  # how often that was because nobody had it after the last step
    asked: frozenset[str] = frozenset()  # addresses
    told: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()  # addresses that messages could not reach
    first: frozenset[str] = frozenset()  # addresses that the first step meant
    followers: frozenset[str] = frozenset()  # addresses whose channel shows how it goes on
    contacts: tuple[Contact, ...] = ()  # of the newest step
    escalated_at: datetime | None = None  # when that was taken
    hand_over_at: datetime | None = None  # when the first shift ends of those who were asked
    references: tuple[tuple[str, str], ...] = ()  # what the far side calls its first message, by address
    assigned_to: str = ""  # a target
    snoozed_until: datetime | None = None
    sla_broken: tuple[str, ...] = ()  # terms
    settle: timedelta | None = None  # how long what it holds back has to recover after its end; None: it holds nothing
    traceparent: str = ""
    root: Root | None = None
    cause: AlertRef | None = None  # as a person said
    noise: frozenset[str] = frozenset()  # alerts, as a person said
    merged_into: str = ""
    storm: bool = False  # new incidents are folded into it now
    silences: tuple[Standing, ...] = ()
    silenced_by: tuple[ForeignSilence, ...] = ()
    unsilenced: frozenset[str] = frozenset()  # sources whose Alertmanager took no silence
    runs: tuple[Run, ...] = ()  # of runbooks, oldest first; of those that are over only the outcome
    unfit: frozenset[str] = frozenset()  # runbooks that are for it and cannot be planned
    version: int = 0

    @property
    def wants_silence(self) -> bool:
        """Whether Alertmanager should be silent about it: somebody has it, and its policy says so."""
        if self.status is not IncidentStatus.ACKNOWLEDGED:
            return False
        return "acknowledge" in self.plan.silence or (bool(self.snoozed_until) and "snooze" in self.plan.silence)

    def run(self, run_id: str) -> Run | None:
        """A run of a runbook, by its id."""
        return next((one for one in self.runs if one.id == run_id), None)

    @property
    def round(self) -> int:
        """How often its escalation began anew: messages of an earlier round are no longer wanted."""
        return self.reopened + self.renewed

    def message_key(self, name: str) -> str:
        """The key of a message; it tells it from the same one before the escalation began anew."""
        return f"{self.id}/{name}" + (f"/{self.round}" if self.round else "")

    def paged_now(self, key: str, where: str) -> bool:
        """Whether a key is that of a page to this address since the escalation last began anew."""
        return any(key == self.message_key(f"page/{number}/{where}") for number in range(self.step))

    @property
    def repeats_left(self) -> bool:
        """Whether the escalation begins anew after its last step."""
        return self.repeats < self.plan.repeat


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
    if isinstance(event, RunEvent | RunbookUnfit):
        return _remedied(incident, event, at)
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
                plan=event.plan or Escalation(steps=event.escalation),
                severity=event.severity or incident.severity,
                labels=event.labels,
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
                repeats=0,
                asked=frozenset(tell),
                told=frozenset(),
                failed=frozenset(),
                contacts=(),
                snoozed_until=None,
                sla_broken=(),
                silenced_by=(),
            )
        case Acknowledged(by=by):
            return _had(incident, by, at)
        case Snoozed(by=by, until=until):
            return replace(_had(incident, by, at), snoozed_until=until)
        case SnoozeEnded() | Reassigned() | EscalationForced() | EscalationBegan():
            return _anew(incident, event)
        case Resolved(by=by):
            over = replace(incident, status=IncidentStatus.RESOLVED, resolved_at=at, resolved_by=by)
            return replace(over, silenced_by=(), unsilenced=frozenset())
        case MergedInto(incident=other, by=by):
            ended = replace(incident, status=IncidentStatus.RESOLVED, resolved_at=at, resolved_by=by or "tocsin")
            return replace(ended, merged_into=other, alerts=0, firing=0, silenced_by=())
        case TookOver(step=step, asked=asked, told=told, acknowledged_by=by):
            reached = (
                min(step, len(incident.escalation)) if told else 0
            )  # who was not told yet will not be by the other
            reached = max(incident.step, reached)
            known = replace(incident, step=reached, asked=incident.asked | set(asked))
            known = replace(known, told=incident.told | set(told))
            if by and incident.status is IncidentStatus.OPEN:
                known = replace(known, status=IncidentStatus.ACKNOWLEDGED, acknowledged_at=at, acknowledged_by=by)
            return known
        case _:
            return _counted(incident, event, at)


def _had(incident: Incident, by: str, at: datetime) -> Incident:
    """Somebody has it."""
    return replace(
        incident,
        status=IncidentStatus.ACKNOWLEDGED,
        acknowledged_at=incident.acknowledged_at or at,
        acknowledged_by=by,
        snoozed_until=None,
        silences=tuple(silence for silence in incident.silences if not silence.ended),
        unsilenced=frozenset(),
    )


def _anew(incident: Incident, event: SnoozeEnded | Reassigned | EscalationForced | EscalationBegan) -> Incident:
    """Nobody has it any more, and the escalation goes on from what the event says."""
    free = replace(
        incident,
        status=IncidentStatus.OPEN,
        acknowledged_at=None,
        acknowledged_by="",
        snoozed_until=None,
        failed=frozenset(),
        contacts=(),
        renewed=incident.renewed + 1,
        step=0,
    )
    match event:
        case Reassigned(to=to, wait=wait):
            steps = incident.plan.after_telling((to,), wait)
            return replace(free, assigned_to=to, escalation=steps, repeats=0)
        case EscalationForced(plan=None):
            again = incident.step >= len(incident.escalation)
            return replace(free, step=0 if again else incident.step)
        case EscalationForced(plan=plan):
            assert plan is not None  # the case before
            return replace(free, plan=plan, escalation=plan.steps, repeats=0, assigned_to="")
        case EscalationBegan():
            return replace(free, repeats=incident.repeats + 1)
        case SnoozeEnded():
            return replace(free, repeats=0)


def _counted(incident: Incident, event: AnyEvent, at: datetime) -> Incident:
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
            return _noted(incident, event, at)


def _noted(incident: Incident, event: AnyEvent, at: datetime) -> Incident:
    """What changes neither the status nor the alerts."""
    match event:
        case Escalated(step=step, notify=notify, contacts=contacts, hand_over_at=ends):
            first = frozenset(notify) if step == 0 else incident.first
            reached = contacts or tuple(contact_of(where) for where in notify)
            taken = replace(incident, step=step + 1, first=first, failed=incident.failed - set(notify), escalated_at=at)
            earliest = min((one for one in (incident.hand_over_at, ends) if one is not None and one > at), default=None)
            return _asked(replace(taken, contacts=reached, hand_over_at=earliest), reached)
        case HandedOver(contacts=contacts, hand_over_at=ends):
            people = " and ".join(dict.fromkeys(contact.person for contact in contacts if contact.person))
            to = people or incident.assigned_to
            return _asked(replace(incident, assigned_to=to, hand_over_at=ends), contacts)
        case MessageSent():
            return _told(incident, event)
        case MessageFailed() | MessageDiverted() if event.message == "page":
            return _failed(incident, event, at)
        case MessageRetried(channel=channel, person=person, message="page"):
            return replace(incident, failed=incident.failed - {address(channel, person)})
        case SeverityRaised(severity=severity):
            return replace(incident, severity=severity)
        case SlaBroken(term=term):
            return replace(incident, sla_broken=(*incident.sla_broken, term))
        case AlertsHeld(settle=settle):
            return replace(incident, settle=settle)
        case CauseMarked(alert=alert):
            return replace(incident, cause=alert, noise=incident.noise - {alert.id})
        case NoiseMarked(alert=alert):
            cause = None if incident.cause == alert else incident.cause
            return replace(incident, cause=cause, noise=incident.noise | {alert.id})
        case StormBegan() | StormEnded():
            return replace(incident, storm=isinstance(event, StormBegan))
        case _:
            return _silenced(incident, event)


def _remedied(incident: Incident, event: RunEvent | RunbookUnfit, at: datetime) -> Incident:
    if isinstance(event, RunbookUnfit):
        return replace(incident, unfit=incident.unfit | {event.runbook})
    run = applied(incident.run(event.run), event, at)
    if incident.run(run.id) is None:
        return replace(incident, runs=(*incident.runs, run))
    return replace(incident, runs=tuple(run if one.id == run.id else one for one in incident.runs))


def _silenced(incident: Incident, event: AnyEvent) -> Incident:
    """What is silent in Alertmanager."""
    match event:
        case SilenceWritten(source=source, id=name, until=until, matchers=matchers):
            others = tuple(one for one in incident.silences if one.id != name)
            written = replace(incident, silences=(*others, Standing(source, name, until, matchers)))
            return replace(written, unsilenced=incident.unsilenced - {source})
        case SilenceRemoved(id=name, there=there):
            kept = (replace(one, ended=True) if one.id == name else one for one in incident.silences)
            return replace(incident, silences=tuple(one for one in kept if there or one.id != name))
        case SilenceFailed(source=source):
            return replace(incident, unsilenced=incident.unsilenced | {source})
        case SilencesSeen(source=source, silences=seen):
            foreign = tuple(one for one in incident.silenced_by if one.source != source)
            return replace(incident, silenced_by=(*foreign, *seen))
        case _:
            return incident


def _asked(incident: Incident, contacts: tuple[Contact, ...]) -> Incident:
    following = incident.followers | {contact.address for contact in contacts if contact.follows}
    asked = incident.asked | {contact.address for contact in contacts}
    return replace(incident, asked=asked, followers=following)


def _failed(incident: Incident, page: MessageFailed | MessageDiverted, at: datetime) -> Incident:
    """The next way that this person has is due now, unless another one is on its way already."""
    where, began = address(page.channel, page.person), incident.escalated_at or at
    if where in incident.failed or not incident.paged_now(page.key, where):
        return incident
    failed = incident.failed | {where}
    ways = [c for c in incident.contacts if page.person and c.person == page.person and c.address not in failed]
    if not ways or any(began + way.after <= at for way in ways):
        return replace(incident, failed=failed)
    first = min(ways, key=lambda way: way.after)
    contacts = (replace(one, after=at - began) if one is first else one for one in incident.contacts)
    return replace(incident, failed=failed, contacts=tuple(contacts))


def _told(incident: Incident, sent: MessageSent) -> Incident:
    where = address(sent.channel, sent.person)
    if sent.message in ("page", "reopened", "handover"):
        incident = replace(incident, told=incident.told | {where}, failed=incident.failed - {where})
    if sent.reference and where not in dict(incident.references):
        return replace(incident, references=(*incident.references, (where, sent.reference)))
    return incident
