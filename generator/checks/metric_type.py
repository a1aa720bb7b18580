"""`metric-type` (online): functions for counters on gauges and the reverse, by the server's metadata."""

from __future__ import annotations

from collections.abc import Iterable

from promql_parser import Call, MatrixSelector

from generator.checks import counter_as_gauge, gauge_as_counter
from generator.context import Context
from generator.rule import Rule
from tocsin import promql
from tocsin.problem import Problem


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """Where the name alone says it, the checks by name have spoken."""
    server = context.settings.server
    if server is None:
        return
    for node in rule.expr.nodes:
        if not isinstance(node, Call):
            continue
        argument = next(map(promql.bare, node.args), None)
        if not isinstance(argument, MatrixSelector):
            continue
        name, function = promql.metric(argument.vector_selector), node.func.name
        kind = server.types.get(name, "")
        if function in gauge_as_counter.FUNCTIONS and kind == "gauge" and not gauge_as_counter.is_gauge(name):
            message = f"{function}() is for counters, and the server says that {name} is a gauge"
            hint = "use delta(), deriv() or avg_over_time()"
        elif function in counter_as_gauge.INSTEAD and kind == "counter" and not name.endswith(("_total", "_bucket")):
            message = f"{function}() is for gauges, and the server says that {name} is a counter"
            hint = f"use {counter_as_gauge.INSTEAD[function]}"
        else:
            continue
        yield rule.problem("metric-type", message, rule.at_expr(), hint, "warning", node.prettify())
