"""`duplicate-record`: two recording rules that write the same series."""

from __future__ import annotations

from collections.abc import Iterable

from generator.context import Context
from generator.rule import Rule
from tocsin.problem import Problem


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """Name, labels and expression are the same; different expressions may write different series."""
    if rule.kind != "record" or not rule.state.written:
        return
    for other in context.recorded[rule.name]:
        if other is rule:
            return
        if other.expr.text != rule.expr.text or other.labels != rule.labels or not other.state.written:
            continue  # soonest told first: every SLO records under the same names
        if other.origin.document.file == rule.origin.document.file:
            message = f"the record is written twice, first at {other.origin.at('record')}"
            hint = "remove one: Prometheus refuses the second sample of each step"
            yield rule.problem("duplicate-record", message, rule.origin.at("record"), hint, "warning")
            return
