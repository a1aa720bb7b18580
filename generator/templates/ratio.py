"""`ratio`: too large a part of the whole is bad."""

from __future__ import annotations

from typing import Annotated, ClassVar

from promql_parser import AggregateExpr, BinaryExpr, Call, Expr, MatrixSelector, ParenExpr
from pydantic import AfterValidator

from generator.facts import above_zero, fact, number_where, refuse
from generator.fields import Number, PromQL
from generator.template import Plan, Template
from tocsin import promql
from tocsin.promql import Expression

CHECK = "ratio"

# rate() stretches what it saw to the whole window: one error counts as up to a third more, with four scrapes in it.
MORE_THAN_ONE = 1.5


def _share(value: float) -> float:
    if not 0 <= value < 1:
        never = "is never exceeded by a part of the whole" if value >= 1 else "is always exceeded"
        refuse(CHECK, f"{promql.number(value)} {never}", "write a share of 1: 0.05 for 5 %")
    return value


Minimum = Annotated[
    Number,
    above_zero(CHECK, "keeps nothing out", "write the least rate worth judging, in the unit of total; or leave it out"),
]
LeastErrors = Annotated[
    Number, number_where(CHECK, lambda value: value >= 0, "is no number of errors", "write 0 for any, or more")
]


class Ratio(Template):
    """`errors / total` above a share of 1, judged only where `total` is at least `minimum`.

    Without traffic 0 / 0 is NaN, and no comparison keeps a NaN: the alert stays silent. Without `minimum` one error
    among few requests is a large share; so `errors` must then be more than one in its window, where its window can
    be told, or exceed `minimum_errors`.
    """

    example: ClassVar[str] = """\
- alert: HttpErrorRatioHigh
  ratio:
    errors: sum by (job) (rate(http_requests_total{code=~"5.."}[5m]))
    total: sum by (job) (rate(http_requests_total[5m]))
    above: 0.05
    minimum: 0.1
  for: 5m
  severity: critical
  summary: '{{ $labels.job }} fails {{ $value | humanizePercentage }} of requests'
  runbook: https://example.org/runbooks/http-errors
"""

    errors: PromQL = fact(doc="the bad part")
    total: PromQL = fact(doc="the whole, with the same labels")
    above: Annotated[Number, AfterValidator(_share)] = fact(doc="the part that is too much", unit="share of 1")
    minimum: Minimum | None = fact(None, doc="the least total that is judged, above 0", unit="of total")
    minimum_errors: LeastErrors | None = fact(
        None,
        doc="what errors must exceed. Default: one in its window, if errors is a rate or an increase; 0 with minimum",
        unit="of errors",
    )

    def plan(self, prefix: str) -> Plan:
        share = promql.binary(self.errors.term, "/", self.total.term)
        held = promql.binary(share, ">", promql.literal(self.above))
        if self.minimum is not None:
            held = promql.binary(held, "and", promql.binary(self.total.term, ">=", promql.literal(self.minimum)))
        fewest = self._fewest_errors()
        if fewest:
            held = promql.binary(held, "and", promql.binary(self.errors.term, ">", promql.literal(fewest)))
        return Plan(held.parsed())

    def _fewest_errors(self) -> float:
        if self.minimum_errors is not None:
            return self.minimum_errors
        return 0 if self.minimum is not None else _one_event(self.errors)


def _one_event(errors: Expression) -> float:
    """A little more than one event in the window of a rate or increase; 0 where the expression is none."""
    tree: Expr = errors.tree
    while isinstance(tree, AggregateExpr | ParenExpr | BinaryExpr):
        if str(getattr(tree, "op", "sum")) not in ("sum", "or"):
            return 0
        tree = tree.lhs if isinstance(tree, BinaryExpr) else tree.expr  # … or vector(0)
    if not isinstance(tree, Call) or tree.func.name not in ("rate", "increase"):
        return 0
    [counter] = tree.args
    if tree.func.name == "increase":
        return MORE_THAN_ONE
    window = counter.range if isinstance(counter, MatrixSelector) else None
    return float(f"{MORE_THAN_ONE / window.total_seconds():.6g}") if window else 0
