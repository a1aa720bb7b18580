"""`missing-comparison`: an alert whose expression keeps every series, so that it always fires."""

from __future__ import annotations

from collections.abc import Iterable

from promql_parser import BinaryExpr, Call, Expr, VectorSelector

from generator.context import Context
from generator.rule import Rule
from tocsin import promql
from tocsin.problem import Problem
from tocsin.promql import Expression
from tocsin.promql_shape import by_shape

FILTERS = promql.COMPARISONS | {"and", "unless"}
ABSENCES = frozenset({"absent", "absent_over_time"})


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """Something in the expression can leave nothing over; a heartbeat is meant to fire always."""
    if rule.kind != "alert" or rule.template == "heartbeat" or _filters_somewhere(rule.expr):
        return
    if context.pack.of_others and _is_meant(rule.expr.tree):
        return
    message = "nothing in the expression is compared: the alert fires as long as there are series"
    hint = "compare it (… > 0), or use the template heartbeat if it shall always fire"
    yield rule.problem("missing-comparison", message, rule.at_expr(), hint, severity="warning")


def _is_meant(tree: Expr) -> bool:
    """A heartbeat, or series that are there only when something is wrong (`ALERTS`, records, selected by a label)."""
    tree = promql.bare(tree)
    if isinstance(tree, Call):
        return tree.func.name == "vector"
    return any(
        ":" in promql.metric(node) or promql.metric(node) == "ALERTS" or node.matchers.matchers
        for node in promql.walk(tree)
        if isinstance(node, VectorSelector)
    ) and not any(isinstance(node, Call) for node in promql.walk(tree))


@by_shape
def _filters_somewhere(expr: Expression) -> bool:
    return any(map(_filters, promql.walk(expr.tree)))


def _filters(node: Expr) -> bool:
    """Whether the node can drop series; `> bool` gives 0 or 1 and drops none."""
    if isinstance(node, BinaryExpr):
        return str(node.op) in FILTERS and not (node.modifier and node.modifier.return_bool)
    return isinstance(node, Call) and node.func.name in ABSENCES
