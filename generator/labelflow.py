"""Which labels the series of an expression can have.

Source: prometheus promql/engine.go (resultMetric, aggregation) and functions.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from promql_parser import (
    AggModifierType,
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    LabelModifierType,
    MatchOp,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorMatchCardinality,
    VectorSelector,
)

from generator.rule import Rule
from tocsin import promql

Recorded = Mapping[str, Sequence[Rule]]

SET_OPERATORS = frozenset({"and", "or", "unless"})
KEEPING = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
BARE = frozenset({"vector", "time", "scalar", "pi", "step"})
SCALARS = BARE - {"vector"}
ABSENCES = frozenset({"absent", "absent_over_time"})
DEEPEST = 8  # records of records that are followed


@dataclass(frozen=True, slots=True)
class Labels:
    """`only`: none but `names` can be there; otherwise any can but `names`. `why` names what dropped the rest."""

    names: frozenset[str] = frozenset()
    only: bool = False
    why: str = ""

    def can_have(self, name: str) -> bool:
        return (name in self.names) is self.only

    def keep(self, names: frozenset[str], why: str) -> Labels:
        kept = frozenset(name for name in names if self.can_have(name))
        return self if self.only and kept == self.names else Labels(kept, True, why)

    def drop(self, names: frozenset[str], why: str) -> Labels:
        if self.only:
            return Labels(self.names - names, True, why if self.names & names else self.why)
        return Labels(self.names | names, False, why) if names - self.names else self

    def add(self, names: frozenset[str]) -> Labels:
        return Labels(self.names | names if self.only else self.names - names, self.only, self.why)

    def or_(self, other: Labels) -> Labels:
        """What either can have."""
        if self.only and other.only:
            return Labels(self.names | other.names, True, self.why or other.why)
        if self.only or other.only:
            closed, open_ = (self, other) if self.only else (other, self)
            return Labels(open_.names - closed.names, False, open_.why)
        return Labels(self.names & other.names, False, self.why)

    def and_(self, other: Labels) -> Labels:
        """What both can have."""
        if self.only:
            return self.keep(frozenset(n for n in self.names if other.can_have(n)), other.why)
        return other.keep(frozenset(n for n in other.names if self.can_have(n)), self.why) if other.only else self


NONE = Labels(frozenset(), True)
ANY = Labels()


def labels_of(node: Expr, recorded: Recorded, known: dict[int, tuple[Expr, Labels]]) -> Labels:
    """The labels that series of the expression can have; `recorded` are the rules whose records are known.

    `known` is filled with the labels of every node below, by its id.
    """
    return _Flow(recorded, known).of(node)


def is_scalar(node: Any) -> bool:
    """Whether the expression is one number and no series."""
    kind = type(node)
    if kind is NumberLiteral:
        return True
    if kind is Call:
        return node.func.name in SCALARS
    if kind is BinaryExpr:
        return is_scalar(node.rhs) and is_scalar(node.lhs)
    return kind in (ParenExpr, UnaryExpr) and is_scalar(node.expr)


def _meant(node: VectorSelector, rules: Sequence[Rule]) -> Sequence[Rule]:
    """Those of a name that the selector's matchers do not rule out: every SLO records under the same names."""
    for matcher in node.matchers.matchers if len(rules) > 1 else ():
        if matcher.op == MatchOp.Equal:
            name, value = matcher.name, matcher.value
            rules = [rule for rule in rules if rule.labels.get(name, value) == value]
    return rules


@dataclass(frozen=True, slots=True)
class _Flow:
    """`depth` is how many records of records lie above; what is known so deep may be cut short, and is not kept."""

    recorded: Recorded
    known: dict[int, tuple[Expr, Labels]]
    depth: int = 0

    def of(self, node: Expr) -> Labels:
        known = self.known.get(id(node))
        if known is not None:
            return known[1]
        found = self._computed(node)
        if self.depth == 0:
            self.known[id(node)] = node, found  # the node, too: its id is its own as long as it lives
        return found

    def _computed(self, node: Any) -> Labels:
        kind = type(node)
        if kind is VectorSelector:
            return self._selected(node)
        if kind is Call:
            return self._called(node)
        if kind is AggregateExpr:
            return self._aggregated(node)
        if kind is BinaryExpr:
            return self._joined(node)
        if kind is MatrixSelector:
            return self._selected(node.vector_selector)
        if kind in (ParenExpr, UnaryExpr, SubqueryExpr):
            return self.of(node.expr)
        return NONE if kind in (NumberLiteral, StringLiteral) else ANY

    def _selected(self, node: VectorSelector) -> Labels:
        empty = frozenset(m.name for m in node.matchers.matchers if not m.value and m.op == MatchOp.Equal)
        rules = _meant(node, self.recorded.get(promql.metric(node), ()))
        found = ANY
        if rules and self.depth < DEEPEST:
            below = replace(self, depth=self.depth + 1)
            of_rules = [below.of(rule.expr.tree).add(frozenset(rule.labels)) for rule in rules]
            found = of_rules[0]
            for other in of_rules[1:]:
                found = found.or_(other)
            found = found.add(frozenset({"__name__"}))
        return found.drop(empty, f"{node.name or ''}{{…}}") if empty else found

    def _aggregated(self, node: AggregateExpr) -> Labels:
        inner = self.of(node.expr)
        operator = str(node.op)
        if operator in KEEPING:
            return inner
        modifier = node.modifier  # made anew whenever it is asked for
        why = f"{operator} {modifier}" if modifier else f"{operator}()"
        names = frozenset(modifier.labels) if modifier else frozenset()
        if modifier and modifier.type == AggModifierType.Without:
            found = inner.drop(names | {"__name__"}, why)
        else:
            found = Labels(inner.keep(names, why).names, True, why)
        if operator == "count_values" and isinstance(node.param, StringLiteral):
            return found.add(frozenset({node.param.val}))
        return found

    def _called(self, node: Call) -> Labels:
        name, arguments = node.func.name, list(node.args)
        if name in ABSENCES:
            return Labels(frozenset(equal_labels(arguments[0])), True, f"{name}()")
        if name in BARE or not arguments:
            return NONE
        if name in ("label_replace", "label_join"):
            inner = self.of(arguments[0])
            target = arguments[1]
            return inner.add(frozenset({target.val})) if isinstance(target, StringLiteral) else ANY
        if name == "info":
            return ANY
        vectors = [
            argument for argument in arguments if not isinstance(argument, StringLiteral) and not is_scalar(argument)
        ]
        found = self.of(vectors[0]) if vectors else NONE
        return found.drop(frozenset({"le"}), f"{name}()") if name == "histogram_quantile" else found

    def _joined(self, node: BinaryExpr) -> Labels:
        left, right = (self.of(side) for side in (node.lhs, node.rhs))
        operator, modifier = str(node.op), node.modifier
        if operator == "or":
            return left.or_(right)
        if operator in SET_OPERATORS or is_scalar(node.rhs):
            return left
        if is_scalar(node.lhs):
            return right
        if modifier and modifier.card == VectorMatchCardinality.ManyToOne:
            return left.add(frozenset(modifier.group_labels or ()))
        if modifier and modifier.card == VectorMatchCardinality.OneToMany:
            return right.add(frozenset(modifier.group_labels or ()))
        matching = modifier.matching if modifier else None
        if matching is None:
            return left.and_(right)
        names = frozenset(matching.labels)
        if is_on(node):
            return left.keep(names, f"{operator} {matching}")
        first, second = (side.drop(names, f"{operator} {matching}") for side in (left, right))
        return first.and_(second)


def equal_labels(node: Expr) -> Mapping[str, str]:
    """The labels that `absent` takes from its selector's equality matchers, each of which stands once."""
    node = promql.bare(node)
    selector = node.vector_selector if isinstance(node, MatrixSelector) else node
    if not isinstance(selector, VectorSelector):
        return {}
    matchers = selector.matchers.matchers
    names = [matcher.name for matcher in matchers]
    return {
        m.name: m.value for m in matchers if m.op == MatchOp.Equal and names.count(m.name) == 1 and m.name != "__name__"
    }


def is_on(node: BinaryExpr) -> bool:
    """Whether the operator matches by `on` (and not by `ignoring`, or by all labels)."""
    matching = node.modifier.matching if node.modifier else None
    return matching is not None and matching.type == LabelModifierType.Include
