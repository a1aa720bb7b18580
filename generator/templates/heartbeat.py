"""`heartbeat`: an alert that always fires: its silence tells that the way to the receiver is broken."""

from __future__ import annotations

from typing import ClassVar

from generator.template import Plan, Template
from tocsin import promql


class Heartbeat(Template):
    """Fires as long as Prometheus evaluates rules; takes nothing. By custom the alert is called Watchdog."""

    example: ClassVar[str] = """\
- alert: Watchdog
  heartbeat:
  severity: info
  summary: The way from Prometheus to the receiver is open
"""

    def plan(self, prefix: str) -> Plan:
        return Plan(promql.parse("vector(1)"))
