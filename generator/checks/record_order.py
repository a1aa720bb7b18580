"""`record-order`: rules that read a record before it is written."""

from __future__ import annotations

from collections.abc import Iterable

from promql_parser import Expr, MatrixSelector, SubqueryExpr, VectorSelector

from generator.context import Context
from generator.rule import Rule
from tocsin import promql
from tocsin.problem import Problem


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """A group runs in order: what a later rule of it records is one evaluation old here (over a range no matter)."""
    if not context.reads_record(rule.expr) or not (read := _read_now(rule) & context.recorded.keys()):
        return
    rules = context.group.rules
    at = next(index for index, other in enumerate(rules) if other is rule)
    earlier = {other.name for other in rules[: at + 1] if other.kind == "record"}
    later = {other.name: other for other in rules[at + 1 :] if other.kind == "record"}
    for name in sorted(read & later.keys() - earlier):
        message = f"{name} is recorded further down in the group, so its value here is one evaluation old"
        hint = f"move the record (line {later[name].origin.at('record').line}) in front of this rule"
        yield rule.problem("record-order", message, rule.at_expr(), hint, "warning", name)


def _read_now(rule: Rule) -> set[str]:
    """The metrics of which the latest sample is read."""
    found: set[str] = set()
    nodes: list[Expr] = [rule.expr.tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, VectorSelector):
            found.add(promql.metric(node))
        elif not isinstance(node, MatrixSelector | SubqueryExpr):
            nodes += promql.children(node)
    return found
