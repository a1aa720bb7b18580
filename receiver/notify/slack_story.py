"""What happened to an incident, a line an event, for the thread under its message."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

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
    Commented,
    Escalated,
    EscalationBegan,
    EscalationForced,
    FlappingBegan,
    FlappingEnded,
    HandedOver,
    MergedInto,
    NobodyReached,
    NoiseMarked,
    Opened,
    Reassigned,
    Reopened,
    Resolved,
    SeverityRaised,
    SlaBroken,
    SlaWarned,
    Snoozed,
    SnoozeEnded,
    StormBegan,
    StormEnded,
)
from receiver.engine.message_events import MessageDelivered, MessageFailed, MessageSent, MessageSkipped
from receiver.notify.slack_run_story import RUN_LINES
from receiver.notify.slack_text import outside, stamp

MOST_COMMENT = 500  # each may become five when it is escaped
TERMS = {"acknowledge": "acknowledged", "resolve": "resolved"}
MESSAGES = (MessageSent, MessageSkipped, MessageDelivered)  # of ourselves: no news to who reads this


def news(story: Iterable[tuple[datetime, AnyEvent]]) -> list[str]:
    """The lines of these events, oldest first; what says nothing new has none."""
    return [f"{stamp(at)}  {said}" for at, event in story if (said := line(event))]


def is_news(event: AnyEvent) -> bool:
    """Whether an event changes what a message shows."""
    return not isinstance(event, MESSAGES)


def line(event: AnyEvent) -> str:
    """One event in words, as mrkdwn; an empty text: nothing to tell."""
    told = LINES.get(type(event))
    return told(event) if told is not None else ""


def _reason(text: str) -> str:
    return f" ({outside(text)})" if text else ""


def _by(event: Any) -> str:
    return f"*{outside(event.by)}*" + (f" ({outside(event.via)})" if event.via not in ("", "api") else "")


def _names(alerts: Sequence[AlertRef]) -> str:
    names = outside(", ".join(dict.fromkeys(alert.name for alert in alerts[:5])), 300)
    return names if len(alerts) <= 5 else f"{names} and {len(alerts) - 5:,} more"


def _escalated(event: Escalated) -> str:
    told = outside(", ".join(event.notify), 200) or "nobody"
    missed = f"; :warning: not reached: {outside('; '.join(event.missed))}" if event.missed else ""
    return f"Step {event.step + 1}: telling {told} ({outside(event.reason)}){missed}"


def _people(event: HandedOver) -> str:
    return outside(" and ".join(dict.fromkeys(contact.person for contact in event.contacts if contact.person)))


LINES: dict[type, Callable[[Any], str]] = {
    Opened: lambda e: f"Opened: {outside(e.title)}" + (f" by *{outside(e.by)}*" if e.by else ""),
    Acknowledged: lambda e: f"Acknowledged by {_by(e)}",
    Resolved: lambda e: f"Resolved by {_by(e)}{_reason(e.reason)}",
    Snoozed: lambda e: f"Snoozed until {stamp(e.until)} by {_by(e)}{_reason(e.reason)}",
    SnoozeEnded: lambda e: f"No longer snoozed: {outside(e.reason)}" + (f" (*{outside(e.by)}*)" if e.by else ""),
    Reassigned: lambda e: f"{_by(e)} gave it to *{outside(e.to)}*{_reason(e.reason)}",
    EscalationForced: lambda e: f"{_by(e)} escalates{_reason(e.reason)}",
    SeverityRaised: lambda e: (
        f"{e.severity.value} from now on, says {outside(e.by) or 'the policy'}{_reason(e.reason)}"
    ),
    Commented: lambda e: f"{_by(e)}: {outside(e.text, MOST_COMMENT)}",
    Escalated: _escalated,
    NobodyReached: lambda e: f":warning: Step {e.step + 1} reaches nobody: {outside(e.reason)}",
    EscalationBegan: lambda e: f"The escalation begins anew: {outside(e.reason)}",
    HandedOver: lambda e: f"Handed over to *{_people(e)}*{_reason(e.reason)}",
    SlaWarned: lambda e: f":hourglass: SLA: to be {TERMS[e.term]} by {stamp(e.due_at)}; time runs out",
    SlaBroken: lambda e: f":warning: SLA broken: not {TERMS[e.term]} by {stamp(e.due_at)}",
    Reopened: lambda e: f"Back{_reason(e.reason)}",
    AlertsJoined: lambda e: f"{_names(e.alerts)} joined{_reason(e.reason)}",
    AlertsResolved: lambda e: f"{_names(e.alerts)} resolved",
    AlertsExpired: lambda e: f"{_names(e.alerts)} expired{_reason(e.reason)}",
    AlertsHeld: lambda e: f"{_names(e.alerts)} held back: {outside(e.reason)}",
    AlertsLeft: lambda e: f"*{outside(e.by)}* moved {_names(e.alerts)} to `{outside(e.to)}`",
    Adopted: lambda e: f"Took in `{outside(e.incident)}` with {e.alerts:,} alerts{_reason(e.reason)}",
    MergedInto: lambda e: f"Became part of `{outside(e.incident)}`{_reason(e.reason)}",
    CauseMarked: lambda e: f"*{outside(e.by)}* says that {outside(e.alert.name)} is the cause",
    NoiseMarked: lambda e: f"*{outside(e.by)}* says that {outside(e.alert.name)} is noise",
    StormBegan: lambda e: f"Storm{_reason(e.reason)}",
    StormEnded: lambda e: f"The storm is over{_reason(e.reason)}",
    FlappingBegan: lambda e: f"{outside(e.alert.name)} flaps{_reason(e.reason)}",
    FlappingEnded: lambda e: f"{outside(e.alert.name)} flaps no more{_reason(e.reason)}",
    MessageFailed: lambda e: (
        f":warning: {outside(e.person or e.channel)} could not be told by {outside(e.channel)}{_reason(e.reason)}"
    ),
    **RUN_LINES,
}
