"""`comparison`: a value is far from what it was at the same time yesterday or last week."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Annotated, ClassVar, Self

from pydantic import model_validator

from generator import facts
from generator.facts import above_zero, at_least_one, duration_from, fact, number_where
from generator.fields import Number, PromQL
from generator.template import Plan, Recording, Template
from generator.windows import ago, enough, without_nan
from tocsin import duration, promql
from tocsin.config import Duration
from tocsin.promql import Term

CHECK = "comparison"
TIMES_THEN = "1.5 is half as much again, 0.5 is half of it"

More = Annotated[
    Number,
    number_where(CHECK, lambda value: 1 < value < math.inf, "is no more than then", f"write more than 1: {TIMES_THEN}"),
]
Less = Annotated[
    Number,
    number_where(CHECK, lambda value: 0 < value < 1, "is no less than then", f"write between 0 and 1: {TIMES_THEN}"),
]
Least = Annotated[Number, above_zero(CHECK, "keeps nothing out", "write the least value worth comparing")]
Around = Annotated[Duration, duration_from(CHECK, timedelta(minutes=5), "is too short to even out noise")]


class Comparison(Template):
    """`expr` divided by its median around the same time a season ago, judged where most of that time has values.

    The alert's value is that quotient. What was then is read from the history that Prometheus has: a new alert
    waits for `around`, not for a season.
    """

    example: ClassVar[str] = """\
- alert: OrdersFarBelowLastWeek
  comparison:
    expr: sum by (country) (rate(orders_total[15m]))
    season: 1w
    below: 0.5
    minimum: 0.05
  for: 15m
  severity: critical
  summary: Orders from {{ $labels.country }} are at {{ $value | humanizePercentage }} of last week's
  runbook: https://example.org/runbooks/orders
"""

    expr: PromQL = fact(doc="what is compared: one value a series, not negative")
    season: Annotated[Duration, facts.season(CHECK)] = fact(timedelta(weeks=1), doc="how long ago: 1d or 1w")
    above: More | None = fact(None, doc="how many times the value of then is too much, above 1")
    below: Less | None = fact(None, doc="what share of the value of then is too little, between 0 and 1")
    minimum: Least | None = fact(
        None, doc="the least value worth comparing: of now for above, of then for below", unit="of expr"
    )
    around: Around = fact(timedelta(hours=1), doc="the time around then whose median is taken, at least 5m")

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        at_least_one(CHECK, above=self.above, below=self.below)
        return self

    def plan(self, prefix: str) -> Plan:
        value, earlier, median = (f"{prefix}:{name}" for name in ("value", "earlier", "earlier_median"))
        now = without_nan(self.expr)  # first: of what is no vector, this tells more clearly
        then = ago(self.expr, self.season - self.around / 2)
        middle = promql.parse(f"quantile_over_time(0.5, {earlier}[{duration.show(self.around)}])")
        evidence = enough(promql.parse(earlier), self.around)
        recordings = (
            Recording(value, now),
            Recording(earlier, without_nan(then)),
            Recording(median, promql.binary(middle.term, "and", evidence.term).parsed()),
        )
        return Plan(self._far_off(promql.parse(value).term, promql.parse(median).term).parsed(), recordings)

    def _far_off(self, value: Term, median: Term) -> Term:
        terms = []
        if self.above is not None:
            terms.append(self._beyond(value, median, ">", self.above, judged=value))
        if self.below is not None:
            terms.append(self._beyond(value, median, "<", self.below, judged=median))
        return terms[0] if len(terms) == 1 else promql.binary(terms[0], "or", terms[1])

    def _beyond(self, value: Term, median: Term, operator: str, limit: float, *, judged: Term) -> Term:
        """The quotient beyond the limit; without a minimum, there must have been something then."""
        if self.minimum is None:
            positive = promql.binary(median, ">", promql.literal(0))
            return promql.binary(promql.binary(value, "/", positive), operator, promql.literal(limit))
        beyond = promql.binary(promql.binary(value, "/", median), operator, promql.literal(limit))
        return promql.binary(beyond, "and", promql.binary(judged, ">=", promql.literal(self.minimum)))
