"""`range`: a value leaves the limits on both sides of it, or lies between two."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from generator.facts import fact, refuse
from generator.fields import Number, PromQL
from generator.template import Plan, Template
from tocsin import promql


class Range(Template):
    """`expr` below `low` or above `high`; with `fires: inside`, from `low` to `high`.

    Both limits are still good (`outside`), or already bad (`inside`).
    """

    example: ClassVar[str] = """\
- alert: ServerRoomTemperature
  range:
    expr: max by (room) (room_temperature_celsius)
    low: 16
    high: 27
  for: 10m
  severity: warning
  summary: Room {{ $labels.room }} is at {{ $value | printf "%.1f" }} °C
  description: Look at the air conditioning, then at what makes the heat.
"""

    expr: PromQL = fact(doc="what is compared: one value a series")
    low: Number = fact(doc="the lower limit", unit="of expr")
    high: Number = fact(doc="the upper limit", unit="of expr")
    fires: Literal["outside", "inside"] = fact("outside", doc="on which side of the limits the alert fires")

    @model_validator(mode="after")
    def _low_is_below_high(self) -> Self:
        if not self.low < self.high:
            low, high = promql.number(self.low), promql.number(self.high)
            refuse("range", f"low {low} is not below high {high}", "exchange them, or take threshold for one limit")
        return self

    def plan(self, prefix: str) -> Plan:
        low, high = promql.literal(self.low), promql.literal(self.high)
        if self.fires == "inside":
            return Plan(promql.binary(promql.binary(self.expr.term, ">=", low), "<=", high).parsed())
        below, above = promql.binary(self.expr.term, "<", low), promql.binary(self.expr.term, ">", high)
        return Plan(promql.binary(below, "or", above).parsed())
