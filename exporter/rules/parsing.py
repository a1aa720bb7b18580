"""What an alert's expression compares with which number; or why it cannot be simulated."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from promql_parser import BinaryExpr, Call, Expr, NumberLiteral, UnaryExpr

from exporter.breach.condition import MIRRORED, Comparison, Condition
from tocsin import promql
from tocsin.promql import COMPARISONS, PromQLError

# Why a rule is not simulated, and what could be done.
REASONS: Mapping[str, str] = {
    "own": "rests on what Tocsin itself publishes",
    "syntax": "cannot be parsed; ask tocsin rules check",
    "no_comparison": "compares nothing with a number: what makes it fire cannot be forecast",
    "two_expressions": "compares two expressions; write it as their difference or ratio compared with a number",
    "bool": "has a comparison with bool, which holds of every value: it fires always",
    "guard": "has a guard (and, unless); only a condition on one value is simulated. Where the guard nearly always "
    "holds, write it into the value's expression",
    "matching": "matches its alternatives by some labels (on, ignoring)",
    "constant": "compares with something that is no number",
}


class NotSimulated(Exception):
    """A rule's probability cannot be told; `reason` is a key of `REASONS`."""

    def __init__(self, reason: str) -> None:
        super().__init__(REASONS[reason])
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Part:
    """An expression that is read, and what makes the alert fire for one of its series."""

    expr: str
    condition: Condition


def parts(expr: str) -> tuple[Part, ...]:
    """What a rule asks; several where alternatives (`or`) are about different expressions.

    Raises:
        NotSimulated: it asks something else.
    """
    try:
        tree = promql.parse(expr).tree
    except PromQLError as error:
        raise NotSimulated("syntax") from error
    return _parts(tree)


def _parts(tree: Expr) -> tuple[Part, ...]:
    node = promql.bare(tree)
    if not isinstance(node, BinaryExpr):
        raise NotSimulated("no_comparison")
    match str(node.op):
        case "or":
            _no_matching(node)
            return _either(_parts(node.lhs), _parts(node.rhs))
        case "and":
            return (_both(node),)
        case "unless":
            raise NotSimulated("guard")
        case compared if compared in COMPARISONS:
            return _comparison(node, compared)
    raise NotSimulated("no_comparison")


def _comparison(node: BinaryExpr, compared: str) -> tuple[Part, ...]:
    if node.modifier is not None and node.modifier.return_bool:
        raise NotSimulated("bool")
    left, right = constant(node.lhs), constant(node.rhs)
    if (left is None) == (right is None):
        raise NotSimulated("two_expressions" if left is None else "constant")
    number, value = (right, node.lhs) if left is None else (left, node.rhs)
    assert number is not None
    if not math.isfinite(number):
        raise NotSimulated("constant")
    found = Comparison(compared if left is None else MIRRORED[compared], number)
    inner = promql.bare(value)
    if isinstance(inner, BinaryExpr) and str(inner.op) in COMPARISONS and not inner.modifier:
        return tuple(Part(part.expr, _and(part.condition, Condition(((found,),)))) for part in _parts(inner))
    return (Part(promql.of_tree(inner).text, Condition(((found,),))),)


def _no_matching(node: BinaryExpr) -> None:
    if node.modifier is not None and node.modifier.matching is not None:
        raise NotSimulated("matching")


def _either(left: tuple[Part, ...], right: tuple[Part, ...]) -> tuple[Part, ...]:
    """Both sides' parts; those about one expression are one."""
    found: dict[str, Condition] = {}
    for part in (*left, *right):
        known = found.get(part.expr)
        found[part.expr] = Condition((*known.any_of, *part.condition.any_of)) if known else part.condition
    return tuple(Part(expr, condition) for expr, condition in found.items())


def _both(node: BinaryExpr) -> Part:
    """`x > 1 and x < 5`: two conditions on one expression. Anything else is a guard."""
    try:
        (left,), (right,) = _parts(node.lhs), _parts(node.rhs)
    except (NotSimulated, ValueError) as error:
        raise NotSimulated("guard") from error
    if left.expr != right.expr or (node.modifier is not None and node.modifier.matching is not None):
        raise NotSimulated("guard")
    return Part(left.expr, _and(left.condition, right.condition))


def _and(left: Condition, right: Condition) -> Condition:
    return Condition(tuple((*one, *other) for one in left.any_of for other in right.any_of))


def _divided(one: float, other: float) -> float:
    return one / other if other else math.nan if one == 0 else math.copysign(math.inf, one)


def _rest(one: float, other: float) -> float:
    return math.fmod(one, other) if other else math.nan


ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
    "%": _rest,
    "^": math.pow,
    "atan2": math.atan2,
}


def constant(tree: Expr) -> float | None:
    """The number that an expression is; None where it is none."""
    match promql.bare(tree):
        case NumberLiteral() as literal:
            return float(literal.val)
        case UnaryExpr() as unary:
            inner = constant(unary.expr)
            return None if inner is None else -inner
        case Call() as call if call.func.name == "pi":
            return math.pi
        case BinaryExpr() as binary if compute := ARITHMETIC.get(str(binary.op)):
            left, right = constant(binary.lhs), constant(binary.rhs)
            return None if left is None or right is None else _computed(compute, left, right)
    return None


def _computed(compute: Callable[[float, float], float], left: float, right: float) -> float:
    try:
        return compute(left, right)
    except (OverflowError, ValueError):
        return math.nan
