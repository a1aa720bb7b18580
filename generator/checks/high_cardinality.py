"""`high-cardinality` (online): selectors that read very many series at every evaluation."""

from __future__ import annotations

from collections.abc import Iterable

from promql_parser import VectorSelector

from generator.context import Context
from generator.rule import Rule
from generator.selectors import question
from tocsin import promql
from tocsin.problem import Problem


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """More series than `most_series` of the settings."""
    server, most = context.settings.server, context.settings.most_series
    if server is None:
        return
    asked = {question(node): node for node in rule.expr.nodes if isinstance(node, VectorSelector)}
    for text, node in asked.items():
        count = server.counts.get(text, 0)
        if count > most:
            message = f"{text} reads {count:,} series at every evaluation"
            hint = "select fewer, or read a record that is aggregated already"
            part = promql.metric(node)
            yield rule.problem("high-cardinality", message, rule.at_expr(), hint, "warning", part)
