"""Bodies as notifications, quickly: what repeats byte by byte is neither decoded nor identified again."""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from receiver.engine.ingest import tenant_in
from receiver.engine.notification import (
    Body,
    Notification,
    NotUnderstood,
    alert_of,
    tells_its_times,
    wire_alert,
    wire_body,
)
from receiver.engine.occurrence import identity_of
from receiver.engine.recent import Recent
from tocsin.model import Alert

LIMIT = 300_000  # alerts, at about 0.4 KiB each beside what the working set holds of them
SHARED_TEXTS = 10_000  # values of which one copy serves all alerts: most labels and many annotations are the same


class Seen:
    """Alerts, with who they are, by the bytes that told of them. One thread at a time uses it."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._alerts: Recent[bytes, Alert] = Recent(limit)
        self._texts: dict[str, str] = {}

    def decode(self, body: Body, tenant_label: str) -> Notification:
        """The notification in a body.

        Raises:
            NotUnderstood: it has another shape than a webhook body.
        """
        wire = wire_body(body.content)
        prefix = f"{tenant_label}\xff{body.source}\xff".encode()
        alerts: list[Alert] = []
        try:
            for raw in wire.alerts:
                alerts.append(self._alert(raw, prefix, body, tenant_label))  # noqa: PERF401  the error tells how far it came
        except NotUnderstood as error:
            raise NotUnderstood(f"alert {len(alerts) + 1} of {len(wire.alerts)}: {error}") from error
        return Notification(
            source=body.source,
            position=body.position,
            received_at=body.received_at,
            group_key=str(wire.group_key or ""),
            group_labels=wire.group_labels or {},
            alerts=tuple(alerts),
            truncated=wire.truncated_alerts or 0,
            traceparent=body.origin.traceparent,
        )

    def _alert(self, raw: msgspec.Raw, prefix: bytes, body: Body, tenant_label: str) -> Alert:
        key = blake2b(b"".join((prefix, raw)), digest_size=16).digest()
        known = self._alerts.get(key)
        if known is not None:
            return known
        wire = wire_alert(raw)
        self._share(wire.labels)
        self._share(wire.annotations)
        labels = wire.labels or {}
        identity = identity_of(body.source, tenant_in(labels, tenant_label), labels)
        alert = alert_of(wire, body.received_at, identity)
        if tells_its_times(wire):
            self._alerts.keep(key, alert)
        return alert

    def _share(self, texts: dict[str, str] | None) -> None:
        """Puts the copy that is known in the place of an equal one."""
        if len(self._texts) > SHARED_TEXTS:
            self._texts.clear()
        if not texts:
            return
        for name, text in texts.items():
            texts[name] = self._texts.setdefault(text, text)
