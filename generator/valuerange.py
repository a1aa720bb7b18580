"""The bounds within which the values of an expression lie, whatever the series hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from promql_parser import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)

from tocsin import promql

INF = math.inf


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high`, both included."""

    low: float = -INF
    high: float = INF


ANY = Range()
POSITIVE = Range(0)
FRACTION = Range(0, 1)

# What Prometheus and exporters define so.
METRICS = {"up": FRACTION, "probe_success": FRACTION, "ALERTS": Range(1, 1)}

FUNCTIONS = {
    **dict.fromkeys(
        ("rate", "irate", "increase", "abs", "exp", "sqrt", "stddev_over_time", "stdvar_over_time"), POSITIVE
    ),
    **dict.fromkeys(("changes", "resets", "time", "mad_over_time", "timestamp"), POSITIVE),
    **dict.fromkeys(("absent", "absent_over_time", "present_over_time"), Range(1, 1)),
    "count_over_time": Range(1),
    "sgn": Range(-1, 1),
    "minute": Range(0, 59),
    "hour": Range(0, 23),
    "day_of_week": Range(0, 6),
    "day_of_month": Range(1, 31),
    "day_of_year": Range(1, 366),
    "days_in_month": Range(28, 31),
    "month": Range(1, 12),
}
# Those whose results lie among the values of their first argument.
AMONG = frozenset(
    {"min_over_time", "max_over_time", "avg_over_time", "last_over_time", "first_over_time", "sort", "sort_desc"}
    | {"label_replace", "label_join", "vector", "scalar", "sort_by_label", "sort_by_label_desc"}
)
AGGREGATES_AMONG = frozenset({"min", "max", "avg", "topk", "bottomk", "limitk", "limit_ratio"})


def bounds(node: Expr) -> Range:
    """The bounds of the expression's values; NaN is not considered."""
    of = BOUNDS.get(type(node))
    return of(node) if of else ANY


def _number(node: NumberLiteral) -> Range:
    return ANY if math.isnan(node.val) else Range(node.val, node.val)


def _negative(node: UnaryExpr) -> Range:
    inner = bounds(node.expr)
    return Range(-inner.high, -inner.low)


def _aggregate(node: AggregateExpr) -> Range:
    inner, operator = bounds(node.expr), str(node.op)
    if operator in AGGREGATES_AMONG:
        return inner
    if operator == "sum":
        return Range(inner.low if inner.low >= 0 else -INF, inner.high if inner.high <= 0 else INF)
    return {"count": Range(1), "count_values": Range(1), "group": Range(1, 1)}.get(
        operator, POSITIVE if operator in ("stddev", "stdvar") else ANY
    )


def _call(node: Call) -> Range:
    name, arguments = node.func.name, list(node.args)
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    if name in AMONG and arguments:
        return bounds(arguments[0])
    if name == "sum_over_time" and arguments:
        return POSITIVE if bounds(arguments[0]).low >= 0 else ANY
    if name in ("ceil", "floor") and arguments:
        inner = bounds(arguments[0])
        if math.isfinite(inner.low) and math.isfinite(inner.high):
            return Range(math.floor(inner.low), math.ceil(inner.high))
        return POSITIVE if inner.low >= 0 else ANY
    if name == "clamp_min" and len(arguments) == 2:
        return Range(low=max(bounds(arguments[0]).low, bounds(arguments[1]).low))
    if name == "clamp_max" and len(arguments) == 2:
        return Range(high=min(bounds(arguments[0]).high, bounds(arguments[1]).high))
    return ANY


def _binary(node: BinaryExpr) -> Range:
    left, right, operator = bounds(node.lhs), bounds(node.rhs), str(node.op)
    if operator in promql.COMPARISONS:
        if node.modifier and node.modifier.return_bool:
            return FRACTION
        return narrowed(left, operator, right)
    if operator in ("and", "unless"):
        return left
    if operator == "or":
        return Range(min(left.low, right.low), max(left.high, right.high))
    if operator == "/" and right.low <= 0:
        return POSITIVE if left.low >= 0 and right.low >= 0 else ANY
    compute = ARITHMETIC.get(operator)
    if compute is None:
        return ANY
    corners = [compute(one, other) for one, other in product((left.low, left.high), (right.low, right.high))]
    return ANY if any(map(math.isnan, corners)) else Range(min(corners), max(corners))


def narrowed(left: Range, operator: str, right: Range) -> Range:
    """What is left of the left side's values."""
    if operator in (">", ">="):
        return Range(max(left.low, right.low), left.high)
    if operator in ("<", "<="):
        return Range(left.low, min(left.high, right.high))
    return Range(max(left.low, right.low), min(left.high, right.high)) if operator == "==" else left


def _times(one: float, other: float) -> float:
    return 0.0 if 0 in (one, other) else one * other  # a bound of zero stays, however large the other


def _divided(one: float, other: float) -> float:
    return 0.0 if math.isinf(other) else one / other


def _plus(one: float, other: float) -> float:
    return one + other


def _minus(one: float, other: float) -> float:
    return one - other


ARITHMETIC: dict[str, Callable[[float, float], float]] = {"*": _times, "/": _divided, "+": _plus, "-": _minus}

BOUNDS: Mapping[type, Callable[[Any], Range]] = {
    NumberLiteral: _number,
    UnaryExpr: _negative,
    AggregateExpr: _aggregate,
    Call: _call,
    BinaryExpr: _binary,
    VectorSelector: lambda node: METRICS.get(node.name or "", ANY),
    MatrixSelector: lambda node: bounds(node.vector_selector),
    **dict.fromkeys((ParenExpr, SubqueryExpr), lambda node: bounds(node.expr)),
}
