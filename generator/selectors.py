"""What is asked of a server about a selector, and in which parts when it finds nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from promql_parser import Matcher, VectorSelector

from tocsin import promql
from tocsin.promql_matchers import SIGNS


@dataclass(frozen=True, slots=True)
class Part:
    """One thing to ask: the selector, what it means if there is none, and how it stands in the rule."""

    question: str
    about: str
    shown: str


def question(node: VectorSelector) -> str:
    """The selector without offset and @: what is there now."""
    matchers = [_shown(matcher) for matcher in node.matchers.matchers]
    if node.name and not matchers:
        return node.name
    return f"{node.name or ''}{{{', '.join(matchers)}}}"


def parts_of(node: VectorSelector) -> Iterator[Part]:
    """The metric alone, then each label, then each matcher."""
    name = promql.metric(node)
    yield Part(name, f"there is no metric {name}", name)
    for matcher in node.matchers.matchers:
        if matcher.name == "__name__" or SIGNS[str(matcher.op)] in ("!=", "!~"):
            continue
        if matcher.value:
            shown = _shown(matcher)
            yield Part(f'{name}{{{matcher.name}!=""}}', f"{name} has no label {matcher.name}", shown)
            yield Part(f"{name}{{{shown}}}", f"{name} has no {shown}", shown)


def _shown(matcher: Matcher) -> str:
    return f"{matcher.name}{SIGNS[str(matcher.op)]}{json.dumps(matcher.value, ensure_ascii=False)}"
