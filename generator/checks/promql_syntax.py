"""`promql-syntax`: what our parser lets through and Prometheus refuses.

What does not parse at all is told under the same name when the pack is expanded, and gets no rule.
"""

from __future__ import annotations

from collections.abc import Iterable

from promql_parser import Expr, MatrixSelector, ParenExpr, StringLiteral, SubqueryExpr, VectorSelector

from generator import promql
from generator.context import Context
from generator.rule import Rule
from tocsin.problem import Problem


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """The result is one number a series, and matchers are joined by commas alone."""
    tree = _without_parentheses(rule.expr.tree)
    if isinstance(tree, MatrixSelector | SubqueryExpr):
        yield _problem(rule, "the result is a range of samples", "wrap it: rate(…), max_over_time(…)")
    if isinstance(tree, StringLiteral):
        yield _problem(rule, "the result is a text", "write a query whose result is a number a series")
    # Few texts say "or" at all; walking every tree would cost more than all other checks together.
    if " or " in rule.expr.text and any(
        isinstance(node, VectorSelector) and node.matchers.or_matchers for node in promql.walk(tree)
    ):
        yield _problem(rule, "'or' between matchers is not Prometheus's", "write two selectors: a{…} or a{…}")


def _without_parentheses(tree: Expr) -> Expr:
    while isinstance(tree, ParenExpr):
        tree = tree.expr
    return tree


def _problem(rule: Rule, message: str, hint: str) -> Problem:
    return rule.problem("promql-syntax", f"PromQL: {message}", rule.at_expr(), hint)
