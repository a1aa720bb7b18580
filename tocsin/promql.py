"""PromQL as a tree: parsed, composed with the parentheses it needs, printed.

Printed with `prettify()`: the `str()` of promql-parser loses escapes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any, TypeVar

import promql_parser
from promql_parser import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    MatchOp,
    MatrixSelector,
    ParenExpr,
    SubqueryExpr,
    UnaryExpr,
    ValueType,
    VectorSelector,
)

from tocsin.promql_shape import MOST_SHAPES, Sample, apart, by_shape

# The classic grammar: UTF-8 names need Prometheus 3.0, and the oldest that is served is 2.42.
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})

# Loosest first (prometheus: promql/parser/generated_parser.y). A minus sign stands between * and ^.
OPERATORS = (("or",), ("and", "unless"), tuple(sorted(COMPARISONS)), ("+", "-"), ("*", "/", "%", "atan2"), (), ("^",))
PRECEDENCE = {operator: level for level, operators in enumerate(OPERATORS) for operator in operators}
UNARY = PRECEDENCE["^"] - 1
ATOM = PRECEDENCE["^"] + 1

# Strings, and a `group_left` without its `ignoring ()`, which prettify() forgets and no parser takes.
LONELY = re.compile(r'"(?:\\.|[^"\\])*"|(?<=[^)\s])( group_(?:left|right) \()')

MOST_TREES = 2_000  # that are kept in memory
PLACE = "tocsin_place_"  # names a place in a skeleton


Kind = TypeVar("Kind")


class PromQLError(ValueError):
    """The text is no PromQL that a rule could hold; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Term:
    """What to compose with: texts and expressions in a row, and how tightly the outermost operator binds."""

    pieces: tuple[str | Expression, ...]
    level: int

    @property
    def text(self) -> str:
        return "".join(piece if isinstance(piece, str) else piece.text for piece in self.pieces)

    def parsed(self) -> Expression:
        """The term as an expression.

        Raises:
            PromQLError: its parts do not fit together (a comparison of two scalars, say).
        """
        return _printed(self.text, self._composed)

    def _composed(self) -> Expression:
        parts = [piece for piece in self.pieces if isinstance(piece, Expression)]
        if not all(_is_vector(part.tree) for part in parts):
            return _read(self.text)
        numbers = iter(range(len(parts)))
        return _filled(
            "".join(piece if isinstance(piece, str) else f"{PLACE}{next(numbers)}" for piece in self.pieces), parts
        )


@dataclass(frozen=True, slots=True)
class Expression:
    """A PromQL expression: its text as it is printed, by which its tree is found.

    A tree takes some 10 kB, and as much again for each regular expression in it, so only the newest are kept.
    """

    text: str

    @property
    def tree(self) -> Expr:
        return _parsed(self.text).tree

    @property
    def nodes(self) -> tuple[Expr, ...]:
        """Every node of the tree, parents first; many checks go through them."""
        return _parsed(self.text).nodes

    def of(self, kind: type[Kind]) -> Sequence[Kind]:
        """The nodes of one kind, parents first: a check looks at few of all."""
        return _parsed(self.text).kinds.get(kind, ())  # type: ignore[return-value]  # sorted by type

    @property
    def term(self) -> Term:
        return Term((self,), _level(self))


@by_shape
def _level(expression: Expression) -> int:
    tree = expression.tree
    if isinstance(tree, UnaryExpr):
        return UNARY
    return PRECEDENCE[str(tree.op)] if isinstance(tree, BinaryExpr) else ATOM


def parse(text: str) -> Expression:
    """The expression in a text.

    Raises:
        PromQLError: it does not parse.
    """
    return _printed(text, partial(_read, text))


_samples: dict[str, Sample] = {}


def _printed(text: str, read: Callable[[], Expression]) -> Expression:
    """What reading the text gives; only one of each shape is read, and its tree made, before somebody asks for it."""
    parts = apart(text)
    sample = _samples.get(parts.shape)
    known = sample.of(parts) if sample else None
    if known is not None:
        return Expression(known)
    expression = read()
    if len(_samples) >= MOST_SHAPES:
        _samples.clear()
    _samples[parts.shape] = Sample(parts, expression.text)
    return expression


def _read(text: str) -> Expression:
    try:
        return of_tree(promql_parser.parse(text))
    except ValueError as error:
        raise PromQLError(str(error)) from None


def of_tree(tree: Expr) -> Expression:
    """The expression that a tree is."""
    text = tree.prettify()
    if "group_" in text:
        text = LONELY.sub(_with_ignoring, text)
    _keep(text, _Parsed(tree))
    return Expression(text)


def _with_ignoring(found: re.Match[str]) -> str:
    return f" ignoring (){found[1]}" if found[1] else found[0]


def _filled(skeleton: str, parts: Sequence[Expression]) -> Expression:
    """The skeleton with the parts in its places: to parse their regular expressions again takes far longer."""

    def filled(node: Expr) -> Expr | None:
        name = (node.name or "") if isinstance(node, VectorSelector) else ""
        return parts[int(name.removeprefix(PLACE))].tree if name.startswith(PLACE) else None

    return of_tree(promql_parser.transform(_skeleton(skeleton), post_visit=filled))


@lru_cache(maxsize=1_000)
def _skeleton(text: str) -> Expr:
    try:
        return promql_parser.parse(text)
    except ValueError as error:
        raise PromQLError(str(error)) from None


def _is_vector(tree: Expr) -> bool:
    """Whether the value is a vector, as the places of a skeleton are."""
    match bare(tree):
        case VectorSelector() | AggregateExpr():
            return True
        case Call() as call:
            return bool(call.func.return_type == ValueType.Vector)
        case BinaryExpr() as binary:
            return _is_vector(binary.lhs) or _is_vector(binary.rhs)
        case UnaryExpr() as unary:
            return _is_vector(unary.expr)
    return False


class _Parsed:
    """A tree, and its nodes in a row and by their types once they were asked for."""

    def __init__(self, tree: Expr) -> None:
        self.tree = tree

    @cached_property
    def nodes(self) -> tuple[Expr, ...]:
        return tuple(walk(self.tree))

    @cached_property
    def kinds(self) -> Mapping[type, Sequence[Expr]]:
        kinds: dict[type, list[Expr]] = {}
        for node in self.nodes:
            kinds.setdefault(type(node), []).append(node)
        return kinds


_kept: dict[str, _Parsed] = {}


def _parsed(text: str) -> _Parsed:
    return _kept.get(text) or _keep(text, _Parsed(promql_parser.parse(text)))


def _keep(text: str, parsed: _Parsed) -> _Parsed:
    if len(_kept) >= MOST_TREES:
        _kept.clear()
    _kept[text] = parsed
    return parsed


def binary(left: Term, operator: str, right: Term, on: Sequence[str] | None = None) -> Term:
    """`left operator right`, each side in parentheses where the operator would tear it apart; matched `on` labels.

    Equal precedence gets parentheses too: readers do not know associativity by heart.
    """
    level = PRECEDENCE[operator]
    before, after = (side.pieces if side.level > level else ("(", *side.pieces, ")") for side in (left, right))
    matching = "" if on is None else f" on ({', '.join(on)})"
    return Term((*before, f" {operator}{matching} ", *after), level)


def literal(value: float) -> Term:
    """A number to compose with."""
    return Term((number(value),), UNARY if value < 0 else ATOM)


def number(value: float) -> str:
    """A number as PromQL writes it: `90`, `0.05`, `+Inf`."""
    if isinstance(value, int):
        return str(value)
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def walk(tree: Expr) -> Iterator[Expr]:
    """Every node of the tree, parents first. (promql-parser's own walk takes five times as long.)"""
    nodes = [tree]
    while nodes:
        node = nodes.pop()
        yield node
        if operands := CHILDREN.get(type(node)):
            nodes += reversed(operands(node))


def _of_aggregate(node: AggregateExpr) -> list[Expr]:
    return [node.expr] if node.param is None else [node.param, node.expr]


# By type, because asking one type after the other took a tenth of the time of checking foreign rules.
CHILDREN: Mapping[type, Callable[[Any], list[Expr]]] = {
    BinaryExpr: lambda node: [node.lhs, node.rhs],
    Call: lambda node: list(node.args),
    AggregateExpr: _of_aggregate,
    MatrixSelector: lambda node: [node.vector_selector],
    **dict.fromkeys((ParenExpr, UnaryExpr, SubqueryExpr), lambda node: [node.expr]),
}


def children(node: Expr) -> list[Expr]:
    """The operands of a node, in order; a range's is its selector."""
    operands = CHILDREN.get(type(node))
    return operands(node) if operands else []


def bare(node: Expr) -> Expr:
    """The node without the parentheses around it."""
    while isinstance(node, ParenExpr):
        node = node.expr
    return node


def metric(selector: VectorSelector) -> str:
    """The metric's name, or nothing where it is given by a pattern."""
    if selector.name:
        return selector.name
    named = (m.value for m in selector.matchers.matchers if m.name == "__name__" and m.op == MatchOp.Equal)
    return next(named, "")
