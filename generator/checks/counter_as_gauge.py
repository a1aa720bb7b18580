"""`counter-as-gauge`: delta() and its kin, which know no restarts, on a counter."""

from __future__ import annotations

from collections.abc import Iterable

from promql_parser import Call, MatrixSelector

from generator.context import Context
from generator.rule import Rule
from tocsin import promql
from tocsin.problem import Problem
from tocsin.promql import Expression
from tocsin.promql_shape import unless_silent

INSTEAD = {
    "delta": "increase()",
    "idelta": "irate()",
    "deriv": "rate()",
    "predict_linear": "rate() of it, recorded, and predict that",
    "holt_winters": "rate()",
    "double_exponential_smoothing": "rate()",
}


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """By name: `_total` and `_bucket` are counters; `_count` and `_sum` may be anything."""
    for message, hint, part in _misused(rule.expr):
        yield rule.problem("counter-as-gauge", message, rule.at_expr(), hint, "warning", part)


@unless_silent
def _misused(expr: Expression) -> Iterable[tuple[str, str, str]]:
    """(message, hint, part) of each call."""
    for node in expr.of(Call):
        if node.func.name not in INSTEAD:
            continue
        argument = promql.bare(next(iter(node.args)))
        name = promql.metric(argument.vector_selector) if isinstance(argument, MatrixSelector) else ""
        if name.endswith(("_total", "_bucket")):
            message = f"{node.func.name}() is for gauges: at a restart of the counter {name} it jumps"
            yield message, f"use {INSTEAD[node.func.name]}", node.prettify()
