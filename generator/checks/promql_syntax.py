"""`promql-syntax`: what our parser lets through and Prometheus refuses.

What does not parse at all is told under the same name when the pack is expanded, and gets no rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from promql_parser import MatchOp, MatrixSelector, StringLiteral, SubqueryExpr, VectorSelector

from generator.context import Context
from generator.rule import Rule
from tocsin import promql
from tocsin.problem import Level, Problem
from tocsin.promql import Expression
from tocsin.promql_shape import unless_silent

# Our parser's regular expressions allow more than RE2's: operators upon operators, and large counts.
SUSPECT = re.compile(r"[*+?}][*+{]|\{[0-9,]*[0-9]{4}")
REGEXES = frozenset({str(MatchOp.Re), str(MatchOp.NotRe)})


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """The result is one number a series, matchers are joined by commas alone, and their patterns are RE2's."""
    for message, hint, loads in _refused(rule.expr):
        level: Level = context.unwise if loads else "error"
        yield rule.problem("promql-syntax", f"PromQL: {message}", rule.at_expr(), hint, level)


@unless_silent
def _refused(expr: Expression) -> Iterable[tuple[str, str, bool]]:
    """(message, hint, whether Prometheus loads it and fails later) of each."""
    tree = promql.bare(expr.tree)
    if isinstance(tree, MatrixSelector | SubqueryExpr):
        yield "the result is a range of samples", "wrap it: rate(…), max_over_time(…)", True
    if isinstance(tree, StringLiteral):
        yield "the result is a text", "write a query whose result is a number a series", True
    # Few texts say "or" at all; walking every tree would cost more than all other checks together.
    if " or " in expr.text and any(node.matchers.or_matchers for node in expr.of(VectorSelector)):
        yield "'or' between matchers is not Prometheus's", "write two selectors: a{…} or a{…}", False
    if SUSPECT.search(expr.text):
        yield from ((message, "see RE2's syntax", False) for message in _patterns(expr))


def _patterns(expr: Expression) -> Iterable[str]:
    import re2  # seldom needed

    options = re2.Options()
    options.log_errors = False
    for node in expr.of(VectorSelector):
        for matcher in node.matchers.matchers:
            if str(matcher.op) in REGEXES and SUSPECT.search(matcher.value):
                try:
                    re2.compile(matcher.value, options)
                except re2.error as error:
                    yield f"the pattern of {matcher.name} is refused: {error}"
