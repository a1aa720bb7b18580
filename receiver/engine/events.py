"""What can happen to an incident. Stored for ever: a field may be added with a default, none may change its meaning."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from receiver.engine.event import Event
from receiver.engine.message_events import (
    MessageDelivered,
    MessageDiverted,
    MessageFailed,
    MessageRetried,
    MessageSent,
    MessageSkipped,
)
from receiver.engine.plan import Contact, Escalation, EscalationStep, SlaTerm
from receiver.engine.run_events import (
    ApprovalDue,
    RunApproved,
    RunbookUnfit,
    RunEnded,
    RunProposed,
    RunRejected,
    RunStarted,
    RunStepBegan,
    RunStepEnded,
    RunVerified,
)
from receiver.engine.silence_events import (
    SilenceFailed,
    SilenceRemoved,
    SilencesLooked,
    SilencesSeen,
    SilenceWritten,
)
from tocsin.model import Severity


class AlertRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an event says of an occurrence; where alerts joined for different reasons, each has its own."""

    id: str
    name: str
    reason: str = ""
    follows: str = ""
    odds: float = 0.0


class Root(msgspec.Struct, frozen=True):
    """The alert that an incident began with: the likeliest cause of what followed.

    `node` is its node of the topology, `shared` its labels whose values few alerts share, `onset` when its trouble
    began: `startsAt` less the rule's `for`.
    """

    alert: AlertRef
    onset: datetime
    node: str = ""
    shared: tuple[tuple[str, str], ...] = ()


class Opened(Event, frozen=True, tag="opened"):
    """The first alert came; the escalation is kept as it was then."""

    tenant: str
    source: str
    key: str
    title: str
    escalation: tuple[EscalationStep, ...]
    reason: str
    traceparent: str = ""  # of the body that opened it
    root: Root | None = None
    plan: Escalation | None = None  # the rest of the policy; its steps are in `escalation`
    by: str = ""  # the person who opened it by hand
    severity: Severity | None = None  # as that person said
    labels: tuple[tuple[str, str], ...] = ()  # of the alert that chose the policy, or as that person said


class AlertsJoined(Event, frozen=True, tag="alerts_joined"):
    """Alerts are part of it now; `follows` is the alert that explains them, `odds` how much likelier than chance."""

    alerts: tuple[AlertRef, ...]
    severity: Severity
    reason: str
    follows: str = ""
    odds: float = 0.0


class Adopted(Event, frozen=True, tag="adopted"):
    """What was an incident of its own is a consequence of this one. `root` is the alert that it had begun with."""

    incident: str
    root: AlertRef
    alerts: int
    firing: int
    severity: Severity
    reason: str
    follows: str = ""
    odds: float = 0.0
    by: str = ""  # who said so; empty: found out


class MergedInto(Event, frozen=True, tag="merged_into"):
    """It ends here and goes on as part of another incident, whose people are told."""

    incident: str
    reason: str
    by: str = ""


class TookOver(Event, frozen=True, tag="took_over"):
    """Whoever was told of another incident, and whoever had it, counts here: nobody is paged twice for one thing."""

    of: str
    step: int
    asked: tuple[str, ...]
    told: tuple[str, ...]
    acknowledged_by: str = ""


class AlertsLeft(Event, frozen=True, tag="alerts_left"):
    """A person moved alerts to another incident."""

    alerts: tuple[AlertRef, ...]
    firing: int
    to: str
    by: str


class CauseMarked(Event, frozen=True, tag="cause_marked"):
    """A person says which alert is the cause."""

    alert: AlertRef
    by: str


class NoiseMarked(Event, frozen=True, tag="noise_marked"):
    """A person says that an alert has nothing to do with it, or with anything."""

    alert: AlertRef
    by: str


class StormBegan(Event, frozen=True, tag="storm_began"):
    """It stands for many: new incidents are folded into it."""

    reason: str


class StormEnded(Event, frozen=True, tag="storm_ended"):
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
    via: str = ""  # api, slack, email, pagerduty, sms, call, …


class Resolved(Event, frozen=True, tag="resolved"):
    by: str
    reason: str = ""
    via: str = ""


class Snoozed(Event, frozen=True, tag="snoozed"):
    """Somebody has it, and nobody is told of it until then; what is still open then escalates anew."""

    by: str
    until: datetime
    reason: str = ""
    via: str = ""


class SnoozeDue(Event, frozen=True, tag="snooze_due"):
    """Only ever asked about: what comes of it is `SnoozeEnded`, or nothing."""

    until: datetime


class SnoozeEnded(Event, frozen=True, tag="snooze_ended"):
    reason: str
    by: str = ""


class Reassigned(Event, frozen=True, tag="reassigned"):
    """It is another's now: that target is told at once, and the policy goes on from its first step after `wait`."""

    to: str
    by: str
    wait: timedelta
    reason: str = ""
    via: str = ""


class EscalationForced(Event, frozen=True, tag="escalation_forced"):
    """A person wants the next step now or, with `plan`, another policy from its beginning.

    `round` is the incident's as they saw it: a second click on one button is not a second wish.
    """

    by: str
    reason: str = ""
    via: str = ""
    plan: Escalation | None = None
    round: int | None = None


class SeverityRaised(Event, frozen=True, tag="severity_raised"):
    """By a step of the policy or, with `by`, by a person, who may lower it, too."""

    severity: Severity
    reason: str
    by: str = ""


class Commented(Event, frozen=True, tag="commented"):
    by: str
    text: str
    via: str = ""


class EscalationDue(Event, frozen=True, tag="escalation_due"):
    """The timer of a step rang. Only ever asked about: what comes of it is `Escalated`, or nothing.

    `contacts` are those whom the step's targets mean now; `missed` says which targets mean nobody, and why. Neither:
    the targets are channels.
    """

    step: int
    contacts: tuple[Contact, ...] = ()
    missed: tuple[str, ...] = ()
    hand_over_at: datetime | None = None  # when somebody else comes on duty
    by_default: bool = False  # the targets mean nobody: these are the default route's


class Escalated(Event, frozen=True, tag="escalated"):
    step: int
    notify: tuple[str, ...]  # addresses
    reason: str
    contacts: tuple[Contact, ...] = ()
    missed: tuple[str, ...] = ()
    hand_over_at: datetime | None = None
    by_default: bool = False


class NobodyReached(Event, frozen=True, tag="nobody_reached"):
    """A step means nobody at all, and so does the default route."""

    step: int
    reason: str


class EscalationBegan(Event, frozen=True, tag="escalation_began"):
    """The policy begins anew: its last step has passed and nobody has it."""

    reason: str


class HandOverDue(Event, frozen=True, tag="hand_over_due"):
    """A shift ended. Only ever asked about; `contacts` are those who come on duty."""

    contacts: tuple[Contact, ...] = ()
    gone: tuple[str, ...] = ()  # people whose shift ended
    hand_over_at: datetime | None = None


class HandedOver(Event, frozen=True, tag="handed_over"):
    gone: tuple[str, ...]
    contacts: tuple[Contact, ...]
    reason: str
    hand_over_at: datetime | None = None


class SlaDue(Event, frozen=True, tag="sla_due"):
    """Only ever asked about: what comes of it is `SlaWarned`, `SlaBroken`, or nothing."""

    term: SlaTerm
    due_at: datetime
    warning: bool


class SlaWarned(Event, frozen=True, tag="sla_warned"):
    term: SlaTerm
    due_at: datetime


class SlaBroken(Event, frozen=True, tag="sla_broken"):
    term: SlaTerm
    due_at: datetime


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
    | Snoozed
    | SnoozeDue
    | SnoozeEnded
    | Reassigned
    | EscalationForced
    | SeverityRaised
    | Commented
    | EscalationDue
    | Escalated
    | NobodyReached
    | EscalationBegan
    | HandOverDue
    | HandedOver
    | SlaDue
    | SlaWarned
    | SlaBroken
    | MessageSent
    | MessageDelivered
    | MessageSkipped
    | MessageFailed
    | MessageDiverted
    | MessageRetried
    | SilencesLooked
    | SilenceWritten
    | SilenceRemoved
    | SilenceFailed
    | SilencesSeen
    | AlertsHeld
    | FlappingBegan
    | FlappingEnded
    | Adopted
    | MergedInto
    | TookOver
    | AlertsLeft
    | CauseMarked
    | NoiseMarked
    | StormBegan
    | StormEnded
    | RunProposed
    | RunApproved
    | RunRejected
    | ApprovalDue
    | RunStarted
    | RunStepBegan
    | RunStepEnded
    | RunVerified
    | RunEnded
    | RunbookUnfit
)
