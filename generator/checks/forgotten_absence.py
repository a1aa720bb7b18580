"""`forgotten-absence`: an alert on vanished series that forgets them before its `for` is over."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from promql_parser import BinaryExpr, Call, Expr, MatrixSelector

from generator.context import Context
from generator.rule import Rule
from tocsin import duration
from tocsin.problem import Problem


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """`present_over_time(x[1h]) unless x` is true for one hour at most, so `for` must be shorter."""
    window = _window(rule.expr.tree)
    if window is not None and rule.hold >= window:
        message = f"can never fire: vanished series are forgotten after {duration.show(window)}"
        hint = f"make 'for' shorter than {duration.show(window)}, or look back further"
        yield rule.problem("forgotten-absence", message, rule.origin.at("for"), hint)


def _window(tree: Expr) -> timedelta | None:
    """How long the expression remembers, if it is of that form."""
    if not (isinstance(tree, BinaryExpr) and str(tree.op) == "unless" and isinstance(tree.lhs, Call)):
        return None
    [*arguments] = tree.lhs.args
    matrix = arguments[0] if tree.lhs.func.name == "present_over_time" else None
    return matrix.range if isinstance(matrix, MatrixSelector) else None
