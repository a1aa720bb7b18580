"""What must happen once events are recorded: who is told, what is asked again and when. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from receiver.engine import running
from receiver.engine.effects import CancelTimer, Effect, LookAgain, Send, SetAlarm, SetTimer, SyncSilences
from receiver.engine.events import (
    Acknowledged,
    Adopted,
    AlertsExpired,
    AlertsJoined,
    AlertsLeft,
    AlertsResolved,
    AnyEvent,
    Commented,
    Escalated,
    EscalationBegan,
    EscalationForced,
    HandedOver,
    HandOverDue,
    MergedInto,
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
    TookOver,
)
from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.message_events import MessageDiverted, MessageFailed
from receiver.engine.plan import Contact, Message, SlaTerm, contact_of
from receiver.engine.run_events import (
    NEEDS_PEOPLE,
    RunApproved,
    RunEnded,
    RunEvent,
    RunProposed,
    RunRejected,
    RunStarted,
    RunStepEnded,
)

TERMS: tuple[SlaTerm, ...] = ("acknowledge", "resolve")

OF_ALERTS = frozenset({AlertsJoined, AlertsResolved, AlertsExpired})


def effects(before: Incident, after: Incident, events: tuple[AnyEvent, ...], now: datetime) -> Iterator[Effect]:
    """What follows from events, in order, that made one state of an incident another."""
    for event in events:
        if type(event) in OF_ALERTS:  # by far the most
            continue
        yield from _of_its_life(before, after, event, now)
        yield from _of_people(before, after, event, now)
        yield from _of_messages(before, after, event, now)
        if isinstance(event, RunEvent):
            yield from running.effects(before, after, event, now)
            yield from _of_runs(before, after, event, now)
    yield from _clocks(before, after, events, now)
    yield from _updates(before, after, events, now)


def _of_people(before: Incident, after: Incident, event: AnyEvent, now: datetime) -> Iterator[Effect]:
    match event:
        case Reassigned() | EscalationForced():
            yield CancelTimer(after.id, "snooze")
            yield from _timer(after, now, at_once=True)
        case Acknowledged() | Snoozed():
            yield CancelTimer(after.id)
            yield from _snooze(before, after)


def _of_runs(before: Incident, after: Incident, event: RunEvent, now: datetime) -> Iterator[Effect]:
    """Who is asked whether a runbook may run, and who hears of it."""
    match event:
        case RunProposed(contacts=contacts):
            for contact in contacts:
                name, due_at = f"approval/{event.run}/{contact.address}", now + contact.after
                yield _send(after, contact.address, "approval", name, due_at, contact.reason, event.run)
        case RunStepEnded(contacts=contacts, step=step):
            for contact in contacts:
                about = f"{event.run}/{step}"
                name, due_at = f"remediation/{about}/{contact.address}", now + contact.after
                yield _send(after, contact.address, "remediation", name, due_at, contact.reason, about)
        case RunEnded(outcome=outcome) if outcome in NEEDS_PEOPLE:
            for where in sorted(before.told - before.followers):
                yield _send(after, where, "remediation", f"remediation/{event.run}/{where}", now, about=event.run)


def _of_its_life(before: Incident, after: Incident, event: AnyEvent, now: datetime) -> Iterator[Effect]:
    match event:
        case Opened() | EscalationBegan():
            yield from _timer(after, now)
        case SnoozeEnded():
            yield CancelTimer(after.id, "snooze")
            yield from _timer(after, now)
        case Resolved():
            yield from _over(before, after)
            for where in sorted(before.asked):
                yield _send(after, where, "resolved", f"resolved/{where}", now)
            yield from _let_go(after, now)
        case MergedInto():
            yield from _over(before, after)
            yield from _let_go(after, now)
        case TookOver():
            yield CancelTimer(after.id)
            yield from _timer(after, now) if after.status is IncidentStatus.OPEN else ()
        case Reopened(tell=tell):
            for where in tell:
                yield _send(after, where, "reopened", f"reopened/{where}", now)
            yield from _timer(after, now)


def _of_messages(before: Incident, after: Incident, event: AnyEvent, now: datetime) -> Iterator[Effect]:
    match event:
        case Escalated(step=number, notify=notify, contacts=contacts):
            for contact in contacts or tuple(contact_of(where) for where in notify):
                yield _page(after, number, contact, now + contact.after)
            yield from _timer(after, now, at_once=not notify)
        case HandedOver(contacts=contacts):
            for contact in contacts:
                name = f"handover/{after.version}/{contact.address}"
                yield _send(after, contact.address, "handover", name, now + contact.after, event.reason)
        case SlaWarned() | SlaBroken():
            for where in sorted(before.asked | before.told):
                said = "warned" if isinstance(event, SlaWarned) else "broken"
                yield _send(after, where, "sla", f"sla/{event.term}/{said}/{where}", now)
        case MessageFailed() | MessageDiverted() if event.message == "page" and after.status is IncidentStatus.OPEN:
            yield from _fail_over(before, after, event, now)


def _fail_over(
    before: Incident, after: Incident, failed: MessageFailed | MessageDiverted, now: datetime
) -> Iterator[Effect]:
    """By the way that is due now instead; where nobody of the step could be reached, the next step cannot wait."""
    if after.failed == before.failed:
        return
    hurried = [new for old, new in zip(before.contacts, after.contacts, strict=True) if old.after != new.after]
    for contact in hurried:
        yield _page(after, after.step - 1, contact, now, f"{failed.channel} failed: {failed.reason}")
    if after.contacts and {contact.address for contact in after.contacts} <= after.failed:
        yield from _without(after, now)


def _without(incident: Incident, now: datetime) -> Iterator[SetTimer]:
    """Nobody of the newest step could be told: the next one now, at the end of the policy the default route."""
    steps = len(incident.escalation)
    last = incident.step == steps and not incident.repeats_left and not incident.told
    if incident.step < steps or last:
        yield SetTimer(incident.id, incident.step, now)


def other_way(incident: Incident, channel: str, person: str) -> Contact | None:
    """How somebody whom the newest step means can be told but by this channel; None: by nothing that has not failed."""
    others = (one for one in incident.contacts if person and one.person == person and one.channel != channel)
    return next((one for one in others if one.address not in incident.told | incident.failed), None)


def _over(before: Incident, after: Incident) -> Iterator[Effect]:
    yield CancelTimer(after.id)
    if before.snoozed_until is not None:
        yield CancelTimer(after.id, "snooze")


def _snooze(before: Incident, after: Incident) -> Iterator[Effect]:
    if after.snoozed_until is not None:
        yield SetAlarm(after.id, "snooze", SnoozeDue(after.snoozed_until), after.snoozed_until)
    elif before.snoozed_until is not None:
        yield CancelTimer(after.id, "snooze")


def _clocks(before: Incident, after: Incident, events: tuple[AnyEvent, ...], now: datetime) -> Iterator[Effect]:
    """The clocks of the SLA, which go by the worst severity; and the end of the shift of those who were told."""
    sla = after.plan.sla
    opened = any(isinstance(event, (Opened, Reopened)) for event in events)
    if sla is not None and (opened or before.severity is not after.severity):
        for term in TERMS:
            yield from _clock(after, term, now)
    for event in events:
        match event:
            case SlaWarned(term=term, due_at=due_at):
                yield SetAlarm(after.id, f"sla-{term}", SlaDue(term, due_at, warning=False), due_at)
            case Escalated() | HandedOver() if after.plan.hand_over and after.hand_over_at is not None:
                yield SetAlarm(after.id, "hand-over", HandOverDue(), after.hand_over_at)


def _clock(incident: Incident, term: SlaTerm, now: datetime) -> Iterator[Effect]:
    assert incident.plan.sla is not None
    within = incident.plan.sla.within(term, incident.severity)
    if within is None:
        yield CancelTimer(incident.id, f"sla-{term}")
        return
    began = incident.reopened_at or incident.opened_at
    due_at, warn_at = began + within, began + within * incident.plan.sla.warn
    alarm = SlaDue(term, due_at, warning=warn_at > now)
    yield SetAlarm(incident.id, f"sla-{term}", alarm, max(warn_at if alarm.warning else due_at, now))


TELLS = (
    Acknowledged,
    Snoozed,
    SnoozeEnded,
    Reassigned,
    EscalationForced,
    SeverityRaised,
    Commented,
    MergedInto,
    Escalated,
    RunProposed,
    RunApproved,
    RunRejected,
    RunStarted,
    RunEnded,
)
OTHER_ALERTS = (AlertsJoined, AlertsResolved, AlertsExpired, AlertsLeft, Adopted)
TOGETHER_SECONDS = 10


def _updates(before: Incident, after: Incident, events: tuple[AnyEvent, ...], now: datetime) -> Iterator[Effect]:
    """Who follows it sees how it goes on; and Alertmanager is silent, or no longer."""
    told = [event for event in events if isinstance(event, TELLS)]
    if told:
        for where in sorted(before.followers & before.told):
            yield _send(after, where, "update", f"update/{after.version}/{where}", now)
    if after.plan.silence and (before.status, before.snoozed_until) != (after.status, after.snoozed_until):
        yield SyncSilences(after.id, now)
    elif after.wants_silence and any(isinstance(event, OTHER_ALERTS) for event in events):
        yield SyncSilences(after.id, _together(now))


def _together(now: datetime) -> datetime:
    """A little later, the same moment for all that comes in between: alerts seldom come alone."""
    second = now.second - now.second % TOGETHER_SECONDS + TOGETHER_SECONDS
    return now.replace(second=0, microsecond=0) + timedelta(seconds=second)


def _let_go(incident: Incident, now: datetime) -> Iterator[Effect]:
    """What an incident that is over holds back is looked at once it had time to recover."""
    if incident.settle is not None:
        yield LookAgain(now + incident.settle, by=incident.id)


def _page(incident: Incident, number: int, contact: Contact, due_at: datetime, why: str = "") -> Send:
    return _send(incident, contact.address, "page", f"page/{number}/{contact.address}", due_at, why or contact.reason)


def _send(
    incident: Incident, where: str, message: Message, name: str, due_at: datetime, reason: str = "", about: str = ""
) -> Send:
    """A message, under its key."""
    to, key = contact_of(where), incident.message_key(name)
    return Send(incident.id, to.channel, message, key, due_at, incident.round, to.person, reason, about)


def _timer(incident: Incident, now: datetime, *, at_once: bool = False) -> Iterator[SetTimer]:
    """The timer of the step that comes next or, after the last one, of the next time through."""
    if incident.step < len(incident.escalation):
        wait = incident.escalation[incident.step].after
        yield SetTimer(incident.id, incident.step, now if at_once else now + wait)
    elif incident.escalation and incident.repeats_left:
        yield SetTimer(incident.id, incident.step, now + incident.plan.repeat_after)
