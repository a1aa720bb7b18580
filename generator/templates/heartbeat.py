"""`heartbeat`: an alert that always fires: its silence tells that the way to the receiver is broken."""

from __future__ import annotations

from generator import promql
from generator.promql import Expression
from generator.template import Template


class Heartbeat(Template):
    """Fires as long as Prometheus evaluates rules; takes nothing. By custom the alert is called Watchdog."""

    def expression(self) -> Expression:
        return promql.parse("vector(1)")
