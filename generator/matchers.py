"""Label matchers as packs write them: `region: eu`, `cluster: "=~acme-.*"`, `job: "!=test"`, `job: "!~test.*"`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from promql_parser import Matcher, VectorSelector
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from generator.schema import Value
from tocsin import promql, promql_matchers
from tocsin.promql import LABEL, Expression, PromQLError

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
    return promql_matchers.put(expression, into.of)


def _parsed(matchers: Mapping[str, str]) -> Sequence[Matcher]:
    tree = selector("x", matchers).tree
    assert isinstance(tree, VectorSelector), "a selector was written"
    return tree.matchers.matchers


def _exact(matcher: Matcher) -> bool:
    return str(matcher.op) == "MatchOp.Equal"
