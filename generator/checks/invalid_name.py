"""`invalid-name`: names that Prometheus refuses, or that are awkward to route and silence by."""

from __future__ import annotations

import re
from collections.abc import Iterable

from generator.context import Context
from generator.rule import Rule
from tocsin.problem import Problem

# The classic grammar: UTF-8 names need Prometheus 3.0, and the oldest that is served is 2.42.
METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """The names of the rule, its labels and its annotations. Others may serve 3.0 only, and route as they like."""
    if context.pack.of_others and (context.settings.prometheus_version or (3, 0)) >= (3, 0):
        yield from _never(rule)
        return
    if rule.kind == "record" and not METRIC.fullmatch(rule.name):
        message = f"{rule.name!r} cannot name a metric"
        hint = "use letters, digits, '_' and ':', as in job:requests:rate5m"
        yield rule.problem("invalid-name", message, rule.origin.at("record"), hint)
    if rule.kind == "alert" and not LABEL.fullmatch(rule.name):
        hint = "use letters, digits and '_', as in NodeDown"
        message = f"the alert name {rule.name!r} needs quoting in routes and silences"
        yield rule.problem("invalid-name", message, rule.origin.at("alert"), hint, severity="warning")
    yield from _keys(rule, "labels", rule.labels)
    yield from _keys(rule, "annotations", rule.annotations)


def _never(rule: Rule) -> Iterable[Problem]:
    """Names that no version takes."""
    if rule.kind == "record" and ("{" in rule.name or "}" in rule.name):
        hint = "write labels under labels:, and what is selected in expr"
        yield rule.problem("invalid-name", f"{rule.name!r} cannot name a metric", rule.origin.at("record"), hint)
    for name in ("", "__name__"):
        if name in rule.labels:
            hint = "give the label a name; __name__ is the metric's own"
            yield rule.problem(
                "invalid-name", f"{name!r} cannot name a label", rule.origin.at_key("labels", name), hint
            )


def _keys(rule: Rule, mapping: str, names: Iterable[str]) -> Iterable[Problem]:
    for name in names:
        if not LABEL.fullmatch(name) or name == "__name__":
            hint = "use letters, digits and '_'; __name__ is the metric's own"
            message = f"{name!r} cannot name one of the {mapping}"
            yield rule.problem("invalid-name", message, rule.origin.at_key(mapping, name), hint)
