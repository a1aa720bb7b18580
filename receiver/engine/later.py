"""What the engine asks to happen later, by name and time: who asks twice for the same thing asks once."""

from __future__ import annotations

from datetime import datetime, timedelta

from receiver.engine.effects import ActOn, ConsiderRunbooks, LookAgain, Send, SetAlarm, SetTimer, SyncSilences

Asked = SetTimer | SetAlarm | Send | LookAgain | SyncSilences | ConsiderRunbooks | ActOn


def timer_key(incident: str, name: str = "") -> str:
    """An incident has one timer of the next step, and one alarm of each name."""
    return f"{incident}/timer/{name}" if name else f"{incident}/timer"


def key_of(effect: Asked) -> str:
    """What an effect is about: a later one of the same key takes its place."""
    match effect:
        case SetTimer(incident=incident):
            return timer_key(incident)
        case SetAlarm(incident=incident, name=name):
            return timer_key(incident, name)
        case SyncSilences(incident=incident):
            return f"{incident}/silences"
        case ConsiderRunbooks(incident=incident):
            return f"{incident}/runbooks"
        case ActOn(incident=incident, run=run):
            return f"{incident}/run/{run}"
        case Send(key=key):
            return key
        case LookAgain(by=by, after=after):
            return f"look-again/{by or f'{wanted_at(effect):%Y-%m-%dT%H:%M:%S}'}/{after}"


def wanted_at(effect: Asked) -> datetime:
    """When it is due; looks that are due within the same second are one."""
    due_at = effect.due_at
    if isinstance(effect, LookAgain) and due_at.microsecond:
        return (due_at + timedelta(seconds=1)).replace(microsecond=0)
    return due_at
