"""Which template an expression becomes: one whose plan is that expression, to the letter."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.importing.recognition import FINDERS, recognised
from generator.templates import TEMPLATES
from tests.generator.rule_file_samples import EXPRESSIONS
from tocsin import promql

RATES = {"errors": "sum(rate(e[5m]))", "total": "sum(rate(t[5m]))"}

SHAPES: list[tuple[str, str, dict[str, Any]]] = [
    ("vector(1)", "heartbeat", {}),
    ('absent(up{job="a"})', "absence", {"selector": 'up{job="a"}'}),
    ("present_over_time(up[1h]) unless up", "absence", {"selector": "up", "seen_within": "1h"}),
    ("x > 5", "threshold", {"expr": "x", "above": 5}),
    ("x >= 0.5", "threshold", {"expr": "x", "at_least": 0.5}),
    ("a + b < -1", "threshold", {"expr": "a + b", "below": -1}),
    ("(a + b) <= 1e9", "threshold", {"expr": "(a + b)", "at_most": 10**9}),
    ("sum(x) == 0", "threshold", {"expr": "sum(x)", "equals": 0}),
    ("(a or b) != 1", "threshold", {"expr": "a or b", "differs_from": 1}),
    ("x > +Inf", "threshold", {"expr": "x", "above": float("inf")}),
    ("x < 1 or x > 2", "range", {"expr": "x", "low": 1, "high": 2}),
    ("(x >= 1) <= 2", "range", {"expr": "x", "low": 1, "high": 2, "fires": "inside"}),
    ("sum(rate(e[5m])) / sum(rate(t[5m])) > 0.05", "ratio", {**RATES, "above": 0.05, "minimum_errors": 0}),
    (
        "sum(rate(e[5m])) / sum(rate(t[5m])) > 0.05 and sum(rate(e[5m])) > 0.005",
        "ratio",
        {**RATES, "above": 0.05},
    ),
    (
        "(sum(rate(e[5m])) / sum(rate(t[5m])) > 0.05 and sum(rate(t[5m])) >= 2) and sum(rate(e[5m])) > 1",
        "ratio",
        {**RATES, "above": 0.05, "minimum": 2, "minimum_errors": 1},
    ),
    (
        'histogram_quantile(0.99, sum by (le, job) (rate(x_bucket{a="b"}[10m]))) > 1.5',
        "quantile",
        {"histogram": 'x{a="b"}', "quantile": 0.99, "by": ["job"], "window": "10m", "above": 1.5},
    ),
    (
        "histogram_quantile(0.9, sum(rate(x[5m]))) > 1 and histogram_count(sum(rate(x[5m]))) >= 3",
        "quantile",
        {"histogram": "x", "kind": "native", "quantile": 0.9, "window": "5m", "above": 1, "minimum": 3},
    ),
    (
        "(1 - free / (size > 0) > 0.5 and predict_linear(free[6h], 86400) <= 0)"
        " and count_over_time(free[6h:18m]) >= 16",
        "saturation",
        {"free": "free", "capacity": "size", "full_within": "1d", "window": "6h", "used_above": 0.5},
    ),
    (
        "(used / (size > 0) > 0.5 and predict_linear(used[6h], 3600) >= size) and count_over_time(used[6h:18m]) >= 16",
        "saturation",
        {"used": "used", "capacity": "size", "full_within": "1h", "window": "6h", "used_above": 0.5},
    ),
    (
        "(deriv(x[15m]) * 60 > 5 or deriv(x[15m]) * 60 < -2) and count_over_time(x[15m:45s]) >= 16",
        "rate_of_change",
        {"expr": "x", "window": "15m", "rises_faster_than": 5, "falls_faster_than": 2, "per": "1m"},
    ),
]

# Near to a template, and not what it would give back.
KEPT = [
    *("x > bool 5", "5 < x", "x > y", "x > NaN", "x >= 1 <= 2", "x < 2 or x > 1", "x < 1 or y > 2", "absent(sum(x))"),
    *("vector(2)", "x[5m]", "1 > bool 0", "present_over_time(up[1h]) unless up{a='b'}", "x > 5 and y > 3"),
    "(sum(rate(e[5m])) / sum(rate(t[5m])) > 0.05) and sum(rate(e[5m])) > 0.005",
    "histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m]))) > 1 and sum(rate(y_count[5m])) >= 3",
    "deriv(x[15m]) > 5 and count_over_time(x[15m:1m]) >= 16",
]


@pytest.mark.parametrize(("expr", "template", "facts"), SHAPES)
def test_a_shape_is_recognised(expr: str, template: str, facts: dict[str, Any]) -> None:
    """The template gets what it would have been told."""
    assert recognised(promql.parse(expr)) == (template, facts)


@pytest.mark.parametrize("expr", KEPT)
def test_what_no_template_gives_back_is_kept(expr: str) -> None:
    """A difference of a pair of parentheses is one."""
    parsed = promql.parse(expr)
    assert recognised(parsed) == ("promql", {"expr": parsed.text})


def test_every_finder_is_tried() -> None:
    """No template is listed that no shape here shows, and each exists."""
    assert {name for name, _ in FINDERS} == {template for _, template, _ in SHAPES}
    assert {name for name, _ in FINDERS} < set(TEMPLATES)


PARTS = st.sampled_from(["x", "rate(x_total[5m])", "sum by (a) (rate(y_total[5m]))", "a / b", "-x", "(x)", "x{a='b'}"])
NUMBERS = st.one_of(st.integers(-(10**18), 10**18), st.floats(allow_nan=False))
COMPARISONS = st.sampled_from(["<", ">", "<=", ">=", "==", "!="])


@st.composite
def expressions(draw: st.DrawFn) -> str:
    """Comparisons of all kinds, joined."""
    sides = [
        f"{draw(PARTS)} {draw(COMPARISONS)} {promql.number(draw(NUMBERS))}"
        for _ in range(draw(st.integers(min_value=1, max_value=2)))
    ]
    return draw(st.sampled_from([" and ", " or ", " unless "])).join(sides)


@given(st.one_of(expressions(), st.sampled_from(EXPRESSIONS).filter(lambda text: "`" not in text and "_0" not in text)))
def test_what_is_recognised_compiles_to_itself(text: str) -> None:
    """Whatever the expression, its template gives it back."""
    expr = promql.parse(text)
    name, facts = recognised(expr)
    plan = TEMPLATES[name].model_validate(facts).plan("x")
    assert (plan.expr.text, plan.recordings) == (expr.text, ())
