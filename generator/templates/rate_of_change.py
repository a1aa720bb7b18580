"""`rate_of_change`: a value rises or falls too fast."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar, Self

from pydantic import field_validator, model_validator

from generator.facts import Window, above_zero, at_least_one, duration_from, fact, refuse
from generator.fields import Number, PromQL
from generator.template import Plan, Template
from generator.windows import enough, is_plain, stored
from tocsin import duration, promql
from tocsin.config import Duration
from tocsin.promql import Expression, Term

# `_count` and `_sum` also name gauges (pg_stat_activity_count).
COUNTERS = ("_total", "_bucket")

CHECK = "rate_of_change"
Speed = Annotated[Number, above_zero(CHECK, "is no speed", "write the change that is too much, above 0")]


class RateOfChange(Template):
    """The slope of `expr` over `window` (a line of least squares), judged where values fill most of the window."""

    example: ClassVar[str] = """\
- alert: QueueGrowsFast
  rate_of_change:
    expr: sum by (queue) (queue_length)
    window: 15m
    rises_faster_than: 1000
    per: 1h
  for: 5m
  severity: warning
  summary: Queue {{ $labels.queue }} grows by {{ $value | humanize }} an hour
  description: Look whether its consumers run, then what sends more than usual.
"""

    expr: PromQL = fact(doc="a gauge, or a rate(…) of a counter: one value a series")
    window: Window = fact(timedelta(minutes=15), doc="the time over which the slope is taken, at least 1m")
    rises_faster_than: Speed | None = fact(None, doc="the rise that is too fast", unit="of expr, per `per`")
    falls_faster_than: Speed | None = fact(None, doc="the fall that is too fast, above 0", unit="of expr, per `per`")
    per: Annotated[Duration, duration_from(CHECK, timedelta(milliseconds=1), "is no time to change in")] = fact(
        timedelta(seconds=1), doc="the time that the speeds count in, such as 1s, 1h or 1d"
    )

    @field_validator("expr")
    @classmethod
    def _is_no_counter(cls, expr: Expression) -> Expression:
        name = getattr(expr.tree, "name", None)
        if is_plain(expr) and name and name.endswith(COUNTERS):
            hint = f"write rate({expr.text}[5m]) to judge how its rate changes, or threshold for the rate itself"
            refuse(CHECK, f"{name} is a counter: its slope says nothing across a reset", hint)
        return expr

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        at_least_one(CHECK, rises_faster_than=self.rises_faster_than, falls_faster_than=self.falls_faster_than)
        return self

    def plan(self, prefix: str) -> Plan:
        series, recordings = stored(self.expr, f"{prefix}:value")
        evidence = enough(series, self.window)
        return Plan(promql.binary(self._too_fast(series), "and", evidence.term).parsed(), recordings)

    def _too_fast(self, series: Expression) -> Term:
        slope = promql.parse(f"deriv({series.text}[{duration.show(self.window)}])").term
        if self.per != timedelta(seconds=1):
            slope = promql.binary(slope, "*", promql.literal(self.per.total_seconds()))
        limits = ((">", self.rises_faster_than, 1), ("<", self.falls_faster_than, -1))
        terms = [promql.binary(slope, op, promql.literal(sign * limit)) for op, limit, sign in limits if limit]
        return terms[0] if len(terms) == 1 else promql.binary(terms[0], "or", terms[1])
