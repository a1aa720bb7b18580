"""Webhook bodies as data: Alertmanager v4 and v3, Grafana's variant, unknown and missing keys.

Source: prometheus/alertmanager notify/webhook/webhook.go and template/template.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from receiver.engine.origin import ANYWHERE, Origin
from tocsin.model import Alert, Labels

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


class _WireAlert(msgspec.Struct, rename="camel"):
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    status: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    generator_url: str | None = msgspec.field(default=None, name="generatorURL")
    fingerprint: str | None = None


class _WireBody(msgspec.Struct, rename="camel"):
    alerts: list[_WireAlert]
    group_key: str | int | None = None  # a number in v3
    group_labels: dict[str, str] | None = None
    truncated_alerts: int | None = None


class _Envelope(msgspec.Struct):
    alerts: list[msgspec.Raw] = []


_body_decoder = msgspec.json.Decoder(_WireBody)
_envelope_decoder = msgspec.json.Decoder(_Envelope)
_syntax_decoder = msgspec.json.Decoder(msgspec.Raw)


def count_alerts(content: bytes) -> int:
    """How many alerts a body carries, by its syntax alone; 0 where it has another shape.

    Raises:
        ValueError: the body is not JSON.
    """
    try:
        return len(_envelope_decoder.decode(content).alerts)
    except msgspec.ValidationError:
        _syntax_decoder.decode(content)
        return 0


def decode(body: Body) -> Notification:
    """The notification in a body.

    Raises:
        NotUnderstood: it has another shape than a webhook body.
    """
    try:
        wire = _body_decoder.decode(body.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotUnderstood(str(error)) from error
    return Notification(
        source=body.source,
        position=body.position,
        received_at=body.received_at,
        group_key=str(wire.group_key or ""),
        group_labels=wire.group_labels or {},
        alerts=tuple(_alert(alert, body.received_at) for alert in wire.alerts),
        truncated=wire.truncated_alerts or 0,
        traceparent=body.origin.traceparent,
    )


def _alert(wire: _WireAlert, received_at: datetime) -> Alert:
    """An alert without times began, and ended, when it was received."""
    labels = wire.labels or {}
    resolved, expired = wire.status == "resolved", wire.status == "expired"  # expired: only our reconciler says so
    return Alert(
        labels=labels,
        annotations=wire.annotations or {},
        starts_at=_time(wire.starts_at) or received_at,
        ends_at=(_time(wire.ends_at) or received_at) if resolved or expired else None,
        fingerprint=wire.fingerprint or "",
        generator_url=wire.generator_url or "",
        expired=expired,
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
