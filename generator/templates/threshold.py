"""`threshold`: a value lies beyond a fixed limit."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from generator import promql
from generator.promql import Number, PromQL
from generator.template import Plan, Template

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

    expr: PromQL
    above: Number | None = None
    at_least: Number | None = None
    below: Number | None = None
    at_most: Number | None = None
    equals: Number | None = None
    differs_from: Number | None = None

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
