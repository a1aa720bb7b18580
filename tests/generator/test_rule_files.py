"""Rule files that Tocsin did not write: read as they are, checked at their places, never a crash."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from generator.checking import check_paths
from generator.checks import CHECKS
from generator.context import Server, Settings
from tests.generator.foreign import checked, found, rules
from tocsin import duration
from tocsin.problem import Problem

QUIET_ABSENT = "{alert: A, expr: 'absent(up{job=\"x\"})', for: 5m}"

# (check, severity, the text under the caret, rules)
FINDS = [
    ("annotation-template", "error", "$foo", "{alert: A, expr: up == 0, annotations: {summary: '{{ $foo }}'}}"),
    ("annotation-template", "error", "humanise", "{alert: A, expr: up == 0, annotations: {x: '{{ humanise 1.0 }}'}}"),
    ("annotation-template", "error", "$labels.a", "{alert: A, expr: up == 0, annotations: {x: '{{ $labels.a-b }}'}}"),
    ("annotation-template", "error", "{{ break", "{alert: A, expr: up == 0, annotations: {x: '{{ break }}'}}"),
    (
        "annotation-template",
        "error",
        "{{ printf",
        "{alert: A, expr: up == 0, annotations: {x: \"{{ printf '%d' 1 }}\"}}",
    ),
    (
        "annotation-template",
        "warning",
        "gt $v",
        "{alert: A, expr: x > 1, annotations: {x: '{{ if gt $value 5 }}a{{ end }}'}}",
    ),
    (
        "annotation-template",
        "warning",
        "eq $l",
        "{alert: A, expr: x > 1, annotations: {x: '{{ if eq $labels.a 5 }}a{{ end }}'}}",
    ),
    ("annotation-template", "warning", ".instance", "{alert: A, expr: up == 0, annotations: {x: '{{ .instance }}'}}"),
    ("constant-comparison", "warning", "count(up) == 0", "{alert: A, expr: x > 1 or count(up) == 0}"),
    ("constant-comparison", "warning", "rate(x_total[5m]) < 0", "{alert: A, expr: 'rate(x_total[5m]) < 0'}"),
    ("constant-comparison", "warning", "rate(x_total[5m]) >= 0", "{alert: A, expr: 'rate(x_total[5m]) >= 0'}"),
    ("constant-comparison", "warning", "up > 1", "{alert: A, expr: up > 1}"),
    ("constant-comparison", "warning", "x > 5 < 3", "{alert: A, expr: x > 5 < 3}"),
    ("constant-comparison", "warning", "hour() > 23", "{alert: A, expr: x > 1 and on () hour() > 23}"),
    ("counter-as-gauge", "warning", "delta(x_total[5m])", "{alert: A, expr: 'delta(x_total[5m]) > 1'}"),
    (
        "dropped-label",
        "warning",
        "$labels.b",
        "{alert: A, expr: sum by (a) (x) > 1, annotations: {x: '{{ $labels.b }}'}}",
    ),
    (
        "dropped-label",
        "warning",
        "$labels.b",
        "{alert: A, expr: 'absent(x)', for: 5m, annotations: {x: '{{ $labels.b }}'}}",
    ),
    (
        "dropped-label",
        "warning",
        "$labels.b",
        "{alert: A, expr: x * on (a) y > 1, annotations: {x: '{{ $labels.b }}'}}",
    ),
    ("duplicate-alert", "warning", "A", "{alert: A, expr: x == 0}, {alert: A, expr: x  ==  0}"),
    ("duplicate-record", "warning", "'a:b", "{record: 'a:b', expr: sum(up)}, {record: 'a:b', expr: sum(up)}"),
    ("experimental-function", "error", "sort_by_label", "{record: 'a:b', expr: 'sort_by_label(x, \"a\")'}"),
    ("experimental-function", "error", "limitk", "{record: 'a:b', expr: 'limitk(3, x)'}"),
    ("forgotten-absence", "error", "1h", "{alert: A, expr: 'present_over_time(x[1h]) unless x', for: 1h}"),
    (
        "forgotten-absence",
        "error",
        "2h",
        "{alert: A, expr: 'x > 5 and on () (present_over_time(y[1h]) unless y)', for: 2h}",
    ),
    (
        "forgotten-absence",
        "error",
        "1h",
        '{alert: A, expr: \'label_replace((present_over_time(y[1h]) unless y), "a", "", "", "") or x > 5\', for: 1h}',
    ),
    ("fragile-absent", "warning", "absent(x)", "{alert: A, expr: absent(x)}"),
    ("fragile-absent", "warning", "absent(", "{alert: A, for: 5m, expr: 'absent(x{a=~\"b|c\"})'}"),
    ("fragile-absent", "warning", "absent(", "{alert: A, for: 5m, expr: absent(sum by (a) (x))}"),
    ("gauge-as-counter", "warning", "rate(", "{alert: A, expr: 'rate(node_memory_MemFree_bytes[5m]) > 1'}"),
    ("gauge-as-counter", "warning", "rate(", "{alert: A, expr: 'rate(sum(x_total)[5m:]) > 1'}"),
    ("missing-comparison", "warning", "'rate(", "{alert: A, expr: 'rate(x_total[5m])'}"),
    ("missing-runbook", "warning", "A", "{alert: A, expr: x > 1, labels: {severity: page}}"),
    ("promql-syntax", "error", "sum(", "{alert: A, expr: sum(}"),
    ("promql-syntax", "error", "'x[5m]'", "{record: a, expr: 'x[5m]'}"),
    ("promql-syntax", "error", "'x{", "{alert: A, expr: 'x{a=~\"b**\"} > 1'}"),
    ("promql-syntax", "error", "'x{", "{alert: A, expr: 'x{a=~\"b{1001}\"} > 1'}"),
    ("record-order", "warning", "'a:b", "{alert: A, expr: 'a:b > 1'}, {record: 'a:b', expr: sum(up)}"),
    ("regex-equality", "warning", 'a=~"b"', "{alert: A, expr: 'x{a=~\"b\"} > 1'}"),
    ("regex-equality", "warning", 'a!~"b c"', "{alert: A, expr: 'x{a!~\"b c\"} > 1'}"),
    ("shadowed-alert", "warning", "B", "{alert: A, expr: x > 80}, {alert: B, expr: x > 90}"),
    ("short-rate-window", "info", "rate(x_total[30s])", "{alert: A, expr: 'rate(x_total[30s]) > 1'}"),
    ("unused-record", "info", "'a:b", "{record: 'a:b', expr: sum(up)}, {alert: A, expr: x > 1}"),
    ("value-in-label", "error", "$value", "{alert: A, expr: x > 1, for: 5m, labels: {v: '{{ $value }}'}}"),
    ("value-in-label", "warning", "$value", "{alert: A, expr: x > 1, labels: {v: '{{ $value | humanize }}'}}"),
    ("vector-matching", "warning", "sum by (a)", "{alert: A, expr: sum by (a) (x) / sum(y) > 1}"),
    ("vector-matching", "warning", "* on (i)", "{alert: A, expr: (count(x) > 1) * on (i) group_left () y}"),
    ("vector-matching", "warning", "* on (a)", "{alert: A, expr: 'x * on (a) group_left () sum by (a, b) (y) > 1'}"),
    ("vector-matching", "warning", "* ignoring (b)", "{alert: A, expr: 'x * ignoring (b) sum by (a, b) (y) > 1'}"),
]

# What widely used collections write and what is fine so, in words of our own.
SILENT = [
    QUIET_ABSENT,
    "{alert: Watchdog, expr: vector(1)}",
    '{alert: A, expr: \'ALERTS{alertname="B", alertstate="firing"}\'}',
    "{alert: A, expr: 'absent(up{job=\"x\"} == 1)', for: 15m}",
    "{alert: A, expr: 'x > 5 unless (present_over_time(y[1h]) unless y)', for: 2h}",
    "{alert: A, expr: '(present_over_time(y[1h]) unless y) or x > 5', for: 59m}",
    "{alert: A, expr: count(x) > 0}",
    "{alert: A, expr: (count(x) or vector(0)) == 0}",
    "{alert: A, expr: count by (v) (x) > 1, annotations: {s: '{{ $labels.v }}'}}",
    "{alert: A, expr: 'x / ignoring (instance, type) (y > 0) > 0.9 < 1', annotations: {s: '{{ $labels.job }}'}}",
    "{alert: A, expr: (x < 10) * on (instance) group_left (node) y, annotations: {s: '{{ $labels.node }}'}}",
    "{alert: A, expr: 'max by (n, p) (x) * on (n, p) group_left (o) topk by (n, p) (1, max by (n, p, o) (y)) > 0'}",
    "{alert: A, expr: 'sum(rate(x_total{c=~\"5..\"}[5m])) / (sum(rate(x_total[5m])) + sum(rate(y_total[5m]))) > 0.2'}",
    "{alert: A, expr: 'x > 0 and on (job) histogram_quantile(0.01, sum by (job, le) (rate(x_bucket[5m]))) < 604800'}",
    "{alert: A, expr: 'predict_linear(node_filesystem_free_bytes[6h], 4 * 24 * 3600) < 0'}",
    "{alert: A, expr: 'time() - max by (n) (x) > 43200', annotations: {s: '{{ \"43200\" | humanizeDuration }}'}}",
    '{alert: A, expr: \'label_replace(sum by (a) (x), "b", "$1", "a", "b") > 1\', annotations: {s: \'{{$labels.b}}\'}}',
    "{alert: A, expr: '100 - avg by (i) (rate(node_cpu_seconds_total{mode=\"idle\"}[5m])) * 100 > 80'}",
    "{alert: A, expr: 'increase(kube_pod_container_status_restarts_total[10m]) > 3'}",
    "{alert: A, expr: x > 1, labels: {t: '{{ if gt $value 2.0 }}a{{ else }}b{{ end }}'}}",
    '{alert: A, expr: x > 1, annotations: {s: \'{{ with query "up" }}{{ . | first | label "a" }}{{ end }}\'}}',
    "{alert: A, expr: x > 80, labels: {severity: info}}, {alert: A, expr: x > 90, labels: {severity: none}}",
    "{alert: A, expr: x > 1}, {alert: A, expr: y > 1}",
    "{record: 'a:b', expr: 'avg_over_time(c:d[30d])'}, {record: 'c:d', expr: sum(up)}",
    "{record: 'a:b', expr: 'holt_winters(x[10m], 0.3, 0.3)'}",
    "{record: 'a:b', expr: sum by (cluster) (x) - (sum by (cluster) (y) or vector(0))}",
    "{alert: 'Node is down', expr: up == 0, for: 0m, labels: {severity: 1, on: true}, annotations: {n: 5}}",
    '{alert: A, expr: "x # a comment\\n > 1"}',
]


@pytest.mark.parametrize(("check", "severity", "part", "items"), FINDS)
def test_check_finds(check: str, severity: str, part: str, items: str, tmp_path: Path) -> None:
    """Each gives exactly one problem, with a hint, at the very place."""
    text = rules(items)
    [problem] = found(text, tmp_path)
    assert (problem.check, problem.severity) == (check, severity)
    assert problem.hint
    line = text.splitlines()[problem.at.line - 1]
    assert line[problem.at.column - 1 :].startswith(part)


@pytest.mark.parametrize("items", SILENT)
def test_no_false_alarms(items: str, tmp_path: Path) -> None:
    """What people write and mean is left in peace."""
    assert found(rules(items), tmp_path) == []


def test_every_offline_check_is_tried() -> None:
    """The table has a case for each check but those about versions, intervals and names, which have tests below."""
    others = {"prometheus-version", "for-below-interval", "invalid-name"}
    assert {case[0] for case in FINDS} | others == {name for name, one in CHECKS.items() if not one.online}


def test_for_below_interval(tmp_path: Path) -> None:
    """The group's interval counts; without one nothing is known."""
    text = rules("{alert: A, expr: up == 0, for: 30s}")
    assert found(text, tmp_path) == []
    assert checks_of(found(text.replace("name: g", "name: g\n    interval: 1m"), tmp_path)) == ["for-below-interval"]


def test_scrape_interval_is_known_or_assumed(tmp_path: Path) -> None:
    """With the interval given, a short window is a warning; and what is long enough for it is fine."""
    text = rules("{alert: A, expr: 'rate(x_total[1m]) > 1'}")
    assert found(text, tmp_path, Settings(scrape_interval=duration.parse("15s"))) == []
    [problem] = found(text, tmp_path, Settings(scrape_interval=duration.parse("30s")))
    assert problem.severity == "warning"


@pytest.mark.parametrize(
    ("rule", "version", "what"),
    [
        ("{alert: A, expr: 'present_over_time(x[5m]) > 0'}", (2, 28), "present_over_time()"),
        ("{alert: A, expr: x > 1, keep_firing_for: 5m}", (2, 41), "keep_firing_for"),
        ("{alert: A, expr: '{\"a.b\"} > 1'}", (2, 53), "the name 'a.b'"),
        ("{record: 'a:b', expr: 'histogram_avg(x)'}", (2, 50), "histogram_avg()"),
        ("{record: 'a:b', expr: 'holt_winters(x[10m], 0.3, 0.3)'}", (3, 0), "holt_winters()"),
    ],
)
def test_prometheus_version(rule: str, version: tuple[int, int], what: str, tmp_path: Path) -> None:
    """What the version does not know is an error; one version off, it is fine."""
    [problem] = found(rules(rule), tmp_path, Settings(prometheus_version=version))
    assert problem.check == "prometheus-version"
    assert problem.message.startswith(what)
    other = (2, 55) if version == (3, 0) else (version[0], version[1] + 1) if version != (2, 53) else (3, 0)
    assert found(rules(rule), tmp_path, Settings(prometheus_version=other)) == []


def test_group_fields_of_a_version(tmp_path: Path) -> None:
    """Fields of the group are told once, at their key."""
    text = rules("{alert: A, expr: x > 1}, {alert: B, expr: x > 2}").replace("name: g", "name: g\n    query_offset: 1m")
    [problem] = [p for p in found(text, tmp_path, Settings(prometheus_version=(2, 45))) if p.check != "shadowed-alert"]
    assert (problem.check, problem.at.line, problem.at.column) == ("prometheus-version", 3, 5)


MALFORMED = [
    ("groups: 5", "value", "groups must be a list"),
    ("groups: [5]", "value", "a group must be a mapping"),
    ("groups: [{name: a, rules: 5}]", "value", "rules must be a list"),
    ("groups: [{name: a, rules: [5]}]", "value", "a rule must be a mapping"),
    ("groups: [{rules: []}]", "missing-key", "the group has no name"),
    ("groups: [{name: a}, {name: a}]", "duplicate-group", "there are two groups 'a'"),
    ("groups: [{name: a, rules: [{expr: up}]}]", "rule-kind", "the rule has no name"),
    ("groups: [{name: a, rules: [{alert: A}]}]", "missing-key", "the rule has no expr"),
    ("groups: [{name: a, rules: [{alert: A, expr: [up]}]}]", "value", "expr is not a text"),
    ("groups: [{name: a, rules: [{alert: A, expr: up == 0, for: 5}]}]", "value", "for: '5' is not a duration"),
    (
        "groups: [{name: a, rules: [{alert: A, expr: up == 0, sverity: b}]}]",
        "unknown-key",
        "a rule has no key 'sverity'",
    ),
    ("groups: [{name: a, rules: [{alert: A, expr: up == 0, labels: [a]}]}]", "value", "labels must be a mapping"),
    ("groups: [{name: a, concurrency: 2, rules: []}]", "unknown-key", "'concurrency' is not Prometheus's"),
    (
        f"groups: [{{name: a, rules: [{{alert: A, expr: {'(' * 2000}up{')' * 2000} == 0}}]}}]",
        "value",
        "too long or nests too deep",
    ),
    ("groups: []\nrules: []", "unknown-key", "a rule file has no key 'rules'"),
    ("- a", "kind", "holds neither a rulepack nor Prometheus rules"),
    ("kind: Deployment", "kind", "kind 'Deployment' holds no rules"),
    ("rule_files: [a]\ntests: []", "kind", "holds promtool's unit tests"),
    ("{{- if .Values.x }}\ngroups: []\n{{- end }}", "kind", "is a template"),
    ("groups:\n- name: a\n  rules:\n  - alert: A\n    expr: {{ .Values.x }}", "kind", "is a template"),
    ("ALERT X\n  IF up == 0\n  FOR 5m", "kind", "Prometheus 1.x"),
    ("groups:\n- name: 'a\n  rules: []", "yaml", "not valid YAML"),
    (
        'groups: [{name: a, rules: [{alert: A, expr: \'sum(rate({a="b"} |= "c" [5m])) > 1\'}]}]',
        "promql-syntax",
        "LogQL",
    ),
]


@pytest.mark.parametrize(("text", "check", "message"), MALFORMED)
def test_malformed_files_give_one_clear_problem(text: str, check: str, message: str, tmp_path: Path) -> None:
    """Each mistake is one problem with its line and a way out."""
    [problem] = found(text, tmp_path)
    assert problem.check == check
    assert message in problem.message
    assert problem.hint
    assert problem.at.line


def test_kubernetes_documents(tmp_path: Path) -> None:
    """Several documents, other kinds between them, a List: places are those of the file."""
    text = dedent("""\
        kind: ConfigMap
        data: {groups: x}
        ---
        apiVersion: monitoring.coreos.com/v1
        kind: PrometheusRule
        metadata: {name: a}
        spec:
          groups:
            - name: g
              rules:
                - alert: A
                  expr: sum(
        ---
        kind: List
        items:
          - kind: PrometheusRule
            spec: {groups: [{name: g, rules: [{alert: B, expr: up > 1}]}]}
        """)
    assert [(p.check, p.rule, p.at.line) for p in found(text, tmp_path)] == [
        ("promql-syntax", "A", 12),
        ("constant-comparison", "B", 17),
    ]


def test_a_folder_holds_what_it_holds(tmp_path: Path) -> None:
    """Rule files and packs side by side are checked; other YAML is passed over; a template is a warning there."""
    (tmp_path / "rules.yml").write_text(rules("{alert: A, expr: up > 1}"))
    (tmp_path / "values.yaml").write_text("groups: {a: b}\n")
    (tmp_path / "chart.yaml").write_text("{{- if .Values.x }}\n- alert: X\n{{- end }}\n# groups\n")
    outcome = check_paths([tmp_path], Settings())
    assert sorted((p.check, p.severity) for p in outcome.problems) == [
        ("constant-comparison", "warning"),
        ("kind", "warning"),
    ]
    assert outcome.counted == "1 rule file, 1 rule"


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | st.text(max_size=6)
ODD = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(max_size=3), SCALARS, max_size=2)
BASE: dict[str, Any] = {"name": "g", "interval": "1m", "limit": 1, "labels": {"a": "b"}}
RULE: dict[str, Any] = {"alert": "A", "expr": "up == 0", "for": "5m", "labels": {"a": "b"}, "annotations": {"c": "d"}}


@given(key=st.sampled_from([*BASE, *(f"rule.{key}" for key in RULE), "rules", "rule.record"]), value=ODD)
def test_any_value_in_any_place(key: str, value: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever stands there, it is read or it is a problem with a hint: never a traceback."""
    group, rule = dict(BASE), dict(RULE)
    (rule if key.startswith("rule.") else group)[key.removeprefix("rule.")] = value
    group.setdefault("rules", [rule])
    text = yaml.safe_dump({"groups": [group]}, allow_unicode=True)
    for problem in found(text, tmp_path_factory.mktemp("rules")):
        assert problem.message
        assert problem.hint


@given(text=st.text(alphabet="{}$.|()\"'`-= abLabelsvalueifend%:#\n", max_size=40))
def test_any_template(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Any annotation is read, or has problems."""
    rule = {**RULE, "annotations": {"summary": f"{{{{ {text} }}}}"}}
    found(yaml.safe_dump({"groups": [{"name": "g", "rules": [rule]}]}), tmp_path_factory.mktemp("rules"))


def checks_of(problems: list[Problem]) -> list[str]:
    return [problem.check for problem in problems]


def test_online_checks_read_the_answers(tmp_path: Path) -> None:
    """Which part of a selector finds nothing, which metric is of another type, which selector reads very many."""
    server = Server(
        counts={'up{jbo="x"}': 0, "up": 3, 'up{jbo!=""}': 0, "depth": 20_000, "gone": 0, "quiet": 0},
        types={"depth": "gauge"},
    )
    text = rules(
        "{alert: A, expr: 'up{jbo=\"x\"} == 0'}, {alert: B, expr: 'rate(depth[5m]) > 1'},"
        "{alert: C, expr: absent(gone), for: 5m}, {record: quiet, expr: depth}, {alert: D, expr: quiet > 1}"
    )
    problems = checked(text, tmp_path, Settings(server=server))
    assert [(p.check, p.rule) for p in problems if p.rule != "quiet"] == [
        ("unknown-series", "A"),
        ("high-cardinality", "B"),
        ("metric-type", "B"),
    ]
    assert "up has no label jbo" in problems[0].message
