"""PromQL in its normal form: two expressions that differ in spelling only have the same one.

Spelling is: layout and comments, needless parentheses, the order of matchers and of labels, repetitions among them,
quotes and escapes, `1h` for `60m`, `1e3` for `1000`, where `by` stands, upper case, `{__name__="up"}` for `up`, an
`ignoring ()` or `by ()` that says nothing. Operands keep their order: sums of floats differ in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

import promql_parser
from promql_parser import (
    AggModifierType,
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    LabelModifierType,
    Matcher,
    MatchOp,
    MatrixSelector,
    NumberLiteral,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorMatchCardinality,
    VectorSelector,
)

from generator.dialect import as_parsed
from generator.foreign import MOST_OPERATORS, OPERATOR
from tocsin import duration
from tocsin.promql import ATOM, LABEL, PRECEDENCE, UNARY, PromQLError, bare, number
from tocsin.promql_matchers import SIGNS

NAME = "__name__"
GROUPED = ((VectorMatchCardinality.ManyToOne, "group_left"), (VectorMatchCardinality.OneToMany, "group_right"))
ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"})

Printed = tuple[str, int]  # a text, and how tightly its outermost operator binds


@lru_cache(maxsize=20_000)
def normal(text: str) -> str:
    """The normal form of an expression: PromQL on one line, of the same meaning.

    Raises:
        PromQLError: it does not parse, or is too long to be looked into.
    """
    if len(OPERATOR.findall(text)) > MOST_OPERATORS:
        raise PromQLError("the expression is too long")
    try:
        return _printed(promql_parser.parse(as_parsed(text)))[0]
    except ValueError as error:
        raise PromQLError(str(error)) from None
    except RecursionError:
        raise PromQLError("the expression nests too deep") from None


def normal_or_text(text: str) -> str:
    """The normal form; where our parser knows less than the server that runs it, the text as it stands."""
    try:
        return normal(text)
    except PromQLError:
        return text.strip()


def _printed(node: Expr) -> Printed:
    node = bare(node)
    return PRINTERS[type(node)](node)


def _within(node: Expr, level: int) -> str:
    """The node where only what binds as tightly as `level` may stand without parentheses."""
    text, own = _printed(node)
    return text if own >= level else f"({text})"


def _number(node: NumberLiteral) -> Printed:
    value = float(node.val)
    if math.isnan(value):
        return "NaN", ATOM
    sign = "-" if math.copysign(1.0, value) < 0 else ""  # also that of a zero, by which one can divide
    return sign + number(abs(value)).removeprefix("+"), UNARY if sign else ATOM


def _string(node: StringLiteral) -> Printed:
    return _quoted(node.val), ATOM


def _unary(node: UnaryExpr) -> Printed:
    text, level = _printed(node.expr)
    if isinstance(bare(node.expr), NumberLiteral):  # a number with a sign is a number
        return (text[1:], ATOM) if text.startswith("-") else (f"-{text}", UNARY)
    return f"-{text if level >= UNARY else f'({text})'}", UNARY


def _binary(node: BinaryExpr) -> Printed:
    operator = str(node.op).strip().lower()
    level = PRECEDENCE[operator]
    to_the_right = operator == "^"
    left = _within(node.lhs, level + to_the_right)
    right = _within(node.rhs, level + (not to_the_right))
    return " ".join([left, operator, *_matching(node.modifier), right]), level


def _matching(modifier: Any) -> Iterable[str]:
    """How the sides of an operator find each other."""
    if modifier is None:
        return
    if modifier.return_bool:
        yield "bool"
    grouped = next((word for card, word in GROUPED if card == modifier.card), "")
    matching = modifier.matching
    on = matching is not None and matching.type == LabelModifierType.Include
    labels = matching.labels if matching is not None else ()
    if on or labels or grouped:
        yield f"{'on' if on else 'ignoring'} {_labels(labels)}"
    if grouped:
        yield f"{grouped} {_labels(modifier.group_labels or ())}"
    for side, value in (("left", modifier.fill_values.lhs), ("right", modifier.fill_values.rhs)):
        if value is not None:
            yield f"fill_{side} ({number(value)})"


def _aggregate(node: AggregateExpr) -> Printed:
    operands = ", ".join(_printed(part)[0] for part in (node.param, node.expr) if part is not None)
    modifier = node.modifier
    name = str(node.op).strip().lower()
    if modifier is not None and (modifier.type == AggModifierType.Without or modifier.labels):
        word = "without" if modifier.type == AggModifierType.Without else "by"
        return f"{name} {word} {_labels(modifier.labels)} ({operands})", ATOM
    return f"{name}({operands})", ATOM


def _call(node: Call) -> Printed:
    return f"{node.func.name}({', '.join(_printed(argument)[0] for argument in node.args)})", ATOM


def _vector(node: VectorSelector) -> Printed:
    return _selector(node) + _moved(node.at, node.offset), ATOM


def _matrix(node: MatrixSelector) -> Printed:
    vector = node.vector_selector
    return f"{_selector(vector)}[{duration.show(node.range)}]{_moved(vector.at, vector.offset)}", ATOM


def _subquery(node: SubqueryExpr) -> Printed:
    inner = bare(node.expr)
    moved = isinstance(inner, VectorSelector | SubqueryExpr) and (inner.at is not None or inner.offset)
    text = f"({_printed(inner)[0]})" if moved else _within(inner, ATOM)
    step = duration.show(node.step) if node.step else ""
    return f"{text}[{duration.show(node.range)}:{step}]{_moved(node.at, node.offset)}", ATOM


def _selector(node: VectorSelector) -> str:
    """Its name and matchers, without what moves it in time."""
    matchers = list(node.matchers.matchers)
    name = node.name or ""
    named = [matcher for matcher in matchers if matcher.name == NAME]
    if not name and len(named) == 1 and named[0].op == MatchOp.Equal and _is_plain(named[0].value):
        name = named[0].value
        matchers.remove(named[0])
    groups = [group for group in (matchers, *node.matchers.or_matchers) if group]
    within = " or ".join(sorted(",".join(sorted({_matcher(matcher) for matcher in group})) for group in groups))
    return f"{name}{{{within}}}" if within or not name else name


def _matcher(matcher: Matcher) -> str:
    return f"{_label(matcher.name)}{SIGNS[str(matcher.op)]}{_quoted(matcher.value)}"


@lru_cache(maxsize=10_000)
def _is_plain(name: str) -> bool:
    """Whether a metric of that name can be written without a matcher; `inf` cannot."""
    try:
        tree = promql_parser.parse(name)
    except ValueError:
        return False
    return isinstance(tree, VectorSelector) and tree.name == name


def _moved(at: Any, offset: timedelta | None) -> str:
    """What a selector or subquery says of its time."""
    parts = [str(at)] if at is not None else []
    if offset:
        sign = "-" if offset < timedelta() else ""
        parts.append(f"offset {sign}{duration.show(abs(offset))}")
    return "".join(f" {part}" for part in parts)


def _labels(labels: Sequence[str]) -> str:
    return f"({', '.join(sorted({_label(label) for label in labels}))})"


def _label(name: str) -> str:
    return name if LABEL.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    plain = text.translate(ESCAPES)
    return '"' + "".join(char if char.isprintable() else _escaped(char) for char in plain) + '"'


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


PRINTERS: Mapping[type, Callable[[Any], Printed]] = {
    NumberLiteral: _number,
    StringLiteral: _string,
    UnaryExpr: _unary,
    BinaryExpr: _binary,
    AggregateExpr: _aggregate,
    Call: _call,
    VectorSelector: _vector,
    MatrixSelector: _matrix,
    SubqueryExpr: _subquery,
}
