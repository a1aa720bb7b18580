"""`threshold`: a value lies beyond a fixed limit."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from generator.facts import fact
from generator.fields import Number, PromQL
from generator.template import Plan, Template
from tocsin import promql

OPERATORS = {
    "above": ">",
    "at_least": ">=",
    "below": "<",
    "at_most": "<=",
    "equals": "==",
    "differs_from": "!=",
}


class Threshold(Template):
    """`expr` compared with a number, in exactly one way."""

    example: ClassVar[str] = """\
- alert: MemoryLow
  threshold:
    expr: 100 * node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes
    below: 10
  for: 2m
  severity: warning
  summary: '{{ $labels.instance }} has {{ $value | printf "%.1f" }}% of its memory left'
  description: Find what grew with top or the dashboard of the machine.
"""

    expr: PromQL = fact(doc="what is compared: one value a series")
    above: Number | None = fact(None, doc="fires for more than this", unit="of expr")
    at_least: Number | None = fact(None, doc="fires for this and more", unit="of expr")
    below: Number | None = fact(None, doc="fires for less than this", unit="of expr")
    at_most: Number | None = fact(None, doc="fires for this and less", unit="of expr")
    equals: Number | None = fact(None, doc="fires for exactly this", unit="of expr")
    differs_from: Number | None = fact(None, doc="fires for anything else", unit="of expr")

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        given = [key for key in OPERATORS if getattr(self, key) is not None]
        if len(given) != 1:
            what = f"has {' and '.join(given)}" if given else "has no limit"
            hint = f"give exactly one of {', '.join(OPERATORS)}"
            raise PydanticCustomError("threshold", "{what}", {"what": what, "hint": hint})
        return self

    def plan(self, prefix: str) -> Plan:
        key, limit = next((key, getattr(self, key)) for key in OPERATORS if getattr(self, key) is not None)
        return Plan(promql.binary(self.expr.term, OPERATORS[key], promql.literal(limit)).parsed())
