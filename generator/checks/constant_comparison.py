"""`constant-comparison`: comparisons whose outcome no series can change."""

from __future__ import annotations

import math
from collections.abc import Iterable

from promql_parser import AggregateExpr, BinaryExpr, Call, Expr

from generator.context import Context
from generator.labelflow import is_scalar
from generator.rule import Rule
from generator.valuerange import Range, bounds, narrowed
from tocsin import promql
from tocsin.problem import Problem
from tocsin.promql import Expression
from tocsin.promql_shape import unless_silent

COUNTS = frozenset({"count", "count_values"})


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """The values that the left side can take leave room for either outcome. What templates write drops NaN so."""
    if rule.recorded_for:
        return
    for message, hint, part in _constant(rule.expr):
        yield rule.problem("constant-comparison", message, rule.at_expr(), hint, "warning", part)


@unless_silent
def _constant(expr: Expression) -> Iterable[tuple[str, str, str]]:
    """(message, hint, part) of each such comparison."""
    for node in expr.of(BinaryExpr):
        if str(node.op) in promql.COMPARISONS and is_scalar(node.rhs):
            right = bounds(node.rhs)
            if is_scalar(node.lhs) or math.isinf(right.low) or math.isinf(right.high):
                continue
            yield from _judge(node)


def _judge(node: BinaryExpr) -> Iterable[tuple[str, str, str]]:
    left, right, operator = bounds(node.lhs), bounds(node.rhs), str(node.op)
    if _never(left, operator, right):
        yield f"is never true: the left side is {_shown(left)}", _way_out(node.lhs), node.prettify()
    elif left.low != left.high and not _is_count(node.lhs) and _always(left, operator, right):
        hint = "remove the comparison, or compare with a value that can be crossed"
        yield f"is always true: the left side is {_shown(left)}", hint, node.prettify()


def _never(left: Range, operator: str, right: Range) -> bool:
    if operator == ">":
        return left.high <= right.low
    if operator == "<":
        return left.low >= right.high
    if operator == "!=":
        return left.low == left.high == right.low == right.high
    kept = narrowed(left, operator, right)
    return kept.low > kept.high


def _always(left: Range, operator: str, right: Range) -> bool:
    return {
        ">": left.low > right.high,
        ">=": left.low >= right.high,
        "<": left.high < right.low,
        "<=": left.high <= right.low,
        "!=": left.low > right.high or left.high < right.low,
    }.get(operator, False)


def _is_count(node: Expr) -> bool:
    """`count(x) > 0` is how people ask whether there are any."""
    node = promql.bare(node)
    if isinstance(node, BinaryExpr):
        return _is_count(node.lhs)
    return (isinstance(node, AggregateExpr) and str(node.op) in COUNTS) or (
        isinstance(node, Call) and node.func.name == "count_over_time"
    )


def _way_out(node: Expr) -> str:
    if _is_count(node):
        return "what is not there is not counted: use absent(…), or … or vector(0)"
    return "compare the other way round, or with a value within the bounds"


def _shown(bound: Range) -> str:
    low, high = promql.number(float(bound.low)), promql.number(float(bound.high))
    if bound.low == bound.high:
        return f"always {low}"
    if bound.high == float("inf"):
        return f"at least {low}"
    return f"at most {high}" if bound.low == -float("inf") else f"between {low} and {high}"
