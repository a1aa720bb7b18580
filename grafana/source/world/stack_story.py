"""What Prometheus and Alertmanager would have told of their notifications, while these alerts fired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from grafana.source.world.samples import Samples

STEP = 60
PROMETHEUS = {"job": "prometheus", "instance": "prometheus:9090"}
ALERTMANAGER = {"job": "alertmanager", "instance": "alertmanager:9093"}


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert that fired, from and until Unix times."""

    labels: dict[str, str]
    start: float
    end: float
    pending: float = field(default=120.0)  # seconds that it waited before


def tell(samples: Samples, start: float, end: float, firings: Sequence[Firing]) -> None:
    """`ALERTS`, and what was sent on, every minute from start to end."""
    sent = 0
    for now in np.arange(start, end, STEP).tolist():
        for one in firings:
            if one.start - one.pending <= now < one.end:
                state = "firing" if now >= one.start else "pending"
                samples.add("ALERTS", {**one.labels, "alertstate": state}, now, 1)
        sent += 1 + sum(one.start <= now < one.end for one in firings)
        samples.add(
            "prometheus_notifications_sent_total", {**PROMETHEUS, "alertmanager": "alertmanager:9093"}, now, sent
        )
        samples.add("prometheus_notifications_dropped_total", PROMETHEUS, now, 0)
        webhook = {**ALERTMANAGER, "integration": "webhook", "receiver_name": "tocsin"}
        samples.add("alertmanager_notifications_total", webhook, now, sent // 3)
        samples.add("alertmanager_notification_requests_failed_total", webhook, now, 0)
        samples.add("alertmanager_notifications_failed_total", {**webhook, "reason": "other"}, now, 0)
