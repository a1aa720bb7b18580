"""`short-rate-window`: a rate over fewer than four scrapes, which one lost scrape leaves empty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from promql_parser import Call, MatrixSelector

from generator.context import ASSUMED_SCRAPE_INTERVAL, Context
from generator.rule import Rule
from tocsin import duration, promql
from tocsin.problem import Level, Problem
from tocsin.promql import Expression
from tocsin.promql_shape import by_shape

FUNCTIONS = frozenset({"rate", "irate", "increase", "delta", "idelta", "deriv", "predict_linear"})
SCRAPES = 4


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """A warning where the interval is known; advice where it is only assumed. Records have their own interval."""
    known = context.settings.scrape_interval
    interval = known or ASSUMED_SCRAPE_INTERVAL
    level: Level = "warning" if known else "info"
    if _shortest(rule.expr) >= SCRAPES * interval:
        return
    for node, window in _windows(rule.expr):
        if window < SCRAPES * interval:
            every = f"{duration.show(interval)}{'' if known else ' (assumed: say --scrape-interval)'}"
            message = f"{node.func.name}() over {duration.show(window)} sees fewer than four scrapes of {every}"
            hint = f"look back {duration.show(SCRAPES * interval)} or more"
            yield rule.problem("short-rate-window", message, rule.at_expr(), hint, level, node.prettify())


@by_shape
def _shortest(expr: Expression) -> timedelta:
    return min((window for _, window in _windows(expr)), default=timedelta.max)


def _windows(expr: Expression) -> Iterator[tuple[Call, timedelta]]:
    """Each rate with what it looks back."""
    for node in expr.of(Call):
        if node.func.name in FUNCTIONS:
            window = promql.bare(next(iter(node.args)))
            if isinstance(window, MatrixSelector) and ":" not in promql.metric(window.vector_selector):
                yield node, window.range
