"""What the engine asks to happen: timers, messages, looks, silences. Asking is all it does; `jobs/` does them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from receiver.engine.events import HandOverDue, SlaDue, SnoozeDue
from receiver.engine.plan import Message
from receiver.engine.run_events import ApprovalDue

Alarm = SnoozeDue | HandOverDue | SlaDue | ApprovalDue


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Ask again about this step when it is due. An incident has one timer; setting it anew replaces it."""

    incident: str
    step: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class SetAlarm:
    """Ask again, then, about something that is not a step; of each name an incident has one."""

    incident: str
    name: str  # snooze, hand-over, sla-acknowledge, sla-resolve, approval-RUN
    alarm: Alarm
    due_at: datetime


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """The timer of the next step or, with a name, that alarm, is no longer wanted."""

    incident: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Send:
    """Tell a channel, or somebody by it. The key names this message for ever, so that a repeat can be recognised.

    `round` is how often the escalation had begun anew: what waits from an earlier round is no longer wanted. `about` is
    the run that an `approval` or `remediation` message is about; one that says what a step says: `RUN/STEP`.
    """

    incident: str
    channel: str
    message: Message
    key: str
    due_at: datetime
    round: int = 0
    person: str = ""
    reason: str = ""  # why this person, why this channel
    about: str = ""


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Look again, then, at the alerts that `by` holds back (none: at those whose time has come), beyond an id."""

    due_at: datetime
    by: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class SyncSilences:
    """See that Alertmanager is silent about this incident's alerts for as long as it should be."""

    incident: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class ConsiderRunbooks:
    """Look which runbooks fit the incident as it is now."""

    incident: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class ActOn:
    """Do what comes next in a run of a runbook."""

    incident: str
    run: str
    due_at: datetime


Effect = SetTimer | SetAlarm | CancelTimer | Send | LookAgain | SyncSilences | ConsiderRunbooks | ActOn
