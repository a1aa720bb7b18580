"""`forgotten-absence`: an alert on vanished series that forgets them before its `for` is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from promql_parser import AggregateExpr, BinaryExpr, Call, Expr, MatrixSelector

from generator.context import Context
from generator.labelflow import is_scalar
from generator.rule import Rule
from tocsin import duration, promql
from tocsin.problem import Problem

# What gives a series for each of its first argument's, and no other.
PASSING = frozenset({"label_replace", "label_join", "sort", "sort_desc", "abs", "sgn", "clamp", "clamp_min", "round"})


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """`present_over_time(x[1h]) unless x` is true for one hour at most, so `for` must be shorter.

    Of several joined by `or`, each that can never fire is told.
    """
    if rule.kind != "alert" or not rule.hold or "unless" not in rule.expr.text:
        return
    branches = list(_branches(rule.expr.tree))
    for branch in branches:
        window = _remembered(branch)
        if window is not None and rule.hold >= window:
            what = "can never fire" if len(branches) == 1 else "one of the conditions can never fire"
            message = f"{what}: vanished series are forgotten after {duration.show(window)}"
            hint = f"make 'for' shorter than {duration.show(window)}, or look back further"
            yield rule.problem("forgotten-absence", message, rule.origin.at("for"), hint, context.unwise)


def _branches(tree: Expr) -> Iterator[Expr]:
    """The parts of which each alone makes the alert fire."""
    tree = _within(tree)
    if isinstance(tree, BinaryExpr) and str(tree.op) == "or":
        yield from _branches(tree.lhs)
        yield from _branches(tree.rhs)
    else:
        yield tree


def _within(tree: Expr) -> Expr:
    """What decides whether the expression has series: not parentheses, aggregations and comparisons with numbers."""
    while True:
        tree = promql.bare(tree)
        if isinstance(tree, AggregateExpr):
            tree = tree.expr
        elif isinstance(tree, Call) and tree.func.name in PASSING:
            tree = next(iter(tree.args))
        elif isinstance(tree, BinaryExpr) and str(tree.op) != "or" and is_scalar(tree.rhs):
            tree = tree.lhs
        else:
            return tree


def _remembered(tree: Expr) -> timedelta | None:
    """How long the expression has its series after they vanished; nothing where that has no bound."""
    tree = _within(tree)
    if not isinstance(tree, BinaryExpr):
        return None
    operator = str(tree.op)
    if operator == "unless" and (looked := _looked_back(tree.lhs)) is not None:
        return looked
    sides = (tree.lhs,) if operator == "unless" else (tree.lhs, tree.rhs)
    found = [window for side in sides if (window := _remembered(side)) is not None]
    if operator == "or":
        return max(found) if len(found) == len(sides) else None
    return min(found, default=None)


def _looked_back(tree: Expr) -> timedelta | None:
    tree = _within(tree)
    if not (isinstance(tree, Call) and tree.func.name == "present_over_time"):
        return None
    matrix = promql.bare(next(iter(tree.args)))
    return matrix.range if isinstance(matrix, MatrixSelector) else None
