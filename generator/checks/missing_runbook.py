"""`missing-runbook`: an alert that wakes somebody and does not say what to do."""

from __future__ import annotations

from collections.abc import Iterable

from generator.context import Context
from generator.rule import Rule
from tocsin.model import Severity
from tocsin.problem import Level, Problem


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """A critical alert has a runbook or at least a description; a warning should, info need not."""
    if rule.severity not in (Severity.CRITICAL, Severity.WARNING):
        return
    if rule.annotations.keys() & {"runbook_url", "description"}:
        return
    if context.pack.of_others and any(name != "summary" for name in rule.annotations):
        return  # others call it message, runbook, playbook, wiki, action
    message = f"a {rule.severity} alert says neither by runbook nor by description what to do"
    hint = "add runbook: <address>, or description: with the first steps"
    level: Level = "warning" if rule.severity == Severity.CRITICAL else "info"
    yield rule.problem("missing-runbook", message, rule.origin.at("alert"), hint, severity=level)
