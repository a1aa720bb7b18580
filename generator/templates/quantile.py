"""`quantile`: the slowest part of what a histogram counts is too slow."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from promql_parser import VectorSelector
from pydantic import ValidationInfo, field_validator

from generator.facts import Window, above_zero, fact, label_name, number_where, refuse
from generator.fields import Number, Selector
from generator.template import Plan, Template
from tocsin import duration, promql
from tocsin.promql import Expression

CHECK = "quantile"
OPERATORS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}

Share = Annotated[
    Number, number_where(CHECK, lambda value: 0 < value < 1, "is no quantile", "write a share of 1: 0.99 for p99")
]
Least = Annotated[
    Number, above_zero(CHECK, "keeps nothing out", "write the least events a second worth judging, or leave it out")
]
LabelName = Annotated[str, label_name(CHECK)]


class Quantile(Template):
    """A quantile of a histogram over `window`, judged where it counts at least `minimum` events a second.

    Classic histograms are series by `le` that end in `_bucket`; native ones are one series each.
    """

    example: ClassVar[str] = """\
- alert: PlayerSlow
  quantile:
    histogram: player_request_duration_seconds
    quantile: 0.99
    by: [region]
    above: 0.5
    minimum: 1
  for: 10m
  severity: warning
  summary: One request in a hundred from {{ $labels.region }} takes {{ $value | humanizeDuration }} or more
  runbook: https://example.org/runbooks/player-slow
"""

    histogram: Selector = fact(doc="a plain selector: the histogram's name and its matchers, without _bucket")
    kind: Literal["classic", "native"] = fact("classic", doc="how the histogram is stored")
    quantile: Share = fact(0.99, doc="which quantile, between 0 and 1", unit="share of 1")
    by: tuple[LabelName, ...] = fact((), doc="the labels to tell apart by, without le")
    window: Window = fact(timedelta(minutes=5), doc="the time over which events are counted, at least 1m")
    above: Number = fact(doc="the value that is too much", unit="of the histogram")
    minimum: Least | None = fact(None, doc="the least traffic that is judged, above 0", unit="events a second")

    @field_validator("kind")
    @classmethod
    def _is_of_that_kind(cls, kind: str, info: ValidationInfo) -> str:
        histogram = info.data.get("histogram")
        if kind == "native" and histogram is not None and histogram.tree.name.endswith("_bucket"):
            refuse(
                CHECK, f"{histogram.tree.name} is a series of a classic histogram", "write classic, or its bare name"
            )
        return kind

    @field_validator("histogram")
    @classmethod
    def _names_a_histogram(cls, histogram: Expression) -> Expression:
        matched = {matcher.name for matcher in _selector(histogram).matchers.matchers}
        if not _selector(histogram).name:
            refuse(CHECK, "has no name", 'write the histogram\'s name in front: request_duration_seconds{job="api"}')
        if "le" in matched:
            refuse(CHECK, "picks buckets by le", "remove the matcher: a quantile needs all buckets")
        return histogram

    @field_validator("by")
    @classmethod
    def _buckets_stay_together(cls, by: tuple[str, ...]) -> tuple[str, ...]:
        if "le" in by:
            refuse(CHECK, "tells buckets apart", "remove le: it is added where it is needed")
        return by

    def plan(self, prefix: str) -> Plan:
        value = promql.parse(f"histogram_quantile({promql.number(self.quantile)}, {self._buckets()})")
        slow = promql.binary(value.term, ">", promql.literal(self.above))
        if self.minimum is None:
            return Plan(slow.parsed())
        enough = promql.binary(promql.parse(self._traffic()).term, ">=", promql.literal(self.minimum))
        return Plan(promql.binary(slow, "and", enough).parsed())

    def _buckets(self) -> str:
        if self.kind == "native":
            return _sum(self.by, self._rate(""))
        return _sum(("le", *self.by), self._rate("_bucket"))

    def _traffic(self) -> str:
        if self.kind == "native":
            return f"histogram_count({_sum(self.by, self._rate(''))})"
        return _sum(self.by, self._rate("_count"))

    def _name(self) -> str:
        return (_selector(self.histogram).name or "").removesuffix("_bucket")

    def _rate(self, suffix: str) -> str:
        selector = _named(self._name() + suffix, self.histogram)
        return f"rate({selector}[{duration.show(self.window)}])"


def _sum(by: tuple[str, ...], of: str) -> str:
    return f"sum by ({', '.join(by)}) ({of})" if by else f"sum({of})"


def _selector(expr: Expression) -> VectorSelector:
    assert isinstance(expr.tree, VectorSelector)  # the field takes nothing else
    return expr.tree


def _named(name: str, selector: Expression) -> str:
    """The selector under another name."""
    matchers = _selector(selector).matchers.matchers
    texts = [f"{m.name}{OPERATORS[str(m.op)]}{json.dumps(m.value, ensure_ascii=False)}" for m in matchers]
    return f"{name}{{{','.join(texts)}}}"
