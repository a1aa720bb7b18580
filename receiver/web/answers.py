"""What the API answers, as types: `shapes.py` makes them, the OpenAPI document is made of them. Fields may be added."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, NotRequired, TypeVar

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict  # pydantic reads these before Python 3.12

from receiver.engine.incident import IncidentStatus
from receiver.engine.occurrence import OccurrenceStatus
from receiver.engine.plan import Message
from tocsin import model

T = TypeVar("T")

COMPONENT = "x-component"  # stands for a reference until the document is put together
Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-21T03:12:05Z"]})]
Event = Annotated[dict[str, Any], WithJsonSchema({COMPONENT: "Event"})]
Id = Annotated[str, Field(examples=["k3f9x2ab1c"])]
Status = Annotated[str, WithJsonSchema({"enum": [status.value for status in IncidentStatus]})]
AlertStatus = Annotated[str, WithJsonSchema({"enum": [status.value for status in OccurrenceStatus]})]
Severity = Annotated[str, WithJsonSchema({"enum": [severity.value for severity in model.Severity]})]


class Page(TypedDict, Generic[T]):
    """A part of a list; `next` is the cursor of the part that follows, null at the end."""

    items: list[T]
    next: str | None


class RootJson(TypedDict):
    """The alert that an incident began with; `onset` is when its trouble began."""

    alert: str
    name: str
    node: str
    onset: Time | None


class CauseJson(TypedDict):
    """The alert that a person marked as the cause."""

    id: str
    name: str


class SilenceJson(TypedDict):
    """A silence of Alertmanager's that was written for an incident."""

    source: str
    id: str
    until: Time | None
    matchers: list[str]


class ForeignSilenceJson(TypedDict):
    """A silence that others made, and that matches alerts of an incident."""

    source: str
    id: str
    by: str
    comment: str
    until: Time | None


class IncidentRunJson(TypedDict):
    """A run of a runbook for an incident; its whole record is at `/api/v1/runs/{id}`."""

    id: str
    runbook: str
    target: str
    state: str
    outcome: str | None
    reason: str
    dry_run: bool
    by: str | None
    approved_by: list[str]
    proposed_at: Time | None
    expires_at: Time | None
    started_at: Time | None
    ended_at: Time | None


class IncidentJson(TypedDict):
    """An incident. `root` is what it began with, `cause` and `noise` are what people said."""

    id: Id
    status: Status
    severity: Severity
    title: str
    tenant: str
    source: str
    opened_at: Time | None
    acknowledged_at: Time | None
    acknowledged_by: str | None
    snoozed_until: Time | None
    assigned_to: str | None
    policy: str | None
    sla_broken: list[str]
    resolved_at: Time | None
    resolved_by: str | None
    reopened: int
    reopened_at: Time | None
    alerts: int
    firing: int
    root: RootJson | None
    cause: CauseJson | None
    noise: list[str]
    merged_into: str | None
    storm: bool
    silences: list[SilenceJson]
    silenced_by: list[ForeignSilenceJson]
    runs: list[IncidentRunJson]


class ActedJson(IncidentJson):
    """An incident after an action; `changed` says whether it was so before, `reason` what was done or why nothing."""

    changed: bool
    reason: str


class ResultJson(TypedDict):
    """What became of one of many; `status` is the one that it would have been answered with alone."""

    id: str | None
    status: int
    changed: bool
    reason: str


class ResultsJson(TypedDict):
    """Each with its own result, in the order in which they were asked for; `more`: the filter finds others."""

    items: list[ResultJson]
    more: bool


class SuppressionJson(TypedDict):
    """Why an alert is held back; `incident` has it on its timeline, at `until` it is looked at again."""

    kind: str
    reason: str
    by: str | None
    incident: str | None
    since: Time | None
    until: Time | None


class AlertJson(TypedDict):
    """An alert from its firing to its end."""

    id: str
    fingerprint: str
    starts_at: Time | None
    ends_at: Time | None
    status: AlertStatus
    labels: dict[str, str]
    annotations: dict[str, str]
    source: str
    incident: str | None
    suppressed: SuppressionJson | None


class PlacingJson(TypedDict):
    """An alert's part in its incident; `odds` says how many times likelier than chance it is."""

    cause_rank: int | None
    follows: str | None
    reason: str
    odds: float | None
    noise: bool


class PlacedAlertJson(AlertJson, PlacingJson):
    """An alert and its part in its incident."""


class LabelJson(TypedDict):
    """Up to three values of a label, and how many there are."""

    values: list[str]
    count: int


class BranchJson(TypedDict):
    """Alerts of one name on one service; of each label up to three values and how many there are."""

    name: str
    service: str
    where: str
    role: str
    alert: str
    cause_rank: int | None
    alerts: int
    firing: int
    severity: Severity
    began_at: Time | None
    ended_at: Time | None
    lag_seconds: float | None
    follows: str | None
    reason: str
    odds: float | None
    by: str | None
    labels: dict[str, LabelJson]
    branches: list[BranchJson]


class TreeJson(TypedDict):
    """The likeliest cause first, what follows from it in its `branches`; `services` counts consequences."""

    branches: list[BranchJson]
    noise: list[BranchJson]
    services: dict[str, int]
    more_services: int
    more_alerts: int
    more_kinds: int
    unread: int


class IncidentStoryJson(IncidentJson):
    """An incident with its tree, the 100 likeliest causes among its alerts, and all that happened.

    `remediation` is what runbooks have done or are doing, a sentence each.
    """

    part_of: str | None
    remediation: list[str]
    tree: TreeJson
    alert_list: list[PlacedAlertJson]
    timeline: list[Event]


class DecidedJson(TypedDict):
    """What was decided, in a sentence, and the incidents as they are then."""

    changed: bool
    reason: str
    incidents: list[IncidentJson]


class QuarantinedJson(TypedDict):
    """A body that could not be understood."""

    id: int
    source: str
    received_at: Time
    reason: str
    size_bytes: int


class QuarantinedBodyJson(QuarantinedJson):
    """A body that could not be understood, with the beginning of its content."""

    content: str
    truncated: bool


class RetriedJson(TypedDict):
    """A body is back in the inbox."""

    id: int
    status: str


class TakenInJson(TypedDict):
    """A body was taken in durably."""

    status: str
    alerts: int


class MaintenanceJson(TypedDict):
    """A maintenance window: the settings of one in the configuration, and what becomes of it."""

    id: str
    name: str
    matchers: list[str]
    tenant: str
    timezone: str
    origin: str
    status: Annotated[str, WithJsonSchema({"enum": ["active", "scheduled", "ended"]})]
    starts_at: Time | None
    ends_at: Time | None
    created_at: Time | None
    created_by: str | None
    ended_at: Time | None
    ended_by: str | None
    changed: NotRequired[bool]


class MessageJson(TypedDict):
    """A message to somebody. `at`: when it is due or, once it is over, when that was; `reason` tells why."""

    id: int
    state: Literal["pending", "sending", "retried", "sent", "delivered", "skipped", "dead"]
    message: Message
    channel: str
    person: str | None
    incident: str
    key: str
    attempts: int
    at: Time
    reason: str


class TokenJson(TypedDict):
    """An API token as it is told; `used_at` is right to the minute."""

    id: str
    user: str
    status: Literal["active", "expired", "revoked"]
    scopes: list[str]
    tenants: list[str] | None
    note: str
    created_at: Time
    created_by: str
    expires_at: Time
    used_at: Time | None
    revoked_at: Time | None
    revoked_by: str | None


class MadeTokenJson(TokenJson):
    """A new token; `token` is how it is written, told this once."""

    token: str


class RevokedTokenJson(TokenJson):
    """A token that is no longer good; `changed` says whether it was before."""

    changed: bool


class MeJson(TypedDict):
    """Who asks: `name` is null for anybody, `tenants` null for every one, `token` null where another proof tells."""

    name: str | None
    scopes: list[str]
    tenants: list[str] | None
    token: TokenJson | None


class PreviewJson(TypedDict):
    """What a channel would send, as itself shows it."""

    channel: str
    user: str | None
    message: str
    incident: str
    preview: str


class TriedJson(TypedDict):
    """What became of a test; `reason` tells why nothing was sent, `reference` is the far side's name for it."""

    channel: str
    user: str | None
    sent: bool
    reason: str | None
    reference: str | None
