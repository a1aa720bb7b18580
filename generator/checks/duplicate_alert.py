"""`duplicate-alert`: two alerts that Alertmanager cannot tell apart."""

from __future__ import annotations

from collections.abc import Iterable

from generator.rule import Pack, Rule
from tocsin.problem import Problem


def check(rule: Rule, pack: Pack) -> Iterable[Problem]:
    """Name and own labels are an alert's identity: the same name at two severities is two alerts."""
    if rule.kind != "alert" or not rule.state.written:
        return
    first = pack.alerts_by_identity[rule.identity]
    if first is not rule:
        message = f"the alert stands twice with the same labels, first at {first.origin.at('alert')}"
        hint = "remove one, or tell them apart by name, severity or a label"
        yield rule.problem("duplicate-alert", message, rule.origin.at("alert"), hint)
