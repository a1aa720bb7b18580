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
    ("anomaly: {query: a}", 'tocsin_anomaly_score{query="a"} > 1'),
    (
        "anomaly: {query: a.b:c-d, above: 2.5, matchers: {region: eu, n: 5, path: 'a\\b\"c'}}",
        'tocsin_anomaly_score{n="5",path="a\\\\b\\"c",query="a.b:c-d",region="eu"} > 2.5',
    ),
    (
        "anomaly: {query: a, matchers: {a: =~b|c, d: '!=e', f: '!~g.*', h: ''}}",
        'tocsin_anomaly_score{a=~"b|c",d!="e",f!~"g.*",h="",query="a"} > 1',
    ),
    (
        "anomaly: {engine: promql, expr: a, direction: up, minimum_deviation: 5}",
        "tocsin:test:value > tocsin:test:median + clamp_min(5.9304 * tocsin:test:mad, 5)",
    ),
    (
        "anomaly: {engine: promql, expr: a, method: deviation, direction: down, deviations: 2.5}",
        "tocsin:test:value < tocsin:test:mean - 2.5 * (tocsin:test:stddev > 0.000000001 * abs(tocsin:test:mean))",
    ),
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
    ("anomaly:", "engine exporter needs the key 'query'"),
    ("anomaly: {engine: promql}", "engine promql needs the key 'expr'"),
    ("anomaly: {engine: prophet, expr: a, query: b}", "Input should be 'exporter' or 'promql'"),
    ("anomaly: {expr: a}", "expr: belongs to engine promql, and the alert has engine exporter"),
    ("anomaly: {query: a, season: nonsense}", "season: belongs to engine promql"),
    ("anomaly: {engine: promql, expr: a, query: b}", "query: belongs to engine exporter, and the alert has"),
    ("anomaly: {query: a, direction: up}", "the exporter's score says how far a value is from what was expected"),
    ("anomaly: {query: a b}", "query: String should match pattern"),
    ("anomaly: {query: a, above: 0}", "above: 0 leaves nothing to compare with"),
    ("anomaly: {query: a, matchers: {query: b}}", "matchers: the query is a fact of its own"),
    ("anomaly: {query: a, matchers: {b-c: d}}", "'b-c' is not a label"),
    ("anomaly: {query: a, matchers: {__name__: d}}", "'__name__' is not a label"),
    ("anomaly: {query: a, matchers: {b: '=~('}}", "matchers.b: illegal regex"),
    ("anomaly: {query: a, matchers: [b]}", "matchers: Input should be a valid dictionary"),
    ("anomaly: {query: a, wndow: 1d}", "unknown key 'wndow'"),
    ("anomaly: {engine: promql, expr: 'up[5m]'}", "must contain only scalar and instant vector"),
    ("anomaly: {engine: promql, expr: 5}", "comparisons between scalars"),
    ("anomaly: {engine: promql, expr: 'sum('}", "PromQL: "),
    ('anomaly: {engine: promql, expr: \'a{b="1" or c="2"}\'}', "'or' between matchers is not Prometheus's"),
    ("anomaly: {engine: promql, expr: a, method: mean}", "Input should be 'mad' or 'deviation'"),
    ("anomaly: {engine: promql, expr: a, window: 5m}", "window: 5m is too short to show what is usual"),
    ("anomaly: {engine: promql, expr: a, window: 5}", "5 is not a duration"),
    ("anomaly: {engine: promql, expr: a, season: 36h}", "season: 1d12h is not a season"),
    ("anomaly: {engine: promql, expr: a, season: 0s, periods: 2}", "season: 0s is not a season"),
    ("anomaly: {engine: promql, expr: a, periods: 2}", "periods: counts earlier seasons, and there is no season"),
    ("anomaly: {engine: promql, expr: a, season: 1d, periods: 0}", "periods: 0 is no number of earlier seasons"),
    ("anomaly: {engine: promql, expr: a, season: 1d, periods: 2.5}", "periods: 2.5 is no number of earlier seasons"),
    ("anomaly: {engine: promql, expr: a, season: 1w, periods: 9}", "periods: 9 is no number of earlier seasons"),
    ("anomaly: {engine: promql, expr: a, deviations: 0}", "deviations: 0 leaves nothing to compare with"),
    ("anomaly: {engine: promql, expr: a, deviations: .inf}", "deviations: +Inf leaves nothing to compare with"),
    ("anomaly: {engine: promql, expr: a, minimum_deviation: -1}", "minimum_deviation: -1 leaves nothing"),
    ("anomaly: {engine: promql, expr: a, direction: sideways}", "Input should be 'up', 'down' or 'both'"),
    ("heartbeat: {every: 1m}", "unknown key 'every'"),
    ("promql: {}", "the key 'expr' is missing"),
]


@pytest.mark.parametrize(("template", "expression"), EXPRESSIONS)
def test_template_compiles(template: str, expression: str, tmp_path: Path) -> None:
    """The facts of a template become one expression."""
    compiled = compile_text(pack(alert(template)), tmp_path)
    [*_, rule] = compiled.packs[0].rules
    assert " ".join(rule.expr.text.split()) == expression
    assert not compiled.problems


@pytest.mark.parametrize(("template", "message"), REFUSED)
def test_template_refuses(template: str, message: str, tmp_path: Path) -> None:
    """Facts that cannot work are one problem, of the alert that they belong to."""
    compiled = compile_text(pack(alert(template)), tmp_path)
    [(_, _, what)] = shown(compiled.problems)
    assert message in what
    assert compiled.problems[0].rule == "Test"
    assert compiled.problems[0].hint


def test_every_template_is_tried() -> None:
    """Both tables have a case for every template that exists."""
    for table in (EXPRESSIONS, REFUSED):
        assert {template.partition(":")[0] for template, _ in table} == set(TEMPLATES)
