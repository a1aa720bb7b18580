"""`short-rate-window`: a rate over fewer than four scrapes, which one lost scrape leaves empty."""

from __future__ import annotations

from collections.abc import Iterable

from promql_parser import Call, MatrixSelector

from generator.context import ASSUMED_SCRAPE_INTERVAL, Context
from generator.rule import Rule
from tocsin import duration, promql
from tocsin.problem import Level, Problem

FUNCTIONS = frozenset({"rate", "irate", "increase", "delta", "idelta", "deriv", "predict_linear"})
SCRAPES = 4


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """A warning where the interval is known; advice where it is only assumed. Records have their own interval."""
    known = context.settings.scrape_interval
    interval = known or ASSUMED_SCRAPE_INTERVAL
    level: Level = "warning" if known else "info"
    for node in rule.expr.of(Call):
        if node.func.name not in FUNCTIONS:
            continue
        window = promql.bare(next(iter(node.args)))
        if not isinstance(window, MatrixSelector) or ":" in promql.metric(window.vector_selector):
            continue
        if window.range < SCRAPES * interval:
            every = f"{duration.show(interval)}{'' if known else ' (assumed: say --scrape-interval)'}"
            message = f"{node.func.name}() over {duration.show(window.range)} sees fewer than four scrapes of {every}"
            hint = f"look back {duration.show(SCRAPES * interval)} or more"
            yield rule.problem("short-rate-window", message, rule.at_expr(), hint, level, node.prettify())
