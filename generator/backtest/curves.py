"""What a rule compares, as curves: its left side over the range, and the number that it is compared with."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import msgspec
from promql_parser import BinaryExpr, Expr, NumberLiteral, UnaryExpr

from generator.backtest.report import AlertReport, Report
from generator.backtest.summary import Span
from tocsin import promql
from tocsin.errors import TocsinError
from tocsin.model import Labels
from tocsin.promapi import Prometheus, Series
from tocsin.promql import Expression, PromQLError

POINTS = 600  # of a curve
MOST_CURVES = 8
MOST_PICTURES = 40  # rules whose curves are asked for
LARGEST = 1e300  # beyond it, and infinite, is nothing that a picture could show
FLIPPED = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}

_METRIC = msgspec.json.Decoder(dict[str, str])
_VALUES = msgspec.json.Decoder(list[tuple[float, str]])

Point = tuple[float, float]  # Unix seconds and value


@dataclass(frozen=True, slots=True)
class Comparison:
    """`expr operator threshold`."""

    expr: Expression
    operator: str
    threshold: float


@dataclass(frozen=True, slots=True)
class Curve:
    """One series; values are finite."""

    labels: Labels
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Curves:
    """At most `MOST_CURVES`, those that fired first, and how many `more` there are; `step` is between two points."""

    comparison: Comparison
    curves: tuple[Curve, ...]
    more: int
    step: timedelta


def compared(expr: Expression) -> Comparison | None:
    """What an expression compares with a number, at its top or in what it is narrowed from by `and` and `unless`."""
    return _compared(expr.tree)


def _compared(tree: Expr) -> Comparison | None:
    node = promql.bare(tree)
    if not isinstance(node, BinaryExpr):
        return None
    operator = str(node.op)
    if operator in ("and", "unless"):
        return _compared(node.lhs)
    if operator not in promql.COMPARISONS or (node.modifier and node.modifier.return_bool):
        return None
    left, right = _number(node.lhs), _number(node.rhs)
    if right is not None and left is None:
        return Comparison(promql.of_tree(node.lhs), operator, right)
    if left is not None and right is None:
        return Comparison(promql.of_tree(node.rhs), FLIPPED[operator], left)
    return None


def _number(node: Expr) -> float | None:
    node = promql.bare(node)
    if isinstance(node, UnaryExpr):
        inner = _number(node.expr)
        return None if inner is None else -inner
    return float(node.val) if isinstance(node, NumberLiteral) and math.isfinite(node.val) else None


Drawn = Mapping[int, Curves | str]  # by the place of the alert in the report; a text says why there are none


async def asked(report: Report, server: Prometheus) -> Drawn:
    """The curves of those alerts that a picture has room for: those that fired, then those that were silent."""
    order = sorted(
        (place for place, alert in enumerate(report.alerts) if alert.summary.state in ("fired", "silent")),
        key=lambda place: -report.alerts[place].summary.tally.firings,
    )
    chosen = order[:MOST_PICTURES]
    found = await asyncio.gather(*(_asked(report.alerts[place], server, report.setting.span) for place in chosen))
    return {place: curves for place, curves in zip(chosen, found, strict=True) if curves is not None}


async def _asked(alert: AlertReport, server: Prometheus, span: Span) -> Curves | str | None:
    try:
        comparison = compared(alert.summary.outcome.asked or alert.rule.expr)
    except PromQLError:
        return None
    if comparison is None:
        return None
    step = max(timedelta(seconds=math.ceil(span.length.total_seconds() / POINTS)), alert.summary.outcome.interval)
    start, end = span.start.timestamp(), span.end.timestamp()
    try:
        series = await server.query_range(comparison.expr.text, start, end, step.total_seconds())
        return await asyncio.to_thread(_chosen, comparison, series, alert, step)
    except (TocsinError, ValueError) as error:  # msgspec's are ValueErrors
        return str(error)


def _chosen(comparison: Comparison, series: Sequence[Series], alert: AlertReport, step: timedelta) -> Curves:
    first = {_key(one.labels, alert.labels): one.firings[0].start for one in alert.summary.sets}
    curves = [curve for curve in map(_curve, series) if curve.points]

    def rank(curve: Curve) -> tuple[float, float]:
        fired = first.get(_key(curve.labels, alert.labels))
        return fired.timestamp() if fired else math.inf, _distance(curve, comparison)

    ordered = sorted(curves, key=rank)
    return Curves(comparison, tuple(ordered[:MOST_CURVES]), max(len(ordered) - MOST_CURVES, 0), step)


def _key(found: Labels, of_rule: Labels) -> frozenset[tuple[str, str]]:
    left_out = {"__name__", "alertname", *of_rule}
    return frozenset((name, value) for name, value in found.items() if name not in left_out)


def _distance(curve: Curve, comparison: Comparison) -> float:
    """How near it came to the threshold from the side that is silent; negative beyond it."""
    values = [value - comparison.threshold for _, value in curve.points]
    match comparison.operator:
        case ">" | ">=":
            return -max(values)
        case "<" | "<=":
            return min(values)
    return min(map(abs, values))


def _curve(series: Series) -> Curve:
    points = _VALUES.decode(series.values) if series.values else []
    return Curve(_METRIC.decode(series.metric), tuple(_finite(points)))


def _finite(points: Iterable[tuple[float, str]]) -> Iterable[Point]:
    for moment, text in points:
        value = float(text)
        if abs(value) < LARGEST:
            yield moment, value
