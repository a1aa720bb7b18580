"""`promql-syntax`: what our parser lets through and Prometheus refuses.

What does not parse at all is told under the same name when the pack is expanded, and gets no rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from promql_parser import Expr, MatchOp, MatrixSelector, ParenExpr, StringLiteral, SubqueryExpr, VectorSelector

from generator.context import Context
from generator.rule import Rule
from tocsin.problem import Problem

# Our parser's regular expressions allow more than RE2's: operators upon operators, and large counts.
SUSPECT = re.compile(r"[*+?}][*+{]|\{[0-9,]*[0-9]{4}")
REGEXES = frozenset({str(MatchOp.Re), str(MatchOp.NotRe)})


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """The result is one number a series, matchers are joined by commas alone, and their patterns are RE2's."""
    tree = _without_parentheses(rule.expr.tree)
    if isinstance(tree, MatrixSelector | SubqueryExpr):
        yield _problem(rule, "the result is a range of samples", "wrap it: rate(…), max_over_time(…)")
    if isinstance(tree, StringLiteral):
        yield _problem(rule, "the result is a text", "write a query whose result is a number a series")
    # Few texts say "or" at all; walking every tree would cost more than all other checks together.
    if " or " in rule.expr.text and any(node.matchers.or_matchers for node in rule.expr.of(VectorSelector)):
        yield _problem(rule, "'or' between matchers is not Prometheus's", "write two selectors: a{…} or a{…}")
    if SUSPECT.search(rule.expr.text):
        yield from (_problem(rule, message, "see RE2's syntax") for message in _patterns(rule))


def _patterns(rule: Rule) -> Iterable[str]:
    import re2  # seldom needed

    options = re2.Options()
    options.log_errors = False
    for node in rule.expr.of(VectorSelector):
        for matcher in node.matchers.matchers:
            if str(matcher.op) in REGEXES and SUSPECT.search(matcher.value):
                try:
                    re2.compile(matcher.value, options)
                except re2.error as error:
                    yield f"the pattern of {matcher.name} is refused: {error}"


def _without_parentheses(tree: Expr) -> Expr:
    while isinstance(tree, ParenExpr):
        tree = tree.expr
    return tree


def _problem(rule: Rule, message: str, hint: str) -> Problem:
    return rule.problem("promql-syntax", f"PromQL: {message}", rule.at_expr(), hint)
