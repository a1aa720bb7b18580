"""`annotation-template`: Go templates in labels and annotations that Prometheus refuses to load."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from generator.rule import Pack, Rule
from generator.schema import WRITTEN_ANNOTATIONS
from tocsin.problem import Position, Problem

ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
BLOCK = re.compile(r"(if|range|with|define|block)\b")


def check(rule: Rule, pack: Pack) -> Iterable[Problem]:
    """Every `{{` has its `}}`, and every block its `end`."""
    for at, text in _texts(rule):
        if "{{" not in text and "}}" not in text:
            continue
        rest = ACTION.sub("", text)
        if "{{" in rest:
            yield rule.problem("annotation-template", "'{{' is never closed", at, "close it with }}")
        elif "}}" in rest:
            hint = "open it with {{, or remove it"
            yield rule.problem("annotation-template", "'}}' closes nothing", at, hint, severity="warning")
        elif message := _unbalanced(ACTION.findall(text)):
            yield rule.problem("annotation-template", message, at, "every if, range and with needs {{ end }}")


def _texts(rule: Rule) -> Iterator[tuple[Position, str]]:
    for name, text in rule.labels.items():
        yield rule.origin.at("labels", name), text
    for name, text in rule.annotations.items():
        key = WRITTEN_ANNOTATIONS.get(name)
        yield rule.origin.at(key) if key else rule.origin.at("annotations", name), text


def _unbalanced(actions: Iterable[str]) -> str:
    depth = 0
    for action in actions:
        depth += 1 if BLOCK.match(action) else -1 if action == "end" else 0
        if depth < 0:
            return "'end' closes no block"
    return "a block is not closed" if depth else ""
