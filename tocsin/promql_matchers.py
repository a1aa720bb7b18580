"""Matchers put into the selectors of an expression: into its tree, never into its text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import promql_parser
from promql_parser import AtModifier, AtModifierType, Expr, Matcher, MatchOp, SubqueryExpr, VectorSelector

from tocsin import duration, promql
from tocsin.promql import LABEL, Expression

if TYPE_CHECKING:
    from tocsin.labels import Operator

NOW = timedelta()
METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
SIGNS: Mapping[str, Operator] = {
    "MatchOp.Equal": "=",
    "MatchOp.NotEqual": "!=",
    "MatchOp.Re": "=~",
    "MatchOp.NotRe": "!~",
}


def equal(labels: Mapping[str, str]) -> Sequence[Matcher]:
    """`label="value"` for each; whatever a value holds, it is no more than a value."""
    return [Matcher(MatchOp.Equal, label, value) for label, value in labels.items()]


def put(expression: Expression, matchers_of: Callable[[VectorSelector], Sequence[Matcher]]) -> Expression:
    """The expression with matchers in each of its selectors, wherever in the tree it stands."""

    def rewritten(node: Expr) -> Expr | None:
        return _with(node, matchers_of(node)) if isinstance(node, VectorSelector) else None

    return promql.of_tree(promql_parser.transform(expression.tree, post_visit=rewritten))


def _with(node: VectorSelector, added: Sequence[Matcher]) -> Expr:
    """The selector with those matchers that it has not yet: nodes cannot be changed, so it is composed anew.

    Where it has alternatives (`a="b" or c="d"`, which VictoriaMetrics takes), each gets them.
    """
    groups = [_joined(group, added) for group in node.matchers.or_matchers or [node.matchers.matchers]]
    name = node.name or ""
    if name and not METRIC.fullmatch(name):
        named, name = f"__name__={json.dumps(name, ensure_ascii=False)}", ""
        groups = [",".join(filter(None, [named, group])) for group in groups]
    return promql.parse(f"{name}{{{' or '.join(groups)}}}{at_and_offset(node)}").tree


def at_and_offset(node: VectorSelector | SubqueryExpr, further: timedelta = NOW) -> str:
    """The modifiers of a selector or subquery, as they are written behind it; `further` is added to the offset."""
    at = f" @ {_at(node.at)}" if node.at is not None else ""
    offset = (node.offset or NOW) + further
    return at + (f" offset {_offset(offset)}" if offset else "")


def _joined(own: Sequence[Matcher], added: Sequence[Matcher]) -> str:
    written = [_written(matcher) for matcher in own]
    return ",".join([*written, *(text for matcher in added if (text := _written(matcher)) not in written)])


def _written(matcher: Matcher) -> str:
    name = matcher.name if LABEL.fullmatch(matcher.name) else json.dumps(matcher.name, ensure_ascii=False)
    return f"{name}{SIGNS[str(matcher.op)]}{json.dumps(matcher.value, ensure_ascii=False)}"


def _at(modifier: AtModifier) -> str:
    if modifier.at is None:
        return "start()" if modifier.type == AtModifierType.Start else "end()"
    return f"{modifier.at.timestamp():.3f}"


def _offset(offset: timedelta) -> str:
    return f"-{duration.show(-offset)}" if offset < timedelta() else duration.show(offset)
