"""`duplicate-alert`: two alerts that Alertmanager cannot tell apart."""

from __future__ import annotations

from collections.abc import Iterable

from generator.context import Context
from generator.rule import Rule
from tocsin.problem import Problem


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """Name and own labels are an alert's identity: the same name at two severities is two alerts.

    In other people's files two of one identity may well look at different series; the same expression twice cannot.
    """
    if rule.kind != "alert" or not rule.state.written:
        return
    first = context.pack.alerts_by_identity[rule.identity]
    if first is rule or (context.pack.of_others and first.expr.text != rule.expr.text):
        return
    hint = "remove one, or tell them apart by name, severity or a label"
    if context.pack.of_others:
        message = f"the alert stands twice with the same labels and expression, first at {first.origin.at('alert')}"
        yield rule.problem("duplicate-alert", message, rule.origin.at("alert"), hint, "warning")
    else:
        message = f"the alert stands twice with the same labels, first at {first.origin.at('alert')}"
        yield rule.problem("duplicate-alert", message, rule.origin.at("alert"), hint)
