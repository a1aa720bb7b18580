"""Parts of expressions said otherwise."""

from __future__ import annotations

from datetime import timedelta

import pytest
from promql_parser import Call, Expr, NumberLiteral, VectorSelector

from tocsin import promql
from tocsin.promql_rewrite import of_later, over, replaced

LATER = [
    ("errors", "errors offset -7s"),
    ('errors{job="a"} > 3', 'errors{job="a"} offset -7s > 3'),
    ("errors offset 1m", "errors offset 53s"),
    ("errors offset 7s", "errors"),
    ("rate(errors[5m])", "rate(errors[5m] offset -7s)"),
    ("rate(errors[5m] offset 1h)", "rate(errors[5m] offset 59m53s)"),
    ("max_over_time(rate(errors[5m])[1h:1m])", "max_over_time((rate(errors[5m]))[1h:1m] offset -7s)"),
    ("max_over_time(errors[1h:])", "max_over_time((errors)[1h:] offset -7s)"),
    ("errors @ 100 offset 1m", "errors @ 100 offset 1m"),
    ('{"with.dots"} + {__name__=~"a|b"}', '{"with.dots"} offset -7s + {__name__=~"a|b"} offset -7s'),
    ("sum by (job) (a / b) or vector(1)", "sum by (job) (a offset -7s / b offset -7s) or vector(1)"),
    ("1 + 2", "1 + 2"),
]


@pytest.mark.parametrize(("expr", "later"), LATER)
def test_later(expr: str, later: str) -> None:
    """What is read lies less far back; windows of subqueries move as a whole, and what an @ holds fast stays."""
    assert of_later(promql.parse(expr), timedelta(seconds=7)).text == promql.parse(later).text


@pytest.mark.parametrize(
    ("selector", "shown"),
    [
        ("errors", "errors[5m]"),
        ('errors{job="a"} @ 100 offset -1h', 'errors{job="a"}[5m] @ 100.000 offset -1h'),
        ('{"with.dots"} offset 1m', '{__name__="with.dots"}[5m] offset 1m'),
    ],
)
def test_over(selector: str, shown: str) -> None:
    """A selector's modifiers stand behind its range."""
    [node] = promql.parse(selector).of(VectorSelector)
    assert over(node, timedelta(minutes=5)) == shown


def test_not_later() -> None:
    """The expression of the same moment is itself."""
    expr = promql.parse("rate(errors[5m])")
    assert of_later(expr, timedelta()) is expr


def test_nobody_looks_again() -> None:
    """What stands for a part may hold such a part itself; of a part that is replaced, none is asked about."""
    asked: list[str] = []

    def instead(node: Expr) -> str | None:
        asked.append(type(node).__name__)
        if isinstance(node, VectorSelector):
            return f"({node.name} + {node.name})"
        return "sum(c)" if isinstance(node, Call) else None

    assert replaced(promql.parse("a * rate(b[5m])"), instead).text == promql.parse("(a + a) * sum(c)").text
    assert asked.count("VectorSelector") == 1


def test_nothing_replaced() -> None:
    """An expression of which nothing is said otherwise is the same."""
    expr = promql.parse("a * rate(b[5m])")
    assert replaced(expr, lambda node: "0" if isinstance(node, NumberLiteral) else None).text == expr.text
