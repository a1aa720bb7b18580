"""`unknown-series` (online): selectors that find nothing on the server."""

from __future__ import annotations

from collections.abc import Iterable

from promql_parser import Call, VectorSelector

from generator.context import Context
from generator.labelflow import ABSENCES
from generator.rule import Rule
from generator.selectors import parts_of, question
from tocsin import promql
from tocsin.problem import Problem


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """Says which part finds nothing: the metric, a label, or a value. What the checked rules record is looked at there.

    Inside absent() nothing is meant to be there.
    """
    server = context.settings.server
    if server is None:
        return
    meant = {question(node) for node in _inside_absence(rule)}
    asked = {question(node): node for node in rule.expr.nodes if isinstance(node, VectorSelector)}
    for text, node in asked.items():
        name = promql.metric(node)
        if text in meant or server.counts.get(text) != 0 or not name or name in context.recorded:
            continue
        missing = next((part for part in parts_of(node) if server.counts.get(part.question) == 0), None)
        what = missing.about if missing else "each part finds some, all together none"
        message = f"{text} finds no series: {what}"
        hint = "check the spelling; if the series come and go, ignore this here and say so"
        yield rule.problem(
            "unknown-series", message, rule.at_expr(), hint, "warning", missing.shown if missing else name
        )


def _inside_absence(rule: Rule) -> Iterable[VectorSelector]:
    for node in rule.expr.nodes:
        if isinstance(node, Call) and node.func.name in ABSENCES:
            yield from (inner for inner in promql.walk(node) if isinstance(inner, VectorSelector))
