"""What each template compiles to, and which facts it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.templates import TEMPLATES
from tests.generator.packs import alert, compile_text, pack, shown

# (the template as written, the expression as compiled)
EXPRESSIONS = [
    ("threshold: {expr: up, equals: 0}", "up == 0"),
    ("threshold: {expr: up, differs_from: 1}", "up != 1"),
    ("threshold: {expr: a or b, above: 90}", "(a or b) > 90"),
    ("threshold: {expr: '100 * (1 - x)', above: 90}", "100 * (1 - x) > 90"),
    ("threshold: {expr: a > 1, below: 0.5}", "(a > 1) < 0.5"),
    ("threshold: {expr: -x, at_least: -5}", "-x >= -5"),
    ("threshold: {expr: x, at_most: 1e9}", "x <= 1000000000"),
    ("threshold: {expr: x, above: .inf}", "x > Inf"),
    ("ratio: {errors: e, total: t, above: 0.05}", "e / t > 0.05"),
    ("ratio: {errors: e, total: t, above: 0}", "e / t > 0"),
    ("ratio: {errors: e, total: t, above: 0.05, minimum: 0.1}", "e / t > 0.05 and t >= 0.1"),
    ("ratio: {errors: a - b, total: a + c, above: 0.5}", "(a - b) / (a + c) > 0.5"),
    ("ratio: {errors: a or b, total: t, above: 0.5, minimum: 2}", "(a or b) / t > 0.5 and t >= 2"),
    ("absence: {selector: 'up{job=\"api\"}'}", 'absent(up{job="api"})'),
    ("absence: {selector: up, seen_within: 1h30m}", "present_over_time(up[1h30m]) unless up"),
    ("heartbeat:", "vector(1)"),
    ("heartbeat: {}", "vector(1)"),
    ("promql: {expr: a and b}", "a and b"),
    ("promql: {expr: 'a  >1 # why'}", "a > 1"),
]

# (the template as written, part of the message)
REFUSED = [
    ("threshold: {expr: up}", "has no limit"),
    ("threshold: {expr: up, above: 1, below: 0}", "has above and below"),
    ("threshold: {expr: up, above: much}", "'much' is not a number"),
    ("threshold: {expr: up, above: true}", "True is not a number"),
    ("threshold: {expr: up, above: .nan}", "nan is not a number"),
    ("threshold: {above: 1}", "the key 'expr' is missing"),
    ("ratio: {errors: e, total: t, above: 5}", "5 is never exceeded by a part of the whole"),
    ("ratio: {errors: e, total: t, above: -0.1}", "-0.1 is always exceeded"),
    ("ratio: {errors: e, total: t, above: 0.1, minimum: 0}", "0 keeps nothing out"),
    ("ratio: {errors: e, above: 0.1}", "the key 'total' is missing"),
    ("absence: {selector: 'rate(up[5m])'}", "not a plain selector"),
    ("absence: {selector: up offset 5m}", "not a plain selector"),
    ("absence: {selector: up, seen_within: 0s}", "looks back on nothing"),
    ("heartbeat: {every: 1m}", "unknown key 'every'"),
    ("promql: {}", "the key 'expr' is missing"),
]


@pytest.mark.parametrize(("template", "expression"), EXPRESSIONS)
def test_template_compiles(template: str, expression: str, tmp_path: Path) -> None:
    """The facts of a template become one expression."""
    compiled = compile_text(pack(alert(template)), tmp_path)
    [rule] = compiled.packs[0].rules
    assert rule.expr.text == expression
    assert not compiled.problems


@pytest.mark.parametrize(("template", "message"), REFUSED)
def test_template_refuses(template: str, message: str, tmp_path: Path) -> None:
    """Facts that cannot work are one problem, of the alert that they belong to."""
    compiled = compile_text(pack(alert(template)), tmp_path)
    [(_, _, what)] = shown(compiled.problems)
    assert message in what
    assert compiled.problems[0].rule == "Test"


def test_every_template_is_tried() -> None:
    """Both tables have a case for every template that exists."""
    for table in (EXPRESSIONS, REFUSED):
        assert {template.partition(":")[0] for template, _ in table} == set(TEMPLATES)
