"""What was learned, learned again from what happened."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from receiver.engine.causes.learned import Learned
from receiver.engine.events import Adopted, AlertsJoined, AnyEvent, CauseMarked, NoiseMarked, Opened
from receiver.engine.incident import Incident

Happened = tuple[str, datetime, AnyEvent]  # to which incident, when, what
WORD = 5.0  # what a person says counts as much as so many alerts


def relearned(incidents: Iterable[Incident], events: Iterable[Happened]) -> Learned:
    """Learned from events, in order of time; the figures are those that would stand had they been kept."""
    openers = {incident.id: incident.root.alert.name for incident in incidents if incident.root}
    learned = Learned()
    alone: set[str] = set()
    for incident, at, event in events:
        opener = openers.get(incident)
        if opener is None:
            continue
        now = at.timestamp()
        for one in _in_company(incident, event) & alone:
            alone.discard(one)
            learned.note_joined(openers[one], now)
        if isinstance(event, Opened):
            alone.add(incident)
        note(learned, opener, event, now)
    return learned


def _in_company(incident: str, event: AnyEvent) -> set[str]:
    match event:
        case AlertsJoined(alerts=alerts, follows=follows) if follows or any(alert.follows for alert in alerts):
            return {incident}
        case Adopted(incident=other):
            return {incident, other}
        case _:
            return set()


def note(learned: Learned, opener: str, event: AnyEvent, now: float) -> None:
    """What one event of an incident teaches that began with an alert of the name `opener`."""
    match event:
        case Opened():
            learned.note_opened(opener, now)
        case AlertsJoined(alerts=alerts, follows=follows):
            for name in {alert.name for alert in alerts if alert.follows or follows}:
                learned.note_followed(name, opener, now)
        case Adopted(root=root):
            learned.note_adopted(root.name, now)
            learned.note_followed(root.name, opener, now)
        case CauseMarked(alert=alert) if alert.name != opener:
            learned.note_followed(opener, alert.name, now, WORD)
        case NoiseMarked(alert=alert):
            learned.note_opened(alert.name, now, WORD)
        case _:
            pass
