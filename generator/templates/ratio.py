"""`ratio`: too large a part of the whole is bad."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from generator import promql
from generator.promql import Number, PromQL
from generator.template import Plan, Template


def _share(value: float) -> float:
    if not 0 <= value < 1:
        never = "is never exceeded by a part of the whole" if value >= 1 else "is always exceeded"
        what = {"what": f"{promql.number(value)} {never}", "hint": "write a share of 1: 0.05 for 5 %"}
        raise PydanticCustomError("ratio", "{what}", what)
    return value


def _positive(value: float) -> float:
    if value <= 0:
        hint = "write the least rate worth judging, in the unit of total; or leave minimum out"
        raise PydanticCustomError("ratio", "{value} keeps nothing out", {"value": promql.number(value), "hint": hint})
    return value


class Ratio(Template):
    """`errors / total` above a share of 1, judged only where `total` is at least `minimum`.

    Without traffic 0 / 0 is NaN, and no comparison keeps a NaN: the alert stays silent. Without `minimum` one
    error among few requests is a large share; with it, a quiet night pages nobody.
    """

    errors: PromQL
    total: PromQL
    above: Annotated[Number, AfterValidator(_share)]
    minimum: Annotated[Number, AfterValidator(_positive)] | None = None

    def plan(self, prefix: str) -> Plan:
        share = promql.binary(self.errors.term, "/", self.total.term)
        beyond = promql.binary(share, ">", promql.literal(self.above))
        if self.minimum is None:
            return Plan(beyond.parsed())
        enough = promql.binary(self.total.term, ">=", promql.literal(self.minimum))
        return Plan(promql.binary(beyond, "and", enough).parsed())
