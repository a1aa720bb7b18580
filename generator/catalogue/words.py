"""PromQL in words, from its tree: what somebody who is paged must know, not every subtlety of evaluation.

Names of metrics stand in backquotes, values in quotes. What is nested stands in parentheses where it could be misread.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from promql_parser import AggModifierType as Grouping
from promql_parser import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    Matcher,
    MatchOp,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)
from promql_parser import LabelModifierType as Matching

from generator.catalogue.functions import AGGREGATIONS, FUNCTIONS, ordinal
from tocsin import duration, promql

OPERATORS = {
    ">": "is above",
    ">=": "is at least",
    "<": "is below",
    "<=": "is at most",
    "==": "is",
    "!=": "is not",
    "+": "plus",
    "-": "minus",
    "*": "times",
    "/": "divided by",
    "%": "modulo",
    "^": "to the power of",
    "atan2": "as the angle (atan2) with",
    "and": "and at the same time",
    "or": "or else",
    "unless": "unless there is",
}
# By text: the parser's own kinds have no hash.
MATCHES = {
    "MatchOp.Equal": "is",
    "MatchOp.NotEqual": "is not",
    "MatchOp.Re": "matches",
    "MatchOp.NotRe": "does not match",
}
SETS = frozenset({"and", "or", "unless"})


def words(tree: Expr) -> str:
    """The expression as a phrase without a full stop: `the rate of `x` per second over 5m is above 3`."""
    match tree:
        case ParenExpr():
            return words(tree.expr)
        case NumberLiteral():
            return promql.number(tree.val)
        case StringLiteral():
            return _quoted(tree.val)
        case UnaryExpr():
            return f"minus {_part(tree.expr)}"
        case VectorSelector():
            return _selector(tree)
        case MatrixSelector():
            return f"{_selector(tree.vector_selector)} over {duration.show(tree.range)}"
        case SubqueryExpr():
            return _subquery(tree)
        case Call():
            return _call(tree)
        case AggregateExpr():
            return _aggregation(tree)
        case BinaryExpr():
            return _binary(tree)
    return f"`{tree.prettify()}`"  # a kind of node that the parser learned since


def _part(tree: Expr) -> str:
    """The words of an operand, in parentheses if it has an operator itself."""
    inner = tree
    while isinstance(inner, ParenExpr):
        inner = inner.expr
    return f"({words(inner)})" if isinstance(inner, BinaryExpr) else words(inner)


def _selector(tree: VectorSelector) -> str:
    matchers: list[Matcher] = sorted(tree.matchers.matchers, key=lambda one: str(one.name))  # as they are printed
    named = next((one for one in matchers if one.name == "__name__" and one.op == MatchOp.Equal), None)
    name = tree.name or (named.value if named else "")
    rest = [one for one in matchers if one is not named]
    where = " and ".join(_matcher(one) for one in rest)
    metric = f"`{name}`" if name else "every series"
    return " ".join(part for part in (metric, where and f"where {where}", _time(tree)) if part)


def _matcher(matcher: Matcher) -> str:
    label = "its name" if matcher.name == "__name__" else matcher.name
    if not matcher.value and matcher.op in (MatchOp.Equal, MatchOp.NotEqual):
        return f"{label} is {'missing' if matcher.op == MatchOp.Equal else 'present'}"
    return f"{label} {MATCHES[str(matcher.op)]} {_quoted(matcher.value)}"


def _quoted(value: str) -> str:
    return '"' + value.replace("`", "'") + '"'  # a backquote would begin a name


def _time(tree: VectorSelector | SubqueryExpr) -> str:
    """Where in time the samples lie, if not now."""
    parts = []
    if tree.offset:
        ahead = tree.offset < timedelta()
        parts.append(f"{duration.show(abs(tree.offset))} {'ahead' if ahead else 'ago'}")
    if tree.at:
        parts.append(f"at {str(tree.at).removeprefix('@ ')}")
    return " ".join(parts)


def _subquery(tree: SubqueryExpr) -> str:
    over = f"over {duration.show(tree.range)}" if tree.range else ""
    step = f"(looked at every {duration.show(tree.step)})" if tree.step else ""
    return " ".join(part for part in (_part(tree.expr), over, step, _time(tree)) if part)


def _call(tree: Call) -> str:
    arguments: Sequence[Expr] = list(tree.args)
    name = tree.func.name
    phrase = FUNCTIONS.get((name, len(arguments)))
    if phrase is None:
        return f"{name}({', '.join(map(words, arguments))})"
    said = [_part(argument) for argument in arguments]
    return phrase.format(*said, **_rank(arguments), **_ahead(arguments))


def _rank(arguments: Sequence[Expr]) -> dict[str, str]:
    """The first argument as a percentile, if it is a number."""
    first = arguments[0] if arguments else None
    return {"rank": ordinal(first.val) if isinstance(first, NumberLiteral) else "given"}


def _ahead(arguments: Sequence[Expr]) -> dict[str, str]:
    """The last argument as so many seconds ahead."""
    last = arguments[-1] if arguments else None
    if isinstance(last, NumberLiteral) and 0 < last.val < timedelta.max.total_seconds():
        return {"ahead": duration.show(timedelta(seconds=last.val))}
    return {"ahead": f"{_part(last)} seconds" if last else ""}


def _aggregation(tree: AggregateExpr) -> str:
    name = str(tree.op)
    parameter: Expr | None = tree.param
    rank = _rank([parameter] if parameter else [])
    phrase = AGGREGATIONS.get(name, name + " of {0}")
    said = phrase.format(_part(tree.expr), parameter=_part(parameter) if parameter else "", **rank)
    return said + _grouped(tree)


def _grouped(tree: AggregateExpr) -> str:
    if tree.modifier is None:
        return ""
    labels = ", ".join(tree.modifier.labels)
    if tree.modifier.type == Grouping.By:
        return f" by {labels}" if labels else ""
    return f" over all {labels}" if labels else " by every label"


def _binary(tree: BinaryExpr) -> str:
    operator = str(tree.op)
    left, right = _operand(tree.lhs, operator), _operand(tree.rhs, operator)
    comma = "," if operator in SETS else ""
    said = f"{left}{comma} {OPERATORS.get(operator, operator)} {right}{_matched(tree)}"
    return f"1 where {said}, else 0" if tree.modifier and tree.modifier.return_bool else said


def _operand(tree: Expr, operator: str) -> str:
    """Comparisons stand without parentheses beside and, or, unless; arithmetic beside a comparison too."""
    inner = tree
    while isinstance(inner, ParenExpr):
        inner = inner.expr
    if not isinstance(inner, BinaryExpr):
        said = words(inner)
        return f"({said})" if isinstance(inner, Call) and ", " in said else said
    level, own = promql.PRECEDENCE[operator], promql.PRECEDENCE[str(inner.op)]
    comparison = promql.PRECEDENCE[">"]
    plain = level <= comparison and own > level and own >= comparison
    return words(inner) if plain else f"({words(inner)})"


def _matched(tree: BinaryExpr) -> str:
    matching = tree.modifier.matching if tree.modifier else None
    if matching is None:
        return ""
    labels = ", ".join(matching.labels)
    if matching.type == Matching.Include:
        return f" (of the same {labels})" if labels else " (whatever the labels)"
    return f" (whatever the {labels})" if labels else ""
