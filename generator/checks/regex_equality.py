"""`regex-equality`: a regular expression that can match one text only."""

from __future__ import annotations

import re
from collections.abc import Iterable

from promql_parser import MatchOp, VectorSelector

from generator.context import Context
from generator.rule import Rule
from tocsin.problem import Problem
from tocsin.promql import Expression
from tocsin.promql_shape import unless_silent

SPECIAL = re.compile(r"[.*+?()\[\]{}|^$\\]")
EQUAL = {str(MatchOp.Re): ("=~", "="), str(MatchOp.NotRe): ("!~", "!=")}


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """`=` is what is meant, and Prometheus finds it by its index."""
    for message, hint, part in _plain(rule.expr) if "~" in rule.expr.text else ():
        yield rule.problem("regex-equality", message, rule.at_expr(), hint, "warning", part)


@unless_silent
def _plain(expr: Expression) -> Iterable[tuple[str, str, str]]:
    """(message, hint, part) of each matcher."""
    for node in expr.of(VectorSelector):
        for matcher in node.matchers.matchers:
            if str(matcher.op) in EQUAL and matcher.name != "__name__" and (text := _only(matcher.value)):
                regex, plain = EQUAL[str(matcher.op)]
                message = f'{matcher.name}{regex}"{matcher.value}" can match one text only'
                hint = f'write {matcher.name}{plain}"{text}"; a part of a text is matched by ".*{text}.*"'
                yield message, hint, f'{matcher.name}{regex}"{matcher.value}"'


def _only(pattern: str) -> str:
    """The one text that a pattern matches; nothing if there may be others. Anchors are always there."""
    text = pattern.removeprefix("^").removesuffix("$")
    return "" if SPECIAL.search(text) else text
