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
    ("threshold: {expr: a > 1, below: 5}", "(a > 1) < 5"),
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
    ("range: {expr: a or b, low: -1, high: 1}", "(a or b) < -1 or (a or b) > 1"),
    ("range: {expr: a, low: 1, high: 2, fires: inside}", "(a >= 1) <= 2"),
    (
        "rate_of_change: {expr: a, rises_faster_than: 2, falls_faster_than: 3}",
        "(deriv(a[15m]) > 2 or deriv(a[15m]) < -3) and count_over_time(a[15m:45s]) >= 16",
    ),
    (
        "rate_of_change: {expr: 'rate(a_total[5m])', window: 1h, falls_faster_than: 3, per: 1h}",
        "deriv(tocsin:test:value[1h]) * 3600 < -3 and count_over_time(tocsin:test:value[1h:3m]) >= 16",
    ),
    (
        "ratio: {errors: 'sum(rate(e[5m]))', total: t, above: 0.05}",
        "sum(rate(e[5m])) / t > 0.05 and sum(rate(e[5m])) > 0.005",
    ),
    (
        "ratio: {errors: 'increase(e[5m])', total: t, above: 0.05}",
        "increase(e[5m]) / t > 0.05 and increase(e[5m]) > 1.5",
    ),
    ("ratio: {errors: 'rate(e[5m])', total: t, above: 0.05, minimum_errors: 0}", "rate(e[5m]) / t > 0.05"),
    ("ratio: {errors: 'rate(e[5m])', total: t, above: 0.1, minimum: 2}", "rate(e[5m]) / t > 0.1 and t >= 2"),
    (
        "ratio: {errors: 'sum(rate(e[1m])) or vector(0)', total: t, above: 0.05}",
        "(sum(rate(e[1m])) or vector(0)) / t > 0.05 and (sum(rate(e[1m])) or vector(0)) > 0.025",
    ),
    ("ratio: {errors: 'rate(a[5m]) / rate(b[5m])', total: t, above: 0.5}", "(rate(a[5m]) / rate(b[5m])) / t > 0.5"),
    ("ratio: {errors: 'max(rate(e[5m]))', total: t, above: 0.05}", "max(rate(e[5m])) / t > 0.05"),
    ("comparison: {expr: a, above: 2}", "tocsin:test:value / (tocsin:test:earlier_median > 0) > 2"),
    (
        "comparison: {expr: a, season: 1d, below: 0.5, minimum: 7}",
        "tocsin:test:value / tocsin:test:earlier_median < 0.5 and tocsin:test:earlier_median >= 7",
    ),
    ("quantile: {histogram: d, above: 1}", "histogram_quantile(0.99, sum by (le) (rate(d_bucket[5m]))) > 1"),
    (
        'quantile: {histogram: \'d{a!="b",c=~"d|e"}\', kind: native, quantile: 0.5, by: [f], above: 1, minimum: 2}',
        'histogram_quantile(0.5, sum by (f) (rate(d{a!="b",c=~"d|e"}[5m]))) > 1'
        ' and histogram_count(sum by (f) (rate(d{a!="b",c=~"d|e"}[5m]))) >= 2',
    ),
    (
        "saturation: {used: u, capacity: c + d, full_within: 1h}",
        "(u / (c + d > 0) > 0.5 and predict_linear(u[6h], 3600) >= c + d) and count_over_time(u[6h:18m]) >= 16",
    ),
    (
        "saturation: {free: sum(f), capacity: sum(c), used_above: 0, window: 1h}",
        "(1 - tocsin:test:free / (sum(c) > 0) > 0 and predict_linear(tocsin:test:free[1h], 86400) <= 0)"
        " and count_over_time(tocsin:test:free[1h:3m]) >= 16",
    ),
    ("forecast: {query: q, horizon: 7d, below: 5}", 'tocsin_forecast{horizon="7d",query="q"} < 5'),
    (
        "forecast: {query: q, horizon: 1h, above: 5, bound: lower, matchers: {a: =~b.*}}",
        'tocsin_forecast_lower{a=~"b.*",horizon="1h",query="q"} > 5',
    ),
    (
        "forecast: {query: q, threshold: full, horizon: 4h, matchers: {a: b}}",
        'tocsin_time_to_threshold_seconds{a="b",query="q",threshold="full"} < 14400',
    ),
    (
        "forecast: {query: q, threshold: full, horizon: 90s, bound: upper}",
        'tocsin_time_to_threshold_upper_seconds{query="q",threshold="full"} < 90',
    ),
    (
        "forecast: {rule: R, horizon: 4h}",
        'tocsin_breach_probability{horizon="4h",rule="R"} > 0.8',
    ),
    ("forecast: {engine: promql, expr: a, horizon: 1h, above: 5}", "tocsin:test:forecast > 5"),
    ("forecast: {engine: promql, expr: a, season: 1d, horizon: 1h, below: 0}", "tocsin:test:forecast < 0"),
    ("composite: {all: [a > 1, b > 2, c > 3]}", "(a > 1 and b > 2) and c > 3"),
    ("composite: {any: [a > 1, b > 2], by: []}", "a > 1 or on () b > 2"),
    ("composite: {all: [a or b], unless: [c, d or e], by: [x]}", "((a or b) unless on (x) c) unless on (x) (d or e)"),
    (
        "composite: {all: [{forecast: {query: q, horizon: 1h, above: 5}}, {absence: {selector: up}}]}",
        'tocsin_forecast{horizon="1h",query="q"} > 5 and absent(up)',
    ),
    (
        "composite: {at_least: 2, of: [a > 1, b > 1], by: [x]}",
        'count without (tocsin_condition) ( label_replace(group by (x) (a > 1), "tocsin_condition", "1", "", "")'
        ' or label_replace(group by (x) (b > 1), "tocsin_condition", "2", "", "") ) >= 2',
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
    ("anomaly: {engine: promql, query: b}", "query: belongs to engine exporter, and the alert has"),
    ("anomaly: {engine: prophet, query: a, expr: b}", "Input should be 'exporter' or 'promql'"),
    ("anomaly: {query: a, expr: b, seasn: 1d}", "unknown key 'seasn'"),
    ("anomaly: {query: a, direction: up}", "the exporter's score says how far a value is from what was expected"),
    ("anomaly: {query: a b}", "query: String should match pattern"),
    ("anomaly: {query: a, above: 0}", "above: 0 leaves nothing to compare with"),
    ("anomaly: {query: a, matchers: {query: b}}", "matchers: the query is a fact of its own"),
    ("anomaly: {query: a, matchers: {b-c: d}}", "'b-c' is not a label"),
    ("anomaly: {query: a, matchers: {__name__: d}}", "'__name__' is not a label"),
    ("anomaly: {query: a, matchers: {b: '=~('}}", "matchers.b: illegal regex"),
    ("anomaly: {query: a, matchers: [b]}", "matchers: must be a mapping"),
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
    ("range: {expr: a, low: 5, high: 5}", "low 5 is not below high 5"),
    ("range: {expr: a, low: 5}", "the key 'high' is missing"),
    ("range: {expr: a, low: 1, high: 5, fires: within}", "Input should be 'outside' or 'inside'"),
    ("range: {expr: 'a[5m]', low: 1, high: 5}", "only scalar and instant vector"),
    ("rate_of_change: {expr: a}", "has neither rises_faster_than nor falls_faster_than"),
    ("rate_of_change: {expr: a_total, rises_faster_than: 1}", "a_total is a counter"),
    ("rate_of_change: {expr: a, falls_faster_than: -1}", "-1 is no speed"),
    ("rate_of_change: {expr: a, rises_faster_than: 1, window: 5s}", "5s is too short a window"),
    ("rate_of_change: {expr: a, rises_faster_than: 1, per: 0s}", "0s is no time to change in"),
    ("rate_of_change: {expr: 'a[5m]', rises_faster_than: 1}", "only scalar and instant vector"),
    ("ratio: {errors: e, total: t, above: 0.1, minimum_errors: -1}", "-1 is no number of errors"),
    ("comparison: {expr: a}", "has neither above nor below"),
    ("comparison: {expr: a, above: 1}", "1 is no more than then"),
    ("comparison: {expr: a, below: 1.5}", "1.5 is no less than then"),
    ("comparison: {expr: a, below: 0.5, season: 2d}", "2d is not a season"),
    ("comparison: {expr: a, below: 0.5, minimum: 0}", "0 keeps nothing out"),
    ("comparison: {expr: a, below: 0.5, around: 1m}", "1m is too short to even out noise"),
    ("comparison: {expr: 'a[5m]', below: 0.5}", "only scalar and instant vector"),
    ("quantile: {histogram: d}", "the key 'above' is missing"),
    ("quantile: {histogram: d, above: 1, quantile: 99}", "99 is no quantile"),
    ("quantile: {histogram: 'rate(d[5m])', above: 1}", "not a plain selector"),
    ("quantile: {histogram: '{job=\"a\"}', above: 1}", "has no name"),
    ("quantile: {histogram: 'd{le=\"1\"}', above: 1}", "picks buckets by le"),
    ("quantile: {histogram: d, above: 1, by: [le]}", "tells buckets apart"),
    ("quantile: {histogram: d, above: 1, by: [a-b]}", "'a-b' is not a label"),
    ("quantile: {histogram: d_bucket, kind: native, above: 1}", "d_bucket is a series of a classic histogram"),
    ("quantile: {histogram: d, above: 1, minimum: 0}", "0 keeps nothing out"),
    ("saturation: {capacity: c}", "has neither used nor free"),
    ("saturation: {used: u, free: f, capacity: c}", "has used and free"),
    ("saturation: {used: u}", "the key 'capacity' is missing"),
    ("saturation: {used: u, capacity: c, used_above: 60}", "60 is no share of the capacity"),
    ("saturation: {used: u, capacity: c, full_within: 0s}", "0s is now"),
    ("forecast: {horizon: 1h, above: 1}", "has neither query nor rule"),
    ("forecast: {query: q, rule: r, horizon: 1h, above: 1}", "has query and rule"),
    ("forecast: {query: q, above: 1}", "the key 'horizon' is missing"),
    ("forecast: {query: q, horizon: 1h}", "has neither above nor below"),
    ("forecast: {query: q, horizon: 1h, above: 1, below: 0}", "has above and below"),
    ("forecast: {query: q, horizon: 0s, above: 1}", "0s is not ahead"),
    ("forecast: {query: q, horizon: 1h, above: 1, season: 1d}", "season: belongs to engine promql"),
    ("forecast: {query: q, horizon: 1h, above: 1, probability: 0.5}", "probability does not go with query"),
    ("forecast: {query: q, horizon: 1h, above: 1, threshold: t}", "has above and threshold"),
    ("forecast: {rule: r, horizon: 1h, threshold: t}", "threshold does not go with rule"),
    ("forecast: {engine: promql, expr: a, horizon: 1h, threshold: t}", "threshold: belongs to engine exporter"),
    ("forecast: {rule: r, horizon: 1h, above: 1}", "above does not go with rule"),
    ("forecast: {rule: r, horizon: 1h, probability: 80}", "80 is no probability to exceed"),
    ("forecast: {query: q, horizon: 1h, above: 1, matchers: {horizon: 2h}}", "horizon is a fact of its own"),
    ("forecast: {engine: promql, horizon: 1h, above: 1}", "engine promql needs the key 'expr'"),
    ("forecast: {engine: promql, rule: r, horizon: 1h, above: 1}", "rule: belongs to engine exporter"),
    ("forecast: {engine: promql, expr: a, season: 1d, horizon: 1d, above: 1}", "1d ago has not seen 1d ahead"),
    ("forecast: {engine: promql, expr: a, season: 1d, window: 1h, horizon: 1h, above: 1}", "has window and season"),
    ("composite:", "has no conditions"),
    ("composite: {all: [a > 1], any: [b > 1]}", "has all and any"),
    ("composite: {of: [a > 1]}", "of stands alone"),
    ("composite: {all: [a > 1], at_least: 1}", "at_least stands alone"),
    ("composite: {of: [a > 1], at_least: 2}", "2 conditions can never hold"),
    ("composite: {of: [a > 1], at_least: 1.5}", "1.5 is no number of conditions"),
    ("composite: {all: [{}]}", "all.0: has no template"),
    ("composite: {all: ['sum(']}", "all.0: PromQL"),
    ("composite: {all: [5]}", "all.0: must be a mapping"),
    ("composite: {all: [{ratio: {errors: e, total: t, above: 5}}]}", "all.0.ratio.above: 5 is never exceeded"),
    ("composite: {all: [{heartbeat: {}}]}", "unknown key 'all.0.heartbeat'"),
    ("composite: {all: [{threshold: {expr: a, above: 1}, promql: {expr: b}}]}", "has promql and threshold"),
    ("composite: {all: [a > 1], by: [a-b]}", "'a-b' is not a label"),
    ("heartbeat: {every: 1m}", "unknown key 'every'"),
    ("promql: {}", "the key 'expr' is missing"),
]


@pytest.mark.parametrize(("template", "expression"), EXPRESSIONS)
def test_template_compiles(template: str, expression: str, tmp_path: Path) -> None:
    """The facts of a template become one expression."""
    compiled = compile_text(pack(alert(template)), tmp_path)
    [*_, rule] = compiled.packs[0].rules
    assert " ".join(rule.expr.text.split()) == expression
    assert not [problem for problem in compiled.problems if problem.severity != "info"]


@pytest.mark.parametrize(("template", "message"), REFUSED)
def test_template_refuses(template: str, message: str, tmp_path: Path) -> None:
    """Facts that cannot work are one problem, of the alert that they belong to."""
    compiled = compile_text(pack(alert(template)), tmp_path)
    [(_, _, what)] = shown(compiled.problems)
    assert message in what
    assert compiled.problems[0].rule == "Test"
    assert compiled.problems[0].hint


# (an alert that asks the question of every engine, its last rule with engine exporter, and with promql)
EITHER = [
    (
        "anomaly: {engine: ENGINE, query: q, matchers: {a: b}, expr: x, minimum_deviation: 1, direction: up}",
        'tocsin_anomaly_score{a="b",query="q"} > 1',
        "tocsin:test:value > tocsin:test:median + clamp_min(5.9304 * tocsin:test:mad, 1)",
    ),
    (
        "forecast: {engine: ENGINE, horizon: 1h, above: 5, query: q, bound: lower, expr: x, window: 3h}",
        'tocsin_forecast_lower{horizon="1h",query="q"} > 5',
        "tocsin:test:forecast > 5",
    ),
    (
        "forecast: {engine: ENGINE, horizon: 1h, above: 5, query: q, expr: x, season: 1d}",
        'tocsin_forecast{horizon="1h",query="q"} > 5',
        "tocsin:test:forecast > 5",
    ),
]


@pytest.mark.parametrize(("template", "exporter", "promql"), EITHER)
def test_an_alert_serves_either_engine(template: str, exporter: str, promql: str, tmp_path: Path) -> None:
    """Where every engine has its question, the one that is named asks its own, and the others' facts do no harm."""
    for engine, expression in (("exporter", exporter), ("promql", promql)):
        compiled = compile_text(pack(alert(template.replace("ENGINE", engine))), tmp_path)
        [*_, rule] = compiled.packs[0].rules
        assert " ".join(rule.expr.text.split()) == expression


def test_every_template_is_tried() -> None:
    """Both tables have a case for every template that exists."""
    for table in (EXPRESSIONS, REFUSED):
        assert {template.partition(":")[0] for template, _ in table} == set(TEMPLATES)
