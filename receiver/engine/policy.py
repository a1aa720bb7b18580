"""What follows from an event: `step(incident, event, now)`, pure, so that a month of escalation is a quick test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from receiver.engine import running
from receiver.engine.consequences import effects
from receiver.engine.effects import Alarm, Effect, SetAlarm, SyncSilences
from receiver.engine.events import (
    Acknowledged,
    AlertRef,
    AlertsExpired,
    AlertsJoined,
    AlertsLeft,
    AlertsResolved,
    AnyEvent,
    Escalated,
    EscalationBegan,
    EscalationDue,
    EscalationForced,
    HandedOver,
    HandOverDue,
    MergedInto,
    NobodyReached,
    Opened,
    Reassigned,
    Reopened,
    Resolved,
    SeverityRaised,
    SlaBroken,
    SlaDue,
    SlaWarned,
    Snoozed,
    SnoozeDue,
    SnoozeEnded,
)
from receiver.engine.incident import Incident, IncidentStatus, apply
from receiver.engine.plan import Contact, EscalationStep
from receiver.engine.run_events import ApprovalDue, RunbookUnfit, RunEvent
from receiver.engine.silence_events import SilenceFailed, SilencesLooked, SilencesSeen

NEVER_REFUSED = frozenset({AlertsJoined, AlertsResolved, AlertsExpired, Opened})


@dataclass(frozen=True, slots=True)
class Step:
    """What came of an event: the events to record, what must happen, and why. No events: it changed nothing."""

    incident: Incident
    events: tuple[AnyEvent, ...]
    effects: tuple[Effect, ...]
    reason: str


def step(incident: Incident, event: AnyEvent, now: datetime) -> Step:
    """Decides what an event means for an incident."""
    if isinstance(event, SilencesLooked):
        return Step(incident, (), (SyncSilences(incident.id, event.again_at),), "silences are as they should be")
    if isinstance(event, RunEvent | ApprovalDue | RunbookUnfit):
        refusal = running.refuses(incident, event)
    else:
        refusal = "" if type(event) in NEVER_REFUSED else _refuses(incident, event)  # the most by far
    if refusal:
        return Step(incident, (), tuple(_all_the_same(incident, event)), refusal)
    events = tuple(_follows(incident, event))
    after = incident
    for one in events:
        after = apply(after, one, now)
    return Step(after, events, tuple(effects(incident, after, events, now)), str(events[-1].__struct_config__.tag))


def _refuses(incident: Incident, event: AnyEvent) -> str:
    """Why an event changes nothing, or an empty text."""
    match event, incident.status:
        case Acknowledged(), IncidentStatus.ACKNOWLEDGED if incident.snoozed_until is None:
            return f"already acknowledged by {incident.acknowledged_by}"
        case ((Acknowledged() | Resolved() | Snoozed() | Reassigned() | EscalationForced()), IncidentStatus.RESOLVED):
            return f"already resolved by {incident.resolved_by}"
        case EscalationForced(round=int(seen)), _ if seen != incident.round:
            return "it has gone on since: look at how it stands now, and answer that"
        case Snoozed(until=until), _ if until == incident.snoozed_until:
            return f"already snoozed until then by {incident.acknowledged_by}"
        case SeverityRaised(), _ if event.severity is incident.severity or not (event.by or _worse(event, incident)):
            return f"it is {incident.severity.value} already"
        case Reopened(), (IncidentStatus.OPEN | IncidentStatus.ACKNOWLEDGED):
            return "it is not over"
        case MergedInto(), _ if incident.merged_into:
            return f"it is part of {incident.merged_into}"
        case (SilenceFailed() | SilencesSeen(), _):
            return _silence_in_vain(incident, event)
        case SnoozeEnded(), _ if incident.snoozed_until is None:
            return "it is not snoozed"
        case (EscalationDue(), _):
            return _step_in_vain(incident, event)
        case ((SnoozeDue() | HandOverDue() | SlaDue()), _):
            return _alarm_in_vain(incident, event)
        case _:
            return ""


def _worse(raised: SeverityRaised, incident: Incident) -> bool:
    return raised.severity.rank > incident.severity.rank


def _silence_in_vain(incident: Incident, event: SilenceFailed | SilencesSeen) -> str:
    match event:
        case SilenceFailed(source=source) if source in incident.unsilenced:
            return "it has been told"
        case SilencesSeen() if incident.status is IncidentStatus.RESOLVED:
            return f"already resolved by {incident.resolved_by}"
        case SilencesSeen(source=source, silences=seen):
            known = tuple(silence for silence in incident.silenced_by if silence.source == source)
            return "that is known" if seen == known else ""
        case _:
            return ""


def _step_in_vain(incident: Incident, due: EscalationDue) -> str:
    match due, incident.status:
        case EscalationDue(), IncidentStatus.ACKNOWLEDGED:
            return f"acknowledged by {incident.acknowledged_by}: nobody else is told"
        case EscalationDue(), IncidentStatus.RESOLVED:
            return "resolved: nobody else is told"
        case EscalationDue(step=number), _ if number != incident.step or number > len(incident.escalation):
            return f"step {number + 1} has been taken"
        case EscalationDue(step=number), _ if number == len(incident.escalation) and not _goes_on(incident, due):
            return "every step has been taken"
        case _:
            return ""


def _goes_on(incident: Incident, due: EscalationDue) -> bool:
    """After the last step: from the beginning, or by the default route where no page has reached anybody."""
    return incident.repeats_left or bool(not incident.told and (due.contacts or due.missed))


def _all_the_same(incident: Incident, event: AnyEvent) -> Iterator[Effect]:
    """What follows even where nothing has happened: somebody may come on duty later."""
    match event:
        case HandOverDue(hand_over_at=datetime()) if incident.status is not IncidentStatus.RESOLVED:
            assert event.hand_over_at is not None  # the pattern says so
            yield SetAlarm(incident.id, "hand-over", HandOverDue(), event.hand_over_at)


def _alarm_in_vain(incident: Incident, alarm: Alarm) -> str:
    match alarm:
        case _ if incident.status is IncidentStatus.RESOLVED:
            return "resolved"
        case SnoozeDue(until=until) if until != incident.snoozed_until:
            return "it is no longer snoozed until then"
        case HandOverDue(contacts=contacts) if not contacts:
            return "nobody comes on duty"
        case SlaDue(term="acknowledge") if incident.status is not IncidentStatus.OPEN:
            return "acknowledged in time"
        case SlaDue(term=term) if term in incident.sla_broken:
            return "it has been told"
        case _:
            return ""


def _follows(incident: Incident, event: AnyEvent) -> Iterator[AnyEvent]:
    """The event, or what it amounts to, and what follows from it; with the end, that of the runs that wait."""
    for one in _amounts_to(incident, event):
        yield one
        if isinstance(one, Resolved | MergedInto):
            yield from running.over(incident, "the incident is over")


def _amounts_to(incident: Incident, event: AnyEvent) -> Iterator[AnyEvent]:
    match event:
        case EscalationDue() | SnoozeDue() | HandOverDue() | SlaDue():
            yield from _rung(incident, event)
        case _ if isinstance(event, RunEvent | ApprovalDue):
            yield from running.follows(incident, event)
        case AlertsResolved(alerts=alerts):
            yield event
            if incident.firing == len(alerts) and incident.status is not IncidentStatus.RESOLVED:
                also = f"; {incident.expired} had expired before" if incident.expired else ""
                yield Resolved(by="alertmanager", reason=f"every alert has resolved{also}")
        case AlertsExpired(alerts=alerts):
            yield event
            if incident.firing == len(alerts) and incident.status is not IncidentStatus.RESOLVED:
                yield Resolved(by="reconciler", reason=f"expired: Alertmanager no longer knows {_names(alerts)}")
        case AlertsLeft(to=to, by=by, firing=firing):
            yield event
            if incident.firing == firing and incident.status is not IncidentStatus.RESOLVED:
                yield Resolved(by=by, reason=f"what fired has moved to {to}")
        case Reopened(reason=reason):
            paged_first = set(incident.escalation[0].notify) if incident.escalation else set()
            yield Reopened(reason, tuple(sorted(incident.told - paged_first - incident.first)))
        case _:
            yield event


def _rung(incident: Incident, due: EscalationDue | Alarm) -> Iterator[AnyEvent]:
    """What comes of a timer."""
    match due:
        case EscalationDue(step=number) if number == len(incident.escalation) and incident.repeats_left:
            turn = f"{incident.repeats + 1} of {incident.plan.repeat}"
            yield EscalationBegan(f"nobody has acknowledged; from the beginning, {turn}")
        case EscalationDue():
            yield from _taken(incident, due)
        case SnoozeDue():
            yield SnoozeEnded(f"the snooze of {incident.acknowledged_by} is over and it is still open")
        case HandOverDue(contacts=contacts, gone=gone):
            shift = f"the shift of {' and '.join(gone) or 'nobody'} ended"
            yield HandedOver(gone, contacts, shift, due.hand_over_at)
        case SlaDue(term=term, due_at=due_at, warning=warning):
            yield SlaWarned(term, due_at) if warning else SlaBroken(term, due_at)


def _taken(incident: Incident, due: EscalationDue) -> Iterator[AnyEvent]:
    """A step is taken; one whose targets mean nobody is told of, loudly, and the next comes at once."""
    last = due.step == len(incident.escalation)
    wanted = EscalationStep(timedelta(), ()) if last else incident.escalation[due.step]
    if wanted.raise_to is not None and wanted.raise_to.rank > incident.severity.rank:
        yield SeverityRaised(wanted.raise_to, f"step {due.step + 1} of the policy")
    begun = "opened" if not incident.round else "begun anew" if not incident.reopened else "reopened"
    reason = begun if due.step == 0 else f"nobody acknowledged within step {due.step}"
    reason = "no page of the policy has reached anybody" if last else reason
    if due.missed and not due.contacts:
        yield NobodyReached(due.step, "; ".join(due.missed))
    contacts = due.contacts or (() if due.missed else tuple(Contact(name) for name in wanted.notify))
    notify = tuple(contact.address for contact in contacts)
    yield Escalated(due.step, notify, reason, due.contacts, due.missed, due.hand_over_at, due.by_default)


def _names(alerts: tuple[AlertRef, ...]) -> str:
    more = f" and {len(alerts) - 3} more" if len(alerts) > 3 else ""
    return ", ".join(alert.name for alert in alerts[:3]) + more
