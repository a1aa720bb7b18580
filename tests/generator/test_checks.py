"""Each check: what it finds, and what it leaves in peace."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.checks import CHECKS
from tests.generator.packs import alert, compile_text, pack

TWICE = "- {alert: A, heartbeat: {}, severity: info, summary: x}\n"
TWO_SEVERITIES = TWICE + TWICE.replace("info", "warning").replace("summary", "description: x, summary")
CRITICAL = {"severity": "critical"}

# (check, level, rules that it finds something in)
FOUND = [
    ("annotation-template", "error", alert("heartbeat:", summary="'{{ $value'")),
    ("annotation-template", "error", alert("heartbeat:", labels="{a: '{{ $value'}")),
    ("annotation-template", "error", alert("heartbeat:", runbook="'{{ $value'")),
    ("annotation-template", "error", alert("heartbeat:", summary="'{{ if $value }}x'")),
    ("annotation-template", "error", alert("heartbeat:", summary="'x{{ end }}'")),
    ("annotation-template", "warning", alert("heartbeat:", summary="'$value }}'")),
    ("duplicate-alert", "error", TWICE + TWICE),
    ("duplicate-alert", "error", TWICE + TWICE.replace("heartbeat: {}", "promql: {expr: up > 0}")),
    ("forgotten-absence", "error", alert("absence: {selector: up, seen_within: 1h}", for_="1h")),
    ("invalid-name", "error", "- {record: job-up, expr: up}"),
    ("invalid-name", "error", "- {record: a, expr: up, labels: {b-c: d}}"),
    ("invalid-name", "error", "- {record: a, expr: up, labels: {__name__: d}}"),
    ("invalid-name", "error", alert("heartbeat:", annotations="{b-c: d}")),
    ("invalid-name", "warning", alert("heartbeat:").replace("Test", "Node is down")),
    ("missing-comparison", "warning", alert("promql: {expr: up}")),
    ("missing-comparison", "warning", alert("promql: {expr: up > bool 0}")),
    ("missing-comparison", "warning", alert("promql: {expr: vector(1)}")),
    ("missing-runbook", "warning", alert("heartbeat:", **CRITICAL)),
    ("missing-runbook", "info", alert("heartbeat:", severity="warning")),
    ("promql-syntax", "error", "- {record: a, expr: 'up[5m]'}"),
    ("promql-syntax", "error", "- {record: a, expr: '(up[5m:1m])'}"),
    ("promql-syntax", "error", "- {record: a, expr: '\"text\"'}"),
    ("promql-syntax", "error", '- {record: a, expr: \'sum(up{a="1" or b="2"})\'}'),
]

SILENT = [
    alert("heartbeat:"),
    TWO_SEVERITIES,
    "- {record: a, expr: up}",
    "- {record: 'job:up:sum', expr: up, labels: {_b: c}}",
    "- {record: a, expr: 'a or b'}",
    alert("promql: {expr: count(up > 0)}"),
    alert("promql: {expr: a unless b}"),
    alert("promql: {expr: 'absent_over_time(up[1h])'}"),
    alert("promql: {expr: 'present_over_time(up[1h]) unless up'}", for_="59m"),
    alert("heartbeat:", summary="'{{ if gt $value 1.0 }}{{ $value }}{{ else }}one{{ end }}'"),
    alert("heartbeat:", summary="'{{- range query \"up\" -}}x{{- end -}}'"),
    alert("heartbeat:", runbook="https://example.org", **CRITICAL),
    alert("heartbeat:", description="Look here", **CRITICAL),
]


@pytest.mark.parametrize(("check", "level", "rules"), FOUND)
def test_check_finds(check: str, level: str, rules: str, tmp_path: Path) -> None:
    """Each of these rules gives exactly one problem, with a hint and the rule's name."""
    [problem] = compile_text(pack(rules), tmp_path).problems
    assert (problem.check, problem.severity) == (check, level)
    assert problem.hint
    assert problem.rule
    assert problem.at.line >= 7


@pytest.mark.parametrize("rules", SILENT)
def test_checks_stay_silent(rules: str, tmp_path: Path) -> None:
    """No check has a word to say about rules that are as they should be."""
    assert compile_text(pack(rules), tmp_path).problems == ()


def test_the_tried_checks_exist() -> None:
    """The table names checks; test_rule_files sees to it that all are tried."""
    assert {check for check, _, _ in FOUND} <= set(CHECKS)


def test_warnings_do_not_stop_a_build(tmp_path: Path) -> None:
    """Style is a warning: the file is there all the same."""
    compiled = compile_text(pack(alert("promql: {expr: up}")), tmp_path)
    assert [problem.severity for problem in compiled.problems] == ["warning"]
    assert len(compiled.files) == 1
