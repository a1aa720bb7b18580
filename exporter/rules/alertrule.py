"""Rules as they were read, wherever they stand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

USUAL_INTERVAL = timedelta(minutes=1)  # Prometheus's own default


@dataclass(frozen=True, slots=True)
class AlertRule:
    """An alert rule; `hold` is its `for`, `interval` its group's."""

    name: str
    group: str
    expr: str
    hold: timedelta = timedelta()
    interval: timedelta = USUAL_INTERVAL
    severity: str = ""

    @property
    def labels(self) -> dict[str, str]:
        """The labels that name it where it is published; an empty one would be none."""
        named = {"rule": self.name, "rule_group": self.group, "severity": self.severity}
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True, slots=True)
class Rules:
    """Alert rules in the order in which they stand, and what recording rules record: (name, expression)."""

    alerts: tuple[AlertRule, ...] = ()
    records: tuple[tuple[str, str], ...] = ()

    @classmethod
    def together(cls, parts: Iterable[Rules]) -> Self:
        """All of several; a rule that stands in more than one is there once."""
        found = list(parts)
        alerts = dict.fromkeys(rule for part in found for rule in part.alerts)
        return cls(tuple(alerts), tuple(dict.fromkeys(record for part in found for record in part.records)))
