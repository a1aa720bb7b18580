"""Which facts an expression may have been made of, template by template: guesses, of which `recognition` keeps one.

Each finder looks at the tree and gives what a template would have to be told; nothing where the shape is another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import product
from typing import Any

from promql_parser import AggregateExpr, BinaryExpr, Call, Expr, MatrixSelector, NumberLiteral

from generator.foreign import LONGEST
from generator.templates.threshold import OPERATORS
from tocsin import duration, promql
from tocsin.promql import bare

Facts = Mapping[str, Any]

LIMITS = {operator: key for key, operator in OPERATORS.items()}
COUNTING = frozenset({"rate", "increase"})
EXACT = 2**53  # from here on not every whole number is a float


def heartbeat(tree: Expr) -> Iterator[Facts]:
    """`vector(1)`"""
    if _arguments(tree, "vector"):
        yield {}


def absence(tree: Expr) -> Iterator[Facts]:
    """`absent(x)`, or `present_over_time(x[1h]) unless x`"""
    for missing in _arguments(tree, "absent"):
        yield {"selector": missing.prettify()}
    for seen, gone in _sides(tree, "unless"):
        for matrix in _ranges(seen, "present_over_time"):
            yield {"selector": gone.prettify(), "seen_within": duration.show(matrix.range)}


def range_(tree: Expr) -> Iterator[Facts]:
    """`x < 1 or x > 2`, or `(x >= 1) <= 2`"""
    for below, above in _sides(tree, "or"):
        for (expr, low), (_, high) in zip(_limits(below, "<"), _limits(above, ">"), strict=False):
            yield from ({"expr": text, "low": low, "high": high} for text in _texts(expr))
    for inner, high in _limits(tree, "<="):
        for expr, low in _limits(bare(inner), ">="):
            yield from ({"expr": text, "low": low, "high": high, "fires": "inside"} for text in _texts(expr))


def ratio(tree: Expr) -> Iterator[Facts]:
    """`errors / total > 0.05` of what is counted; with `and total >= 1`, with `and errors > 1`"""
    first, *rest = _all_of(tree)
    minimum, fewest = _given("minimum", _numbers(rest, ">=")), _given("minimum_errors", [*_numbers(rest, ">"), 0])
    for share, above in _limits(first, ">"):
        for errors, total in _sides(share, "/"):
            for one, other in product(_texts(errors), _texts(total)) if _counts(errors) and _counts(total) else ():
                facts = {"errors": one, "total": other, "above": above, **minimum}
                yield from (facts, {**facts, **fewest})  # a ratio asks for more than one error by itself


def quantile(tree: Expr) -> Iterator[Facts]:
    """`histogram_quantile(0.99, sum by (le, a) (rate(x_bucket[5m]))) > 1`; with `and sum by (a) (rate(…)) >= 1`"""
    first, *rest = _all_of(tree)
    for value, above in _limits(first, ">"):
        for share, summed in _pairs(_arguments(value, "histogram_quantile")):
            for matrix in _ranges(summed.expr, "rate") if isinstance(summed, AggregateExpr) else ():
                by = [label for label in _labels(summed) if label != "le"]
                yield {
                    **_histogram(matrix, classic="le" in _labels(summed)),
                    "quantile": _value(share),
                    **({"by": by} if by else {}),
                    "window": duration.show(matrix.range),
                    "above": above,
                    **_given("minimum", _numbers(rest, ">=")),
                }


def _histogram(matrix: MatrixSelector, *, classic: bool) -> Facts:
    selector, name = matrix.vector_selector.prettify(), matrix.vector_selector.name or ""
    if not classic:
        return {"histogram": selector, "kind": "native"}
    return {"histogram": name.removesuffix("_bucket") + selector.removeprefix(name)}


def saturation(tree: Expr) -> Iterator[Facts]:
    """`1 - free / (capacity > 0) > 0.6 and predict_linear(free[6h], 86400) <= 0 and …`, or the same of what is used"""
    first, *rest = _all_of(tree)
    for use, used_above in _limits(first, ">"):
        of_free = [part for _, part in _sides(use, "-")]
        for series, limited in _sides(of_free[0] if of_free else use, "/"):
            told = {"free" if of_free else "used": series.prettify()}
            for capacity, _ in _limits(bare(limited), ">"):
                for ahead in _ahead(rest):
                    yield {**told, "capacity": capacity.prettify(), **ahead, "used_above": used_above}


def _ahead(conditions: Sequence[Expr]) -> Iterator[Facts]:
    """How far ahead `predict_linear` looks in a condition, and how far back."""
    compared = (left for part in conditions for operator in ("<=", ">=") for left, _ in _sides(part, operator))
    for matrix, seconds in (pair for left in compared for pair in _pairs(_arguments(left, "predict_linear"))):
        if isinstance(matrix, MatrixSelector) and _is_span(seconds):
            within = duration.show(timedelta(seconds=_value(seconds)))
            yield {"full_within": within, "window": duration.show(matrix.range)}


def rate_of_change(tree: Expr) -> Iterator[Facts]:
    """`deriv(x[15m]) * 3600 > 5 and count_over_time(x[15m:45s]) >= 16`; falling, or both"""
    first, *_ = _all_of(tree)
    sides = [bare(side) for pair in _sides(first, "or") for side in pair] or [first]
    rises, falls = ([limit for side in sides for limit in _limits(side, operator)] for operator in (">", "<"))
    for slope, _ in [*rises, *falls][:1]:
        factors = [pair for pair in _sides(slope, "*") if _is_span(pair[1])]
        for matrix in _ranges(factors[0][0] if factors else slope, "deriv"):
            yield {
                "expr": matrix.vector_selector.prettify(),
                "window": duration.show(matrix.range),
                **_given("rises_faster_than", [limit for _, limit in rises]),
                **_given("falls_faster_than", [-limit for _, limit in falls]),
                **_given("per", [duration.show(timedelta(seconds=_value(factor))) for _, factor in factors]),
            }


def threshold(tree: Expr) -> Iterator[Facts]:
    """`x > 1`, whatever the comparison"""
    for operator, key in LIMITS.items():
        for expr, limit in _limits(tree, operator):
            yield from ({"expr": text, key: limit} for text in _texts(expr))


def _texts(tree: Expr) -> Sequence[str]:
    """The expression without the parentheses around it, which a template may set itself, and with them."""
    return list(dict.fromkeys((bare(tree).prettify(), tree.prettify())))


def _sides(tree: Expr, operator: str) -> Iterator[tuple[Expr, Expr]]:
    if isinstance(tree, BinaryExpr) and str(tree.op) == operator:
        yield tree.lhs, tree.rhs


def _limits(tree: Expr, operator: str) -> Iterator[tuple[Expr, float]]:
    """What is compared, and with which number."""
    yield from ((left, _value(right)) for left, right in _sides(tree, operator) if _is_number(right))


def _numbers(conditions: Sequence[Expr], operator: str) -> Sequence[float]:
    return [number for condition in conditions for _, number in _limits(condition, operator)]


def _given(key: str, values: Sequence[Any]) -> Facts:
    """The first of the values under the key; nothing where there is none."""
    return {key: values[0]} if values else {}


def _all_of(tree: Expr) -> list[Expr]:
    """The conditions that `and` joins."""
    tree = bare(tree)
    for left, right in _sides(tree, "and"):
        return [*_all_of(left), bare(right)]
    return [tree]


def _arguments(tree: Expr, function: str) -> Sequence[Expr]:
    return list(tree.args) if isinstance(tree, Call) and tree.func.name == function else ()


def _pairs(arguments: Sequence[Expr]) -> Iterator[tuple[Expr, Expr]]:
    if len(arguments) == 2:
        yield arguments[0], arguments[1]


def _ranges(tree: Expr, function: str) -> Iterator[MatrixSelector]:
    yield from (argument for argument in _arguments(tree, function) if isinstance(argument, MatrixSelector))


def _labels(tree: Expr) -> Sequence[str]:
    return tree.modifier.labels if isinstance(tree, AggregateExpr) and tree.modifier else ()


def _counts(tree: Expr) -> bool:
    """Whether it is a number of events: a rate, an increase, or a sum of some."""
    return any(isinstance(node, Call) and node.func.name in COUNTING for node in promql.walk(tree))


def _is_number(tree: Expr) -> bool:
    return isinstance(tree, NumberLiteral)


def _is_span(tree: Expr) -> bool:
    """Whether it is a number of seconds that a duration can say."""
    return isinstance(tree, NumberLiteral) and 0 < tree.val < LONGEST.total_seconds()


def _value(tree: Expr) -> float:
    """The number, without a point where it is whole; 0 where there is none."""
    value = float(tree.val) if isinstance(tree, NumberLiteral) else 0.0
    return int(value) if value.is_integer() and abs(value) < EXACT else value
