"""`value-in-label`: a label of an alert that changes with every evaluation."""

from __future__ import annotations

from collections.abc import Iterable

from generator import gotemplate
from generator.context import Context
from generator.rule import Rule
from tocsin.problem import Problem

CHANGING = frozenset({"$value", ".Value", "$.Value"})
TELLING = frozenset({"if", "else", "gt", "lt", "ge", "le", "eq", "ne"})


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """Labels are an alert's identity: another value is another alert, whose `for` begins anew.

    A value that only decides between texts (`{{ if gt $value 90.0 }}`) has few outcomes and is left in peace.
    """
    if rule.kind != "alert":
        return
    for name, text in rule.labels.items():
        if "{{" in text and (part := _changing(text)):
            message = f"the label {name!r} holds the value: each change makes it another alert, and 'for' begins anew"
            hint = "move it to the annotations"
            at = rule.origin.at("labels", name)
            yield rule.problem("value-in-label", message, at, hint, context.unwise if rule.hold else "warning", part)


def _changing(text: str) -> str:
    """The variable that is written out."""
    for action in gotemplate.actions(text)[0]:
        words = [token.text for token in action.tokens]
        if not TELLING & set(words) and (found := CHANGING & set(words)):
            return next(iter(found))
    return ""
