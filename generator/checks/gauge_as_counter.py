"""`gauge-as-counter`: rate() and its kin, which take every decrease for a restart, on what goes up and down."""

from __future__ import annotations

import re
from collections.abc import Iterable

from promql_parser import AggregateExpr, Call, MatrixSelector, SubqueryExpr, VectorSelector

from generator.context import Context
from generator.rule import Rule
from tocsin import promql
from tocsin.problem import Problem
from tocsin.promql import Expression
from tocsin.promql_shape import unless_silent

FUNCTIONS = frozenset({"rate", "irate", "increase", "resets"})

# Names that nobody gives to a counter; `_bytes` and `_seconds` alone say nothing.
GAUGE = re.compile(
    r"up|probe_success|node_load(1|5|15)|go_goroutines|process_(resident|virtual)_memory_bytes|process_start_time_seconds"
    r"|node_memory_\w+_bytes|node_filesystem_(avail|free|size)_bytes|node_filesystem_files(_free)?"
    r"|container_memory_(usage|working_set|rss)(_bytes)?|container_spec_\w+|kube_\w+_(status|spec|info|created)_?\w*"
    r"|\w+_(info|ratio|percent|percentage|celsius|timestamp_seconds|avail_bytes|free_bytes|available_bytes|utilization)"
)


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """The selector is no gauge by its name, and no sum whose parts restart one by one."""
    for message, hint, part in _misused(rule.expr):
        yield rule.problem("gauge-as-counter", message, rule.at_expr(), hint, "warning", part)


@unless_silent
def _misused(expr: Expression) -> Iterable[tuple[str, str, str]]:
    """(message, hint, part) of each call."""
    for node in expr.of(Call):
        if node.func.name not in FUNCTIONS:
            continue
        [argument] = map(promql.bare, node.args)
        if isinstance(argument, MatrixSelector) and is_gauge(promql.metric(argument.vector_selector)):
            name = promql.metric(argument.vector_selector)
            message = f"{node.func.name}() is for counters, and {name} goes up and down"
            yield message, "use delta(), deriv() or avg_over_time()", node.prettify()
        elif isinstance(argument, SubqueryExpr) and (counter := _summed_counter(argument)):
            message = f"{node.func.name}() of a sum: one restart of a {counter} shows as a huge increase of all"
            yield message, f"turn it round: sum({node.func.name}({counter}[…]))", node.prettify()


def is_gauge(name: str) -> bool:
    """Whether the name says that it is a gauge."""
    return GAUGE.fullmatch(name) is not None and not name.endswith(("_total", "_count", "_sum", "_bucket"))


def _summed_counter(subquery: SubqueryExpr) -> str:
    inner = promql.bare(subquery.expr)
    if not (isinstance(inner, AggregateExpr) and str(inner.op) == "sum"):
        return ""
    summed = promql.bare(inner.expr)
    name = promql.metric(summed) if isinstance(summed, VectorSelector) else ""
    return name if name.endswith("_total") else ""
