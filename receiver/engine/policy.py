"""What follows from an event: `step(incident, event, now)`, pure, so that a month of escalation is a quick test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from receiver.engine.events import (
    Acknowledged,
    AlertRef,
    AlertsExpired,
    AlertsLeft,
    AlertsResolved,
    AnyEvent,
    Escalated,
    EscalationDue,
    MergedInto,
    Message,
    MessageFailed,
    Opened,
    Reopened,
    Resolved,
    TookOver,
)
from receiver.engine.incident import Incident, IncidentStatus, apply


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Ask again about this step when it is due. An incident has one timer; setting it anew replaces it."""

    incident: str
    step: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class CancelTimer:
    incident: str


@dataclass(frozen=True, slots=True)
class Send:
    """Tell a channel. The key names this message for ever, so that a repeat can be recognised.

    `round` is how often the incident had been reopened: what waits from an earlier round is no longer wanted.
    """

    incident: str
    channel: str
    message: Message
    key: str
    due_at: datetime
    round: int = 0


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Look again, then, at the alerts that `by` holds back (none: at those whose time has come), beyond an id."""

    due_at: datetime
    by: str = ""
    after: str = ""


Effect = SetTimer | CancelTimer | Send | LookAgain


@dataclass(frozen=True, slots=True)
class Step:
    """What came of an event: the events to record, what must happen, and why. No events: it changed nothing."""

    incident: Incident
    events: tuple[AnyEvent, ...]
    effects: tuple[Effect, ...]
    reason: str


def step(incident: Incident, event: AnyEvent, now: datetime) -> Step:
    """Decides what an event means for an incident."""
    refusal = _refuses(incident, event)
    if refusal:
        return Step(incident, (), (), refusal)
    events = tuple(_follows(incident, event))
    after = incident
    for one in events:
        after = apply(after, one, now)
    return Step(after, events, tuple(_effects(incident, after, events, now)), str(events[-1].__struct_config__.tag))


def _refuses(incident: Incident, event: AnyEvent) -> str:
    """Why an event changes nothing, or an empty text."""
    match event, incident.status:
        case Acknowledged(), IncidentStatus.ACKNOWLEDGED:
            return f"already acknowledged by {incident.acknowledged_by}"
        case ((Acknowledged() | Resolved()), IncidentStatus.RESOLVED):
            return f"already resolved by {incident.resolved_by}"
        case Reopened(), (IncidentStatus.OPEN | IncidentStatus.ACKNOWLEDGED):
            return "it is not over"
        case MergedInto(), _ if incident.merged_into:
            return f"it is part of {incident.merged_into}"
        case EscalationDue(), IncidentStatus.ACKNOWLEDGED:
            return f"acknowledged by {incident.acknowledged_by}: nobody else is told"
        case EscalationDue(), IncidentStatus.RESOLVED:
            return "resolved: nobody else is told"
        case EscalationDue(step=number), _ if number != incident.step or number >= len(incident.escalation):
            return f"step {number + 1} has been taken"
        case _:
            return ""


def _follows(incident: Incident, event: AnyEvent) -> Iterator[AnyEvent]:
    """The event, or what it amounts to, and what follows from it."""
    match event:
        case EscalationDue(step=number):
            wanted = incident.escalation[number]
            begun = "reopened" if incident.reopened else "opened"
            reason = begun if number == 0 else f"nobody acknowledged within step {number}"
            yield Escalated(number, wanted.notify, reason)
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
            yield Reopened(reason, tuple(sorted(incident.told - paged_first)))
        case _:
            yield event


def _names(alerts: tuple[AlertRef, ...]) -> str:
    more = f" and {len(alerts) - 3} more" if len(alerts) > 3 else ""
    return ", ".join(alert.name for alert in alerts[:3]) + more


def _effects(before: Incident, after: Incident, events: tuple[AnyEvent, ...], now: datetime) -> Iterator[Effect]:
    for event in events:
        match event:
            case Opened():
                yield from _timer(after, now)
            case Acknowledged():
                yield CancelTimer(after.id)
            case Resolved():
                yield CancelTimer(after.id)
                for channel in sorted(before.asked):
                    yield _send(after, channel, "resolved", f"resolved/{channel}", now)
                yield from _let_go(after, now)
            case MergedInto():
                yield CancelTimer(after.id)
                yield from _let_go(after, now)
            case TookOver():
                yield CancelTimer(after.id)
                yield from _timer(after, now) if after.status is IncidentStatus.OPEN else ()
            case Reopened(tell=tell):
                for channel in tell:
                    yield _send(after, channel, "reopened", f"reopened/{channel}", now)
                yield from _timer(after, now)
            case Escalated(step=number, notify=notify):
                for channel in notify:
                    yield _send(after, channel, "page", f"page/{number}/{channel}", now)
                yield from _timer(after, now)
            case MessageFailed(message="page") if after.status is IncidentStatus.OPEN:
                yield from _timer(after, now, at_once=True)  # it reached nobody: the next step cannot wait


def _let_go(incident: Incident, now: datetime) -> Iterator[Effect]:
    """What an incident that is over holds back is looked at once it had time to recover."""
    if incident.settle is not None:
        yield LookAgain(now + incident.settle, by=incident.id)


def _send(incident: Incident, channel: str, message: Message, name: str, now: datetime) -> Send:
    """A message; its key tells it from the same one before the incident was reopened."""
    key = f"{incident.id}/{name}" + (f"/{incident.reopened}" if incident.reopened else "")
    return Send(incident.id, channel, message, key, now, incident.reopened)


def _timer(incident: Incident, now: datetime, *, at_once: bool = False) -> Iterator[SetTimer]:
    """The timer of the step that comes next, if there is one."""
    if incident.step < len(incident.escalation):
        wait = incident.escalation[incident.step].after
        yield SetTimer(incident.id, incident.step, now if at_once else now + wait)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a message is still wanted when its turn comes, and why."""

    send: bool
    reason: str


def still_wanted(incident: Incident, channel: str, message: Message, round_: int = 0) -> Verdict:
    """A page that waited in a queue is not sent once somebody has it; nobody hears of an end who knew no beginning.

    `round_` is the message's `Send.round`.
    """
    if round_ != incident.reopened:
        return Verdict(False, "the incident has been reopened since")
    if message == "resolved":
        if channel in incident.told:
            return Verdict(True, "was paged, hears of the end")
        return Verdict(False, "was never told that it began")
    if incident.status is IncidentStatus.RESOLVED:
        return Verdict(False, f"resolved before the {_NOUNS[message]} could be sent")
    if message == "reopened":
        return Verdict(True, "heard of the end, hears that it is back")
    if incident.status is IncidentStatus.ACKNOWLEDGED:
        return Verdict(False, f"{incident.acknowledged_by} acknowledged before the page could be sent")
    return Verdict(True, "nobody has acknowledged yet")


_NOUNS = {"page": "page", "reopened": "news that it is back"}
