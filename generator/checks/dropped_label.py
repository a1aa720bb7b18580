"""`dropped-label`: labels and annotations that name a label which the expression has dropped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from generator import gotemplate
from generator.context import Context, place, texts
from generator.rule import Rule
from tocsin.problem import Problem

USED = re.compile(r"(?:\$labels|\.Labels)\.(\w+)")


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """`{{ $labels.x }}` is empty where an aggregation, a join or absent() leaves no label x."""
    if rule.kind != "alert":
        return
    for mapping, key, text in texts(rule):
        for name in used(text) if "abels." in text else ():
            labels = context.labels(rule.expr)
            if not labels.can_have(name):
                at = place(rule, mapping, key)
                message = f"$labels.{name} is always empty: {labels.why or 'the expression'} leaves no such label"
                hint = f"keep it: by (…, {name}), group_left ({name}), or do not name it"
                part = f"$labels.{name}" if text.count(f"$labels.{name}") == 1 else ""
                yield rule.problem("dropped-label", message, at, hint, "warning", part)


@lru_cache(maxsize=1_000)  # rules of one kind say the same of different series
def used(text: str) -> Sequence[str]:
    """The labels of the alert itself, each once; within range and with, the dot is another's."""
    return list(dict.fromkeys(_named(text)))


def _named(text: str) -> Iterator[str]:
    depth = 0
    for action in gotemplate.actions(text)[0]:
        depth += (action.keyword in ("range", "with")) - (action.keyword == "end" and depth > 0)
        for token in action.tokens:
            match = USED.fullmatch(token.text) if token.kind == "chain" else None
            if match and (token.text.startswith("$") or depth == 0):
                yield match[1]
