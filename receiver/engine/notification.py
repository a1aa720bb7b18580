"""Webhook bodies as data: Alertmanager v4 and v3, Grafana's variant, unknown and missing keys.

Source: prometheus/alertmanager notify/webhook/webhook.go and template/template.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from receiver.engine.origin import ANYWHERE, Origin
from tocsin.model import Alert, Labels

EXPIRED = "expired"  # only our reconciler says so
ENDED = ("resolved", EXPIRED)
ZERO_YEAR = 1  # Go's zero time, 0001-01-01T00:00:00Z, stands for "not yet"


@dataclass(frozen=True, slots=True)
class Body:
    """A raw webhook body as the inbox keeps it."""

    source: str
    received_at: datetime
    content: bytes
    position: int = 0
    origin: Origin = ANYWHERE


@dataclass(frozen=True, slots=True)
class Notification:
    """What one webhook body says: alerts of one Alertmanager group, firing and resolved ones mixed."""

    source: str
    position: int
    received_at: datetime
    group_key: str
    group_labels: Labels
    alerts: tuple[Alert, ...]
    truncated: int = 0
    traceparent: str = ""


class NotUnderstood(ValueError):
    """A body that parses but does not say what a webhook body says; the message tells why."""


class WireAlert(msgspec.Struct, rename="camel"):
    """An alert as it is written on the wire; every key may be absent."""

    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    status: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    generator_url: str | None = msgspec.field(default=None, name="generatorURL")
    fingerprint: str | None = None


class WireBody(msgspec.Struct, rename="camel"):
    """A body as it is written on the wire."""

    alerts: list[msgspec.Raw]
    group_key: str | int | None = None  # a number in v3
    group_labels: dict[str, str] | None = None
    truncated_alerts: int | None = None


_body_decoder = msgspec.json.Decoder(WireBody)
_alert_decoder = msgspec.json.Decoder(WireAlert)


def wire_body(content: bytes) -> WireBody:
    """A body with its alerts still as bytes.

    Raises:
        NotUnderstood: it has another shape than a webhook body.
    """
    try:
        return _body_decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotUnderstood(str(error)) from error


def wire_alert(raw: msgspec.Raw) -> WireAlert:
    """One alert of a body.

    Raises:
        NotUnderstood: it has another shape than an alert.
    """
    try:
        return _alert_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotUnderstood(str(error)) from error


def tells_its_times(wire: WireAlert) -> bool:
    """Whether the same bytes mean the same alert whenever they are received."""
    return _time(wire.starts_at) is not None and (wire.status not in ENDED or _time(wire.ends_at) is not None)


def alert_of(wire: WireAlert, received_at: datetime, identity: str) -> Alert:
    """An alert without times began, and ended, when it was received."""
    labels = wire.labels or {}
    return Alert(
        labels=labels,
        annotations=wire.annotations or {},
        starts_at=_time(wire.starts_at) or received_at,
        ends_at=(_time(wire.ends_at) or received_at) if wire.status in ENDED else None,
        fingerprint=wire.fingerprint or "",
        generator_url=wire.generator_url or "",
        expired=wire.status == EXPIRED,
        identity=identity,
    )


def _time(time: datetime | None) -> datetime | None:
    return None if time is None or time.year <= ZERO_YEAR else time


def quarantine_notice(body: Body, reason: str) -> Notification:
    """Tells people about a body that nobody understood: a page that nobody sees would be a lost page."""
    alert = Alert(
        labels={"alertname": "TocsinBodyNotUnderstood", "severity": "critical", "source": body.source},
        annotations={
            "summary": f"A webhook body from {body.source} could not be understood",
            "description": f"It is kept in quarantine as number {body.position}: {reason}. "
            "What it wanted to tell is unknown: look at Alertmanager.",
        },
        starts_at=body.received_at,
        ends_at=None,
        fingerprint="",
        generator_url="",
    )
    return Notification(
        source="tocsin",
        position=body.position,
        received_at=body.received_at,
        group_key=f"quarantine/{body.source}",
        group_labels={"source": body.source},
        alerts=(alert,),
    )
