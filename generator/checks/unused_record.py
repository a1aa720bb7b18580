"""`unused-record`: a recording rule that no rule reads."""

from __future__ import annotations

from collections.abc import Iterable

from generator.context import Context
from generator.rule import Rule
from tocsin.problem import Problem

FEW = 3


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """Advice, because dashboards read records too: where few are read by rules, they were not made for rules."""
    if rule.kind != "record" or rule.recorded_for or not context.has_alerts or rule.name in context.read:
        return
    read = len(context.recorded) - context.unread
    if context.reads_by_pattern or context.unread > max(FEW, read):
        return
    message = "no rule that is checked here reads this record"
    hint = "if no dashboard reads it either, remove it"
    yield rule.problem("unused-record", message, rule.origin.at("record"), hint, "info")
