"""`experimental-function`: functions that Prometheus knows only when it was started with a feature flag."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from promql_parser import AggregateExpr, Call

from generator.context import Context
from generator.rule import Rule
from generator.source import written
from generator.version import FUNCTIONS as VERSIONS
from tocsin.problem import Problem
from tocsin.promql import Expression
from tocsin.promql_shape import by_shape

# prometheus: promql/parser/functions.go and lex.go.
FUNCTIONS = frozenset(
    {"double_exponential_smoothing", "info", "mad_over_time", "sort_by_label", "sort_by_label_desc", "limitk"}
    | {"limit_ratio", "first_over_time", "ts_of_first_over_time", "ts_of_last_over_time", "ts_of_max_over_time"}
    | {"ts_of_min_over_time", "histogram_quantiles"}
)
FLAG = "--enable-feature=promql-experimental-functions"


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """Without the flag Prometheus refuses the file."""
    for name in _experimental(rule):
        if not _too_young(name, context):
            message = f"{name}() is experimental: Prometheus refuses the file unless started with {FLAG}"
            hint = "start it so and turn this check off, or write it otherwise"
            yield rule.problem("experimental-function", message, rule.at_expr(), hint, context.unwise, name)


def _too_young(name: str, context: Context) -> bool:
    """Whether the version that is to be served does not know it at all, which prometheus-version tells."""
    version = context.settings.prometheus_version
    return version is not None and version < VERSIONS.get(name, version)


def _experimental(rule: Rule) -> Iterable[str]:
    called, aggregated = _used(rule.expr)
    if called and "holt_winters" not in written(rule):
        yield from called
    yield from aggregated


@by_shape
def _used(expr: Expression) -> tuple[Sequence[str], Sequence[str]]:
    """Those among the functions and those among the aggregations."""
    called = [call.func.name for call in expr.of(Call) if call.func.name in FUNCTIONS]
    return called, [str(node.op) for node in expr.of(AggregateExpr) if str(node.op) in FUNCTIONS]
