"""Files as they are found in the wild: judged as Prometheus judges them, and other products' told in one sentence."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from generator.checking import check_paths
from generator.context import Settings
from tests import real
from tests.generator.foreign import rules
from tocsin.problem import Problem, has_errors


def found(file: Path, text: str | bytes) -> tuple[Problem, ...]:
    """What is said of a file that is named."""
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return check_paths([file], Settings()).problems


def alert(rest: str) -> str:
    return f"groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n    {rest}\n"


def group(rest: str) -> str:
    return f"groups:\n- name: g\n  {rest}\n  rules:\n  - alert: A\n    expr: up == 0\n"


WHOLE = [
    "",
    "# nothing\n",
    "groups:\n",
    "groups: []\n",
    "groups:\n- name: g\n",
    "groups:\n- name: g\n  rules:\n",
    "groups:\n- rules: []\n",
    "groups: []\ngroups: []\n",
    "---\ngroups:\n- name: g\n  rules: []\n---\n",
    "groups:\n- {name: g, rules: []}\n- {name: g, rules: []}\n",
    "\ufeffgroups:\n- name: g\n  rules: []\n",
    "groups:\r\n- name: g\r\n  rules:\r\n  - alert: A\r\n    expr: |\r\n      up\r\n      == 0\r\n",
    "groups:\n- name: g\n\trules: []\n",
    "x: &c {severity: a}\ngroups: []\n",
    "groups:\n- name: g\n  rules:\n  - {record: a, expr: up, for: 0s}\n",
    "groups:\n- name: g\n  rules:\n  - {record: a, expr: up, for: 5m}\n",
    "groups:\n- name: g\n  rules:\n  - {record: a, expr: up, annotations: {}}\n",
    "groups:\n- name: g\n  rules:\n  - {record: a, expr: .inf}\n",
    "groups:\n- name: g\n  rules:\n  - {record: a, expr: 0.999}\n",
    "groups:\n- name: g\n  rules:\n  - {record: 'a{b=\"c\"}', expr: up}\n",
    "groups:\n- name: g\n  rules:\n  - {record: a-b, expr: up}\n",
    "groups:\n- name: g\n  rules:\n  - {alert: A, record: a, expr: up}\n",
    "groups:\n- name: g\n  rules:\n  - &a {alert: A, expr: up == 0, labels: {a: b}}\n  - {<<: *a, alert: B}\n",
    *map(
        group,
        ("limit: 10", "limit: ten", "limit: '10'", "limit: 1.5", "interval: 30", "interval: 0s", "labels: {a: b}"),
    ),
    *map(group, ("query_offset: 30s", "query_offset: -1m", "query_offset: x", "color: red")),
    *map(
        alert, ("for: 0", "for: 5", "for: 1h30m", "for: 1.5h", "for: -5m", 'for: ""', "for:", "for: 400y", "for: 5min")
    ),
    *map(alert, ("keep_firing_for: 5m", "labels: {severity: 1, on: true, tier: 2.50}", "labels: {}", "labels: [a]")),
    *map(alert, ("labels: {__name__: x}", 'labels: {"": x}', "labels: {a-b: x}", "labels: {a: {b: c}}", "color: red")),
    *map(alert, ("annotations: {a-b: x}", "annotations: {s: '{{ .foo }}'}", "annotations: {s: '{{ $foo }}'}")),
    *map(
        alert,
        (
            "annotations: {s: '{{ break }}'}",
            "annotations: {s: \"{{ printf '%d' 1 }}\"}",
            "annotations: {s: '{{ \"{{\" }}'}",
        ),
    ),
]

EXPRESSIONS = [
    *(
        "rate(x[5m] offset -5m) > 1",
        "x @ end() > 1",
        "x @ start() > 1",
        "max_over_time(x[5m:]) > 1",
        "rate(x[1h30m]) > 1",
    ),
    *(
        "x offset 0s > 1",
        "x > 1_000",
        "x{a=`b\\d`} > 1",
        "x{a=~`b\\d+`} > 1",
        "x{a='b'} > 1",
        'x{a="b",} > 1',
        "x > 0x1F",
    ),
    *('{"a.b", job="x"} > 1', 'sum by ("a.b") (x) > 1', 'x{a=~"("} > 1', 'x{a=~"a**"} > 1', 'x{a=~"(?=b)"} > 1', "{}"),
    *(
        '{a=~".*"}',
        "1 > 2",
        "x and 1",
        "x + on (a) group_left (a) y",
        "- - x > 1",
        "x atan2 y > 1",
        "quantile(0.9, x) > 1",
    ),
    *("sort_by_label(x, 'a')", "limitk(2, x)", "info(x) > 1", "mad_over_time(x[5m]) > 1", "rate(x) > 1", "topk(x) > 1"),
    *("sum(x) by (a) > 1", "sum(x,) by (y) > 1", "SUM BY (a) (x) OR y", "x > 5 # why", "x\n# why\n> 5", "# only", "x;"),
    *(
        "x => 5",
        "x <> 5",
        "x = 5",
        "x && y",
        "x || y",
        "x{a==1}",
        "(x",
        "x)",
        "x > $y",
        "x > {{ y }}",
        "rate(x[$w]) > 1",
    ),
    *("histogram_quantile(0.9, rate(x[5m])) > 1", "histogram_fraction(0, 1, x) > 1", "count_values('a b', x) > 1"),
    *(
        "x > bool 1 and y",
        "y and x > bool 1",
        "x >-1",
        "group(x) > 1",
        "absent(x{a='b'} == 1)",
        "x{a='$b'} > 1",
        "inf > x",
    ),
]


def test_the_verdict_is_that_of_promtool(tmp_path: Path) -> None:
    """What the newest promtool accepts has no error here, and what it refuses has one."""
    texts = [*WHOLE, *(rules(f"{{alert: A, expr: {yaml_text(one)}}}") for one in EXPRESSIONS)]
    files = [tmp_path / f"{number:03}.yml" for number in range(len(texts))]
    refused = {file.name: has_errors(found(file, text)) for file, text in zip(files, texts, strict=True)}
    run = [str(real.pair("current").promtool), "check", "rules", "--lint=none", *map(str, files)]
    told = subprocess.run(run, capture_output=True, text=True, check=False)
    newest = {file.name: f"{file}:" in told.stderr for file in files}
    assert 40 < sum(newest.values()) < len(texts) - 40  # of either there are many
    wrong = [texts[int(name[:3])] for name, verdict in newest.items() if verdict != refused[name]]
    assert wrong == []


def yaml_text(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


LOGQL = """groups:
- name: g
  rules:
  - {alert: A, expr: 'sum(rate({app="a"} |= "error" [5m])) > 1'}
  - {alert: B, expr: 'sum(rate({app="a"} | json | status >= 500 [1m])) > 1'}
  - {alert: C, expr: 'sum(rate({app="a"} != "health" [1m])) > 1'}
  - {alert: D, expr: 'sum(rate({app="a"}[1m])) > 1', for: 5m}
"""
METRICSQL = """groups:
- name: g
  rules:
  - {alert: A, expr: (x default 0) > 1}
  - {record: 'a:b', expr: 'range_median(x[1h])'}
  - {record: 'c:d', expr: 'rate(x[5m]) keep_metric_names'}
"""
VMRULE = """apiVersion: operator.victoriametrics.com/v1beta1
kind: VMRule
metadata: {name: x}
spec:
  groups:
  - name: g
    concurrency: 2
    rules:
    - {alert: A, expr: rate(x_total) > 5, debug: true}
"""
HELM = """kind: PrometheusRule
metadata: {{ include "x" . }}
spec:
  groups:
{{- if .Values.on }}
  - name: g
    rules: [{alert: A, expr: up == 0}]
{{- end }}
"""
RAW = alert("annotations: {s: '{% raw %}{{ $labels.a }}{% endraw %}'}")
CONFIGMAP = "kind: ConfigMap\ndata:\n  a.yml: |\n    groups: []\n"
GRAFANA = "apiVersion: 1\ngroups:\n- {orgId: 1, name: g, folder: f, rules: [{uid: a, title: A}]}\n"

OTHERS = [
    (LOGQL, "info", "A: 3 expressions are LogQL: Loki's rules"),
    (METRICSQL, "info", "A: 3 expressions are MetricsQL: VictoriaMetrics's rules"),
    (VMRULE, "info", "A: 1 expression is MetricsQL: VictoriaMetrics's rules"),
    (HELM, "error", ": is a template"),
    (RAW, "warning", ": is a template"),
    (CONFIGMAP, "error", ": kind 'ConfigMap' holds no rules"),
    (GRAFANA, "error", ": holds Grafana's alerting, no Prometheus rules"),
    ("rule_files: [a]\nscrape_configs: []\n", "error", ": holds Prometheus's configuration, no rules"),
    ("route: {receiver: a}\nreceivers: []\n", "error", ": holds Alertmanager's configuration, no rules"),
    ("ALERT Down\n  IF up == 0\n  FOR 5m\n", "error", ": is in the rule format of Prometheus 1.x"),
    ("rule_files: [a]\ntests: []\n", "error", ": holds promtool's unit tests, no rules"),
    ("# nothing\n", "warning", ": holds nothing"),
]


@pytest.mark.parametrize(("text", "severity", "start"), OTHERS)
def test_other_products_files_are_told_in_one_sentence(text: str, severity: str, start: str, tmp_path: Path) -> None:
    """Whose they are, and what to do with them; no error for each of their rules."""
    [problem] = found(tmp_path / "rules.yml", text)
    assert problem.severity == severity
    assert f"{problem.rule}: {problem.message}".startswith(start)
    assert problem.hint


@pytest.mark.parametrize("expr", ["x default 0", 'sum(rate({a="b"} |= "c" [5m]))'])
def test_a_foreign_expression_among_promql_is_a_mistake(expr: str, tmp_path: Path) -> None:
    """A file of PromQL stays one: the rule of another language is an error at its place."""
    items = ", ".join(
        ["{alert: A, expr: up == 0}", "{alert: B, expr: up == 0}", f"{{alert: C, expr: {yaml_text(expr)}}}"]
    )
    [problem] = found(tmp_path / "rules.yml", rules(items))
    assert (problem.rule, problem.severity, problem.check) == ("C", "error", "promql-syntax")
    assert re.match("this is (LogQL|MetricsQL), not PromQL", problem.message)


def test_an_operators_keys_are_its_own(tmp_path: Path) -> None:
    """Thanos's key is fine in a PrometheusRule, and advice in a rule file."""
    text = group("partial_response_strategy: abort")
    assert [problem.severity for problem in found(tmp_path / "rules.yml", text)] == ["info"]
    spec = "\n".join(f"  {line}" for line in text.splitlines())
    assert found(tmp_path / "rules.yml", f"kind: PrometheusRule\nmetadata: {{name: a}}\nspec:\n{spec}\n") == ()
