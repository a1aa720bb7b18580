"""`vector-matching`: sides of an operator that cannot match, or of which several match one."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from promql_parser import AggregateExpr, BinaryExpr, Expr, MatchOp, VectorMatchCardinality, VectorSelector

from generator.context import Context
from generator.labelflow import KEEPING, SET_OPERATORS, Labels, is_on, is_scalar, labels_of
from generator.rule import Rule
from tocsin import promql
from tocsin.problem import Problem
from tocsin.promql import Expression
from tocsin.promql_shape import unless_silent

Finding = tuple[str, str, str]  # message, hint, part
LabelsOf = Callable[[Expr], Labels]


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """Both sides are aggregated by labels that are known, so it can be said how they match."""
    found = _found(rule.expr, context.labels_of) if context.reads_record(rule.expr) else _of_stored(rule.expr)
    for message, hint, part in found:
        yield rule.problem("vector-matching", message, rule.at_expr(), hint, "warning", part)


@unless_silent
def _of_stored(expr: Expression) -> Iterable[Finding]:
    """What is found where nothing that the expression reads is recorded."""
    known: dict[int, tuple[Expr, Labels]] = {}
    return _found(expr, lambda node: labels_of(node, {}, known))


def _found(expr: Expression, labels: LabelsOf) -> Iterable[Finding]:
    for node in expr.of(BinaryExpr):
        if is_scalar(node.rhs) or is_scalar(node.lhs) or str(node.op) == "or":
            continue
        yield from _many(node)
        yield from _none(node, labels)
        yield from _not_on(node, labels)


def _many(node: BinaryExpr) -> Iterable[Finding]:
    """A side that must be unique has a label more than what is matched by."""
    if str(node.op) in SET_OPERATORS or node.modifier is None or node.modifier.matching is None:
        return
    card = node.modifier.card
    one_to_one = card == VectorMatchCardinality.OneToOne
    sides = [("left", node.lhs)] if one_to_one or card == VectorMatchCardinality.OneToMany else []
    sides += [("right", node.rhs)] if one_to_one or card == VectorMatchCardinality.ManyToOne else []
    names = frozenset(node.modifier.matching.labels)
    for side, tree in sides:
        by = _grouped(tree)
        more = (by - names if is_on(node) else by & names) - _fixed(tree)
        if more:
            named = ", ".join(sorted(more))
            message = f"several series of the {side} side can match one: they differ by {named}"
            hint = f"match by {named} too, aggregate it away, or say which side is many by group_left or group_right"
            yield message, hint, f"{node.op} {node.modifier.matching}"


def _none(node: BinaryExpr, labels: LabelsOf) -> Iterable[Finding]:
    """Without on and ignoring, both sides must have the very same labels."""
    if node.modifier and (node.modifier.matching is not None):
        return
    if not (_is_aggregated(node.lhs) and _is_aggregated(node.rhs)):
        return
    left, right = labels(node.lhs), labels(node.rhs)
    if not (left.only and right.only) or left.names == right.names:
        return
    if not (_grouped(node.lhs) - right.names or _grouped(node.rhs) - left.names):
        return
    shown = [f"{{{', '.join(sorted(side.names))}}}" for side in (left, right)]
    message = f"the sides can never match: the left has the labels {shown[0]}, the right {shown[1]}"
    hint = "aggregate both by the same labels, or say by which to match: on (…), with group_left where one is many"
    yield message, hint, node.prettify()


def _not_on(node: BinaryExpr, labels: LabelsOf) -> Iterable[Finding]:
    """One side has none of the labels that are matched by, the other has."""
    names = frozenset(node.modifier.matching.labels) if node.modifier and node.modifier.matching else frozenset()
    if not names or not is_on(node):
        return
    sides = [labels(side) for side in (node.lhs, node.rhs)]
    having = [any(map(side.can_have, names)) for side in sides]
    if having[0] != having[1]:
        which = "left" if having[1] else "right"
        named = ", ".join(sorted(names))
        message = f"the sides can never match: the {which} side has no label {named}"
        hint = "match by labels that both sides have, or keep them on that side: by (…)"
        yield message, hint, f"{node.op} {node.modifier.matching}" if node.modifier else ""


def _is_aggregated(tree: Expr) -> bool:
    """Whether the labels come from one aggregation, and from nothing less certain (absent, a union)."""
    tree = promql.bare(tree)
    if isinstance(tree, BinaryExpr) and str(tree.op) != "or":
        side = tree.lhs if is_scalar(tree.rhs) else tree.rhs if is_scalar(tree.lhs) else None
        return side is not None and _is_aggregated(side)
    return isinstance(tree, AggregateExpr) and str(tree.op) not in KEEPING


def _grouped(tree: Expr) -> frozenset[str]:
    """The labels that a side is aggregated by; nothing where that is not what it is."""
    tree = promql.bare(tree)
    if isinstance(tree, AggregateExpr) and str(tree.op) not in KEEPING and tree.modifier:
        is_by = str(tree.modifier.type).endswith("By")
        return frozenset(tree.modifier.labels) if is_by else frozenset()
    if isinstance(tree, BinaryExpr) and is_scalar(tree.rhs):
        return _grouped(tree.lhs)
    return _grouped(tree.rhs) if isinstance(tree, BinaryExpr) and is_scalar(tree.lhs) else frozenset()


def _fixed(tree: Expr) -> frozenset[str]:
    """Labels that a matcher fixes in every selector below."""
    fixed = [
        frozenset(m.name for m in node.matchers.matchers if m.op == MatchOp.Equal)
        for node in promql.walk(tree)
        if isinstance(node, VectorSelector)
    ]
    return frozenset.intersection(*fixed) if fixed else frozenset()
