"""PromQL is composed so that it parses to the intended tree."""

from __future__ import annotations

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from promql_parser import BinaryExpr, Expr, ParenExpr

from tocsin import promql
from tocsin.promql import PromQLError

# Every kind of node, and every level of precedence; vectors, so that any operator fits.
PARTS = st.sampled_from(
    [
        "up",
        'http_requests_total{code=~"5..",path="a\\\\b\\"c"}',
        "sum by (job) (rate(x[5m]))",
        "-x",
        "x ^ 2",
        "x * 2",
        "x + y",
        "x - y - z",
        "x > 1",
        "x == bool 1",
        "x and y",
        "x unless on (job) y",
        "x or y",
        "(x or y)",
        "x / on (job) group_left (team) y",
        "x offset 5m",
        "x # said by somebody\n + y",
        "histogram_quantile(0.99, sum by (le) (rate(x_bucket[5m]))) > 5 and on (job) sum by (job) (rate(x[5m])) > 1",
    ]
)
OPERATORS = st.sampled_from(sorted(promql.PRECEDENCE))


@given(PARTS, OPERATORS, PARTS)
def test_a_composed_expression_has_the_two_parts_as_its_sides(left: str, operator: str, right: str) -> None:
    """Whatever the parts are, the outermost operator is the one that was asked for, between exactly these parts."""
    tree = promql.binary(promql.parse(left).term, operator, promql.parse(right).term).parsed().tree
    assert isinstance(tree, BinaryExpr)
    assert str(tree.op) == operator
    assert (_bare(tree.lhs), _bare(tree.rhs)) == (_bare(promql.parse(left).tree), _bare(promql.parse(right).tree))


@given(PARTS, OPERATORS, PARTS, OPERATORS, PARTS)
def test_composition_nests(first: str, inner: str, second: str, outer: str, third: str) -> None:
    """A composed term is a part like any other."""
    a, b, c = (promql.parse(part).term for part in (first, second, third))
    tree = promql.binary(promql.binary(a, inner, b), outer, c).parsed().tree
    assert isinstance(tree, BinaryExpr)
    assert _bare(tree.lhs) == _bare(promql.binary(a, inner, b).parsed().tree)


@given(PARTS, OPERATORS, PARTS, OPERATORS, PARTS)
def test_composing_trees_is_parsing_their_text(first: str, inner: str, second: str, outer: str, third: str) -> None:
    """The parts put into a skeleton's places give what the parser makes of the whole text."""
    a, b, c = (promql.parse(part).term for part in (first, second, third))
    whole = promql.binary(promql.binary(a, inner, b), outer, c)
    assert whole.parsed().text == promql.parse(whole.text).text
    assert repr(whole.parsed().tree) == repr(promql_parser.parse(whole.text))


def test_two_numbers_do_not_compare() -> None:
    """What the parser refuses of the whole text is refused of the parts, too."""
    with pytest.raises(PromQLError, match="BOOL"):
        promql.binary(promql.parse("time()").term, ">", promql.literal(1)).parsed()


def test_trees_are_kept_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """An expression whose tree was let go is parsed again when it is asked for."""
    monkeypatch.setattr(promql, "MOST_TREES", 2)
    monkeypatch.setattr(promql, "_kept", {})
    expressions = [promql.parse(f'x{{job=~"{number}"}} > 1') for number in range(5)]
    assert len(promql._kept) <= 2
    assert [str(expression.tree.rhs) for expression in expressions] == [str(expressions[4].tree.rhs)] * 5  # type: ignore[attr-defined]
    assert len(promql._kept) <= 2


@given(PARTS)
def test_printing_is_stable(part: str) -> None:
    """What was printed parses to what prints the same."""
    printed = promql.parse(part).text
    assert promql.parse(printed).text == printed


@given(st.floats(allow_nan=False))
def test_numbers_are_read_as_they_were_written(value: float) -> None:
    """A limit arrives in PromQL as the same number."""
    tree = promql.parse(promql.number(value)).tree
    assert tree.val == value  # type: ignore[attr-defined]


@given(st.floats(allow_nan=False), OPERATORS)
def test_a_negative_number_is_one_operand(value: float, operator: str) -> None:
    """`-5 ^ x` would be `-(5 ^ x)`: the number gets parentheses where a minus sign binds less tightly."""
    if operator in ("and", "or", "unless"):
        return  # not between numbers
    tree = promql.binary(promql.literal(value), operator, promql.parse("x").term).parsed().tree
    assert isinstance(tree, BinaryExpr)
    assert str(tree.op) == operator


@pytest.mark.parametrize(
    ("left", "operator", "right", "printed"),
    [
        ("100 * (1 - x)", ">", "90", "100 * (1 - x) > 90"),
        ("a or b", ">", "90", "(a or b) > 90"),
        ("a > 1", ">", "90", "(a > 1) > 90"),
        ("a / b", "/", "c", "(a / b) / c"),
        ("a # why\n", ">", "1", "a > 1"),
    ],
)
def test_parentheses_where_they_are_needed(left: str, operator: str, right: str, printed: str) -> None:
    """Parentheses appear where the meaning or a reader needs them, and not elsewhere."""
    assert promql.binary(promql.parse(left).term, operator, promql.parse(right).term).parsed().text == printed


def test_escapes_survive() -> None:
    """Backslashes and quotes of matchers are printed as they were meant."""
    text = 'a{b=~"\\\\d+\\"x"}'
    assert promql.parse(text).text == text


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("a * ignoring() group_left b", "a * ignoring () group_left () b"),
        ("a > bool ignoring() group_right (x) b", "a > bool ignoring () group_right (x) b"),
        ("a * on (x) group_left b", "a * on (x) group_left () b"),
        ("a * ignoring (x) group_left b", "a * ignoring (x) group_left () b"),
        ('a{x="y group_left (z"} + b', 'a{x="y group_left (z"} + b'),
    ],
)
def test_a_group_keeps_what_it_is_matched_by(text: str, printed: str) -> None:
    """Without `ignoring ()` the print would be no PromQL any more; strings stay as they are."""
    assert promql.parse(text).text == printed
    promql_parser.parse(promql.parse(text).text)


def _bare(tree: Expr) -> str:
    while isinstance(tree, ParenExpr):
        tree = tree.expr
    return tree.prettify()
