"""Alerts that Alertmanager left out of its bodies (`max_alerts`): counted, and told of where nobody asks after them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import structlog
from prometheus_client import CollectorRegistry, Counter

from receiver.engine.notification import Notification

log = structlog.get_logger("receiver.reconcile")


class Truncation:
    """Looks at every body that was processed."""

    def __init__(self, reconciled: Collection[str], registry: CollectorRegistry) -> None:
        self._reconciled = reconciled
        self._said = False
        self._alerts = Counter(
            "tocsin_receiver_alerts_truncated",
            "Alerts that Alertmanager left out of webhook bodies, by its setting max_alerts; repeats count again.",
            registry=registry,
        )

    def processed(self, notifications: Iterable[Notification]) -> None:
        """Counts what was left out; the first time that nobody will fetch it, the log says so."""
        for notification in notifications:
            if not notification.truncated:
                continue
            self._alerts.inc(notification.truncated)
            if notification.source not in self._reconciled and not self._said:
                self._said = True
                log.warning(
                    "a body is truncated, and nothing is known of the alerts that it leaves out: "
                    "set max_alerts: 0 in alertmanager.yml, or sources.NAME.reconcile here",
                    source=notification.source,
                    left_out=notification.truncated,
                )
