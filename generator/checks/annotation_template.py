"""`annotation-template`: Go templates in labels and annotations that Prometheus refuses, or cannot fill."""

from __future__ import annotations

from collections.abc import Iterable

from generator import gotemplate
from generator.context import Context, place, texts
from generator.rule import Rule
from tocsin.problem import Level, Problem


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """The template can be read, its blocks are closed, its variables and functions exist."""
    if rule.kind != "alert":
        return
    for mapping, key, text in texts(rule):
        for fault in gotemplate.faults(text):
            at = place(rule, mapping, key)
            level: Level = "warning" if fault.harmless or (fault.late and context.pack.of_others) else "error"
            part = fault.part if text.count(fault.part) == 1 else ""
            yield rule.problem("annotation-template", fault.message, at, fault.hint, level, part)
