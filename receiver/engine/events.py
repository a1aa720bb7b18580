"""What can happen to an incident. Stored for ever: a field may be added with a default, none may change its meaning."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from tocsin.model import Severity

Message = Literal["page", "resolved", "reopened"]


class EscalationStep(msgspec.Struct, frozen=True):
    """So long after the step before (the opening, for the first), tell these channels."""

    after: timedelta
    notify: tuple[str, ...]


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
    root: Root | None = None


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
    | Adopted
    | MergedInto
    | TookOver
    | AlertsLeft
    | CauseMarked
    | NoiseMarked
    | StormBegan
    | StormEnded
)
