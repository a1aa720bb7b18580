"""`prometheus-version`: functions and fields that the oldest server to be served does not know."""

from __future__ import annotations

from collections.abc import Iterable

from promql_parser import AggregateExpr, BinaryExpr, Call, MatchOp, SubqueryExpr, VectorSelector

from generator.checks.invalid_name import LABEL, METRIC
from generator.context import Context
from generator.rule import Rule
from generator.source import written
from generator.version import FIELDS, FUNCTIONS, UTF8, Version, show
from tocsin import promql
from tocsin.problem import Position, Problem

GROUP_KEYS = {key: since for key, since in FIELDS.items() if key != "keep_firing_for"}
AT_MODIFIER = (2, 33)
ATAN2 = (2, 31)


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """Asked for by --prometheus-version; without it every field and function is taken for known."""
    version = context.settings.prometheus_version
    if version is None:
        return
    for what, since, at, part in (*_in_expr(rule), *_in_fields(rule, context)):
        if version < since:
            message = f"{what} needs Prometheus {show(since)}, and {show(version)} is to be served"
            hint = "write it otherwise, or raise --prometheus-version"
            yield rule.problem("prometheus-version", message, at, hint, part=part)
    if version >= (3, 0) and "holt_winters" in written(rule):
        message = "holt_winters() is gone since Prometheus 3.0"
        hint = "write double_exponential_smoothing() (behind promql-experimental-functions)"
        yield rule.problem("prometheus-version", message, rule.at_expr(), hint, part="holt_winters")


def _in_expr(rule: Rule) -> Iterable[tuple[str, Version, Position, str]]:
    at, old_name = rule.at_expr(), "holt_winters" in written(rule)
    for node in rule.expr.nodes:
        if isinstance(node, Call) and node.func.name in FUNCTIONS:
            if not (old_name and node.func.name == "double_exponential_smoothing"):
                yield f"{node.func.name}()", FUNCTIONS[node.func.name], at, node.func.name
        elif isinstance(node, AggregateExpr) and str(node.op) in FUNCTIONS:
            yield f"{node.op}()", FUNCTIONS[str(node.op)], at, str(node.op)
        elif isinstance(node, BinaryExpr) and str(node.op) == "atan2":
            yield "atan2", ATAN2, at, "atan2"
        elif isinstance(node, VectorSelector | SubqueryExpr):
            if node.at is not None:
                yield "the @ modifier", AT_MODIFIER, at, "@"
            if isinstance(node, VectorSelector) and (name := _utf8(node)):
                yield f"the name {name!r}", UTF8, at, name


def _utf8(node: VectorSelector) -> str:
    """A name that Prometheus below 3.0 cannot read."""
    metric = promql.metric(node)
    if metric and not METRIC.fullmatch(metric):
        return metric
    names = (m.name for m in node.matchers.matchers if m.name != "__name__" or m.op != MatchOp.Equal)
    return next((name for name in names if not LABEL.fullmatch(name)), "")


def _in_fields(rule: Rule, context: Context) -> Iterable[tuple[str, Version, Position, str]]:
    if rule.keep_firing_for:
        yield "keep_firing_for", FIELDS["keep_firing_for"], rule.origin.at_key("keep_firing_for"), ""
    if context.group.rules[0] is rule:
        for key in sorted(GROUP_KEYS.keys() & context.group.keys):
            yield f"the group's {key!r}", GROUP_KEYS[key], rule.origin.document.at_key(*rule.origin.path[:-2], key), ""
