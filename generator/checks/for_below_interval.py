"""`for-below-interval`: a `for` that is over before the rule is evaluated a second time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from generator.context import Context
from generator.rule import Rule
from tocsin import duration
from tocsin.problem import Problem


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """Only where the group says its interval; the server's is not in the file."""
    interval = context.group.interval
    if interval is not None and timedelta() < rule.hold < interval:
        message = f"'for' is shorter than the group's interval, {duration.show(interval)}: it acts like that"
        hint = f"write for: {duration.show(interval)} or more, or evaluate the group more often"
        yield rule.problem("for-below-interval", message, rule.origin.at("for"), hint, "warning")
