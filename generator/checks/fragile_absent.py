"""`fragile-absent`: absent() that fires at every restart, or that stays silent while something is gone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta

from promql_parser import AggregateExpr, BinaryExpr, Call, Expr, MatchOp, VectorSelector

from generator.context import Context
from generator.rule import Rule
from tocsin import promql
from tocsin.problem import Problem

ALTERNATIVES = re.compile(r"[\w.:/ -]+(\|[\w.:/ -]+)+")


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """There is a `for`; what is asked for is one thing; nothing in it drops the labels it is known by."""
    if rule.kind != "alert" or "absent" not in rule.expr.text:
        return
    for node in _deciding(rule.expr.tree):
        if isinstance(node, Call) and node.func.name in ("absent", "absent_over_time"):
            yield from _judge(rule, node, promql.bare(next(iter(node.args))))


def _deciding(tree: Expr) -> Iterable[Expr]:
    """The parts of which each makes the alert fire; what is only compared with, or excepted by, is left out."""
    tree = promql.bare(tree)
    if isinstance(tree, BinaryExpr):
        yield from _deciding(tree.lhs)
        if str(tree.op) == "or":
            yield from _deciding(tree.rhs)
    else:
        yield tree


def _judge(rule: Rule, call: Call, inner: Expr) -> Iterable[Problem]:
    part = call.prettify()
    if call.func.name == "absent" and rule.hold == timedelta() and rule.template != "absence":
        message = "absent() without 'for' fires after every restart of Prometheus, before the first scrape"
        hint = "add for: 5m, or use absent_over_time(…[5m])"
        yield rule.problem("fragile-absent", message, rule.at_expr(), hint, "warning", part)
    selector = getattr(inner, "vector_selector", inner)
    if isinstance(selector, VectorSelector):
        for matcher in selector.matchers.matchers:
            if _is_list(str(matcher.op), matcher.value):
                message = f"is true only when all of {matcher.name}={matcher.value} are gone"
                hint = f"write one absent() for each {matcher.name}, joined by 'or'"
                yield rule.problem("fragile-absent", message, rule.at_expr(), hint, "warning", part)
    elif isinstance(inner, AggregateExpr) and inner.modifier and str(inner.op) not in ("count", "group"):
        message = f"absent({inner.op} …) knows no labels: it is true only when nothing at all is left"
        hint = "write absent() of a plain selector, each label by '='"
        yield rule.problem("fragile-absent", message, rule.at_expr(), hint, "warning", part)


def _is_list(operator: str, value: str) -> bool:
    return operator == str(MatchOp.Re) and ALTERNATIVES.fullmatch(value.removeprefix("(").removesuffix(")")) is not None
