"""Label matchers as packs write them: `region: eu`, `cluster: "=~acme-.*"`, `job: "!=test"`, `job: "!~test.*"`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Annotated

import promql_parser
from promql_parser import AtModifier, AtModifierType, Expr, Matcher, VectorSelector
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from generator.schema import Value
from tocsin import duration, promql
from tocsin.promql import LABEL, Expression, PromQLError

METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
SIGNS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}
OPERATOR = re.compile(r"=~|!=|!~|")


def selector(metric: str, matchers: Mapping[str, str]) -> Expression:
    """`metric{label="value",…}`; a value that begins with none of the operators means equality.

    Raises:
        PromQLError: a regular expression is not valid.
    """
    return promql.parse(f"{metric}{{{','.join(_matcher(label, value) for label, value in matchers.items())}}}")


def _matcher(label: str, value: str) -> str:
    found = OPERATOR.match(value)
    operator = found[0] if found else ""
    return f"{label}{operator or '='}{json.dumps(value.removeprefix(operator), ensure_ascii=False)}"


def _label(label: str) -> str:
    if not LABEL.fullmatch(label) or label == "__name__":
        what = {"label": repr(label), "hint": "write a label of the series: letters, digits and '_'"}
        raise PydanticCustomError("matchers", "{label} is not a label", what)
    return label


def _value(value: str) -> str:
    try:
        selector("x", {"x": value})
    except PromQLError as error:
        what = {"error": str(error), "hint": "write a regular expression as Prometheus reads it (RE2)"}
        raise PydanticCustomError("matchers", "{error}", what) from None
    return value


Matchers = dict[Annotated[str, AfterValidator(_label)], Annotated[Value, AfterValidator(_value)]]


@dataclass(frozen=True)
class Scoping:
    """Which matchers go into which selector: `recorded` names get those of `recorded_matchers`, others `matchers`."""

    matchers: Mapping[str, str]
    recorded_matchers: Mapping[str, str]
    recorded: frozenset[str]

    @cached_property
    def _parsed(self) -> tuple[Sequence[Matcher], Sequence[Matcher]]:
        return _parsed(self.matchers), _parsed(self.recorded_matchers)

    def of(self, node: VectorSelector) -> Sequence[Matcher]:
        """The matchers for this selector."""
        others, recorded = self._parsed
        name = node.name or next((m.value for m in node.matchers.matchers if m.name == "__name__" and _exact(m)), None)
        return recorded if name in self.recorded else others


def scoped(expression: Expression, into: Scoping) -> Expression:
    """The expression with the matchers in each of its selectors, wherever in the tree it stands."""

    def rewritten(node: Expr) -> Expr | None:
        return _with(node, into.of(node)) if isinstance(node, VectorSelector) else None

    tree = promql_parser.transform(expression.tree, post_visit=rewritten)
    return promql.of_tree(tree)


def _parsed(matchers: Mapping[str, str]) -> Sequence[Matcher]:
    tree = selector("x", matchers).tree
    assert isinstance(tree, VectorSelector), "a selector was written"
    return tree.matchers.matchers


def _exact(matcher: Matcher) -> bool:
    return str(matcher.op) == "MatchOp.Equal"


def _with(node: VectorSelector, added: Sequence[Matcher]) -> Expr:
    """The selector with those matchers that it has not yet: nodes cannot be changed, so it is composed anew."""
    own = [_written(matcher) for matcher in node.matchers.matchers]
    text = ",".join([*own, *(_written(matcher) for matcher in added if _written(matcher) not in own)])
    alternatives = [",".join([*map(_written, group), *map(_written, added)]) for group in node.matchers.or_matchers]
    name = node.name or ""
    if name and not METRIC.fullmatch(name):
        text, name = ",".join(filter(None, [json.dumps(name, ensure_ascii=False), text])), ""
    at = f" @ {_at(node.at)}" if node.at is not None else ""
    offset = f" offset {_offset(node.offset)}" if node.offset else ""
    return promql.parse(f"{name}{{{' or '.join([text, *alternatives] if text else alternatives)}}}{at}{offset}").tree


def _written(matcher: Matcher) -> str:
    name = matcher.name if LABEL.fullmatch(matcher.name) else json.dumps(matcher.name, ensure_ascii=False)
    return f"{name}{SIGNS[str(matcher.op)]}{json.dumps(matcher.value, ensure_ascii=False)}"


def _at(modifier: AtModifier) -> str:
    if modifier.at is None:
        return "start()" if modifier.type == AtModifierType.Start else "end()"
    return f"{modifier.at.timestamp():.3f}"


def _offset(offset: timedelta) -> str:
    return f"-{duration.show(-offset)}" if offset < timedelta() else duration.show(offset)
