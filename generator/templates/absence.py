"""`absence`: series that should be there are not."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from generator.facts import fact
from generator.fields import Selector
from generator.template import Plan, Template
from tocsin import duration, promql
from tocsin.config import Duration


def _positive(window: timedelta) -> timedelta:
    if not window:
        raise PydanticCustomError("absence", "looks back on nothing", {"hint": "write how long to remember: 1h"})
    return window


class Absence(Template):
    """No series matches `selector`; with `seen_within`, each series is missed that was there in that time.

    `absent()` fires once, when all are gone, and its alert bears the labels that the selector names by
    equality. It cannot notice one of many; `seen_within` can, but it forgets a series after that time, and
    the alert with it.
    """

    example: ClassVar[str] = """\
- alert: ApiAbsent
  absence: {selector: 'up{job="api"}'}
  for: 5m
  severity: critical
  summary: No instance of {{ $labels.job }} is known to Prometheus
  description: Check service discovery, then whether the API runs at all.
"""

    selector: Selector = fact(doc="a metric and its matchers, alone")
    seen_within: Annotated[Duration, AfterValidator(_positive)] | None = fact(
        None, doc="how long to remember each series; without it, the last one must be gone"
    )

    def plan(self, prefix: str) -> Plan:
        if self.seen_within is None:
            return Plan(promql.parse(f"absent({self.selector.text})"))
        seen = promql.parse(f"present_over_time({self.selector.text}[{duration.show(self.seen_within)}])")
        return Plan(promql.binary(seen.term, "unless", self.selector.term).parsed())
