"""`shadowed-alert`: an alert that never says anything another of the same severity does not say as well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from promql_parser import BinaryExpr, NumberLiteral

from generator.context import Context
from generator.rule import Rule
from tocsin import promql
from tocsin.problem import Problem

UPWARDS = frozenset({">", ">="})
DOWNWARDS = frozenset({"<", "<="})
SPACES_AND_PARENTHESES = str.maketrans("", "", " \n()")


def check(rule: Rule, context: Context) -> Iterable[Problem]:
    """Same labels, same left side, same direction; the other fires earlier and no later. Told once a group."""
    if context.group.rules[0] is not rule:
        return
    compared: dict[tuple[str, str, frozenset[tuple[str, str]]], list[tuple[Rule, float]]] = {}
    for one in _likely(context.group.rules):
        if found := _threshold(one):
            left, direction, limit = found
            compared.setdefault((left, direction, frozenset(one.labels.items())), []).append((one, limit))
    for (_, direction, _), alike in compared.items():
        for mine, limit in alike:
            wider = (other for other, theirs in alike if _is_within(limit, theirs, direction) and _covers(other, mine))
            if other := next(wider, None):
                message = f"fires only while {other.name} fires, which has the same labels and a wider threshold"
                hint = "remove one, or give this one a higher severity"
                yield mine.problem("shadowed-alert", message, mine.origin.at("alert"), hint, "warning")


def _likely(rules: Sequence[Rule]) -> Iterator[Rule]:
    """The alerts that compare what another alert compares, as far as their texts tell it: trees take longer."""
    sides = [_side(rule) for rule in rules]
    count = Counter(sides)
    yield from (rule for rule, side in zip(rules, sides, strict=True) if side and count[side] > 1)


def _side(rule: Rule) -> str:
    """What stands before the last comparison, without spaces and parentheses; the number behind it has no other."""
    text = rule.expr.text
    last = max(text.rfind("<"), text.rfind(">"))
    return text[:last].translate(SPACES_AND_PARENTHESES) if rule.kind == "alert" and last > 0 else ""


def _covers(other: Rule, mine: Rule) -> bool:
    return other.hold <= mine.hold and other.keep_firing_for >= mine.keep_firing_for


def _threshold(rule: Rule) -> tuple[str, str, float] | None:
    """(left side, direction, limit) of an alert that compares with a fixed number."""
    tree = promql.bare(rule.expr.tree)
    if rule.kind != "alert" or not isinstance(tree, BinaryExpr) or not isinstance(tree.rhs, NumberLiteral):
        return None
    operator = str(tree.op)
    if operator not in UPWARDS | DOWNWARDS or (tree.modifier and tree.modifier.return_bool):
        return None
    return tree.lhs.prettify(), "up" if operator in UPWARDS else "down", tree.rhs.val


def _is_within(mine: float, theirs: float, direction: str) -> bool:
    return mine > theirs if direction == "up" else mine < theirs
