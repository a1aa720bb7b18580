"""`saturation`: something fills up, and at its pace of late it will be full soon."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar, Self

from pydantic import model_validator

from generator.facts import Window, duration_from, exactly_one, fact, number_where
from generator.fields import Number, PromQL
from generator.template import Plan, Template
from generator.windows import enough, stored
from tocsin import duration, promql
from tocsin.config import Duration
from tocsin.promql import Expression, Term

CHECK = "saturation"

Share = Annotated[
    Number,
    number_where(
        CHECK, lambda value: 0 <= value < 1, "is no share of the capacity", "write 0 or more, less than 1: 0.6 for 60 %"
    ),
]
Ahead = Annotated[Duration, duration_from(CHECK, timedelta(minutes=1), "is now")]


class Saturation(Template):
    """More than `used_above` of `capacity` is used, and the line through `window` reaches the end in `full_within`.

    The alert's value is the share that is used now. A capacity of 0 means no limit in many exporters, and is left out.
    """

    example: ClassVar[str] = """\
- alert: DiskFullSoon
  saturation:
    free: node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs"}
    capacity: node_filesystem_size_bytes{fstype!~"tmpfs|ramfs"}
    full_within: 1d
    used_above: 0.6
  for: 30m
  severity: warning
  summary: '{{ $labels.mountpoint }} of {{ $labels.instance }} is {{ $value | humanizePercentage }} full'
  description: At its pace of late it is full within a day. Find what grows, or make it larger.
"""

    used: PromQL | None = fact(None, doc="what is used; or give free", unit="of capacity")
    free: PromQL | None = fact(None, doc="what is left; or give used", unit="of capacity")
    capacity: PromQL = fact(doc="how much there is, with the same labels")
    full_within: Ahead = fact(timedelta(days=1), doc="how soon it must be full to matter, at least 1m")
    window: Window = fact(timedelta(hours=6), doc="the time whose pace is taken, at least 1m")
    used_above: Share = fact(0.5, doc="the use below which no pace matters", unit="share of 1")

    @model_validator(mode="after")
    def _used_or_free(self) -> Self:
        exactly_one(CHECK, used=self.used, free=self.free)
        return self

    def plan(self, prefix: str) -> Plan:
        name, measured = ("used", self.used) if self.used is not None else ("free", self.free)
        assert measured is not None  # one of them is given
        series, recordings = stored(measured, f"{prefix}:{name}")
        in_use = promql.binary(self._use(series), ">", promql.literal(self.used_above))
        soon = promql.binary(in_use, "and", self._full(series))
        return Plan(promql.binary(soon, "and", enough(series, self.window).term).parsed(), recordings)

    def _use(self, series: Expression) -> Term:
        limited = promql.binary(self.capacity.term, ">", promql.literal(0))
        part = promql.binary(series.term, "/", limited)
        return part if self.used is not None else promql.binary(promql.literal(1), "-", part)

    def _full(self, series: Expression) -> Term:
        seconds = promql.number(self.full_within.total_seconds())
        then = promql.parse(f"predict_linear({series.text}[{duration.show(self.window)}], {seconds})").term
        if self.used is not None:
            return promql.binary(then, ">=", self.capacity.term)
        return promql.binary(then, "<=", promql.literal(0))
