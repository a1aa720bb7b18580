"""What an objective of OpenSLO measures, as the keys of an `slo` that say the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import promql_parser
from promql_parser import Expr, MatrixSelector, SubqueryExpr, VectorSelector

from generator.importing.openslo_objects import Objects, Placed
from generator.importing.openslo_spec import Metric, Objective, Sli
from generator.slo.query import PLACEHOLDER, SAMPLE, Query
from tocsin import duration, promql
from tocsin.promql import PromQLError

# When a slice is bad, by when a value is good.
BAD = {"lt": "at_least", "lte": "above", "gt": "at_most", "gte": "below"}
SIGNS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}

SOURCES = ("prometheus", "sloth")  # those of v1alpha that sloth itself reads
QUERY_KEYS = ("query", "promql", "expr")
KNOWN_KEYS = (*QUERY_KEYS, "queryType", "source")


@dataclass(frozen=True, slots=True)
class Measure:
    """What is measured, where it is written, and how its share is counted."""

    sli: Sli
    at: Placed  # its metric
    objective: Objective
    of_objective: Placed
    method: str
    objects: Objects

    def keys(self) -> Mapping[str, Any] | None:
        """The keys of the `slo`; None, with a problem, where it cannot be said."""
        if self.method == "Timeslices" and self.objective.time_slice_target is None:
            hint = "write timeSliceTarget: 0.95, the share of a slice that makes it a good one"
            self.of_objective.note("Timeslices without a target of each slice", hint=hint)
            return None
        return self._threshold() if self.sli.threshold_metric else self._ratio()

    def _threshold(self) -> Mapping[str, Any] | None:
        op, value = self.objective.op, self.objective.value
        query = self._query(self.sli.threshold_metric, self.at, counter=False)
        if query is None:
            return None
        if op is None or value is None:
            hint = "write op: lte and value: 0.3, say: when a value of the metric is a good one"
            self.of_objective.note("thresholdMetric without op and value", hint=hint)
            return None
        if self.method == "Occurrences":
            return {"time_slices": {"expr": query.over(SAMPLE).text, BAD[op]: value}}
        share = f"({query.over(SAMPLE).text}) {SIGNS[op]} bool {promql.number(value)}"
        return self._sliced(f"avg_over_time(({share})[{self._slice()}:])")

    def _ratio(self) -> Mapping[str, Any] | None:
        metric, at = self.sli.ratio_metric, self.at
        assert metric, "the model has one of the two"
        if metric.raw:
            raw = self._query(metric.raw, at.below("raw"), counter=False)
            if raw is None:
                return None
            return self._shared(raw if metric.raw_type == "failure" else Query(f"1 - ({raw.text})"))
        counter = bool(metric.counter)
        kind = "bad" if metric.bad else "good"
        part = self._query(metric.bad or metric.good, at.below(kind), counter=counter)
        total = self._query(metric.total, at.below("total"), counter=counter)
        if part is None or total is None:
            return None
        if self.method == "Occurrences":
            return {"requests": {"errors" if metric.bad else "good": part.text, "total": total.text}}
        share = f"({part.text}) / ({total.text})"
        return self._shared(Query(share if metric.bad else f"1 - {share}"))

    def _shared(self, bad: Query) -> Mapping[str, Any]:
        """The bad share itself: averaged, or each slice bad or good by it."""
        if self.method != "Timeslices":
            return {"error_ratio": {"expr": bad.text}}
        return self._sliced(f"1 - ({PLACEHOLDER.sub(self._slice(), bad.text)})")

    def _sliced(self, good: str) -> Mapping[str, Any]:
        return {"time_slices": {"expr": promql.parse(good).text, "below": self.objective.time_slice_target}}

    def _slice(self) -> str:
        return duration.show(self.objective.time_slice_window or SAMPLE)

    def _query(self, metric: Metric | None, at: Placed, *, counter: bool) -> Query | None:
        assert metric, "the model has it"
        text, where = _v1(metric, at, self.objects) if metric.metric_source else _v1alpha(metric, at)
        if text is None:
            return None
        query = Query(text.strip())
        try:
            tree = query.over(SAMPLE).tree
        except PromQLError as error:
            where.note(f"PromQL: {error}", hint="try the query in Prometheus; only {{.window}} is filled in")
            return None
        return Query(_rated(tree)) if counter and not _has_range(tree) else query


def _v1(metric: Metric, at: Placed, objects: Objects) -> tuple[str | None, Placed]:
    """The query under `metricSource`, if Prometheus answers it."""
    source, at = metric.metric_source, at.below("metricSource")
    assert source, "asked for"
    kind = source.type
    if kind is None and source.metric_source_ref is not None:
        found = objects.find("DataSource", source.metric_source_ref, at, "metricSourceRef")
        if found is None:
            return None, at
        named = found.below("spec", "type").data
        kind = str(named) if named is not None else None
    if kind is None or kind.lower() != "prometheus":
        what = f"is asked of {kind}" if kind else "does not say of whom it is asked"
        at.note(f"the metric {what}: only Prometheus is read", "type", hint="write type: Prometheus, and its query")
        return None, at
    spec, at = source.spec, at.below("spec")
    if isinstance(spec, str):
        return spec, at
    text, where = _text(spec, QUERY_KEYS, at)
    for key in spec if text is not None else ():
        if key not in KNOWN_KEYS:
            at.warn(f"{key!r} is left out: it says nothing to Prometheus", key, hint="write it into the query")
    return text, where


def _v1alpha(metric: Metric, at: Placed) -> tuple[str | None, Placed]:
    """The query beside its source."""
    if metric.source is None or metric.source.lower() not in SOURCES:
        what = f"is asked of {metric.source}" if metric.source else "does not say of whom it is asked"
        at.note(f"the metric {what}: only Prometheus is read", "source", hint="write source: prometheus, and its query")
        return None, at
    return _text({"query": metric.query}, ("query",), at)


def _text(spec: Any, keys: tuple[str, ...], at: Placed) -> tuple[str | None, Placed]:
    given = spec if isinstance(spec, dict) else {}
    key = next((key for key in keys if isinstance(given.get(key), str) and given[key].strip()), None)
    if key is None:
        at.note("the metric has no query", hint=f"write {keys[0]}: and PromQL")
        return None, at
    return given[key], at.below(key)


def _has_range(tree: Expr) -> bool:
    return any(isinstance(node, MatrixSelector | SubqueryExpr) for node in promql.walk(tree))


def _rated(tree: Expr) -> str:
    """The tree with the rate of each counter in its place."""

    def rate(node: Expr) -> Expr | None:
        if not isinstance(node, VectorSelector):
            return None
        return promql.parse(f"rate({node.prettify()}[{duration.show(SAMPLE)}])").tree

    return promql.of_tree(promql_parser.transform(tree, post_visit=rate)).text
