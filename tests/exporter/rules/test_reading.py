"""Alert rules from files and from the rules API: the same rules, and what is wrong with either."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from exporter.rules import files
from exporter.rules.alertrule import AlertRule, Rules
from exporter.rules.api import rules_of
from tocsin.promapi import QueryError
from tocsin.promrules import decode_rules

FILE = """groups:
  - name: node
    interval: 30s
    labels: {severity: info}
    rules:
      - {record: "job:cpu", expr: "sum by (job) (cpu)"}
      - {alert: CpuHigh, expr: "cpu > 5\\n", for: 10m, labels: {severity: critical}, annotations: {summary: x}}
  - name: plain
    rules:
      - {alert: Down, expr: up == 0}
      - {alert: Always, expr: 1}
"""
ANSWER = {
    "status": "success",
    "data": {
        "groups": [
            {
                "name": "node",
                "file": "/etc/node.yml",
                "interval": 30,
                "rules": [
                    {"name": "job:cpu", "query": "sum by (job) (cpu)", "type": "recording", "health": "ok"},
                    {
                        "name": "CpuHigh",
                        "query": "cpu > 5",
                        "duration": 600,
                        "labels": {"severity": "critical"},
                        "alerts": [],
                        "type": "alerting",
                    },
                ],
            }
        ]
    },
}
CPU_HIGH = AlertRule("CpuHigh", "node", "cpu > 5", timedelta(minutes=10), timedelta(seconds=30), "critical")


def test_files_and_api_say_the_same(tmp_path: Path) -> None:
    """A rule that both know is one rule; labels of the group reach it where it has none of its own."""
    (tmp_path / "node.yml").write_text(FILE)
    from_files, problems = files.read([str(tmp_path / "*.yml")])
    from_api = rules_of(decode_rules("http://prometheus", 200, json.dumps(ANSWER).encode()))
    assert problems == []
    assert from_api == Rules((CPU_HIGH,), (("job:cpu", "sum by (job) (cpu)"),))
    assert [rule.name for rule in from_files.alerts] == ["CpuHigh", "Down", "Always"]
    assert Rules.together([from_files, from_api]) == from_files
    assert from_files.alerts[1] == AlertRule("Down", "plain", "up == 0")


def test_a_prometheusrule_is_a_rule_file(tmp_path: Path) -> None:
    """A manifest's groups stand in its spec."""
    indented = "".join(f"  {line}\n" for line in FILE.splitlines())
    (tmp_path / "node.yml").write_text(f"kind: PrometheusRule\nspec:\n{indented}")
    assert files.read([str(tmp_path / "node.yml")])[0].alerts[0] == CPU_HIGH


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "names no file"),
        ("groups: [", "not valid YAML"),
        ("groups: 5", "is no rule file"),
        ("- x", "is no rule file"),
        ("groups: [{name: a, interval: soon}]", "'soon' is not a duration"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, content: str | None, said: str) -> None:
    """Each problem is told with its file; the other files' rules are there."""
    (tmp_path / "good.yml").write_text(FILE)
    if content is not None:
        (tmp_path / "bad.yml").write_text(content)
    rules, problems = files.read([str(tmp_path / "good.yml"), str(tmp_path / "bad.yml")])
    assert len(rules.alerts) == 3
    assert [said in problem.message and "bad.yml" in problem.at.file for problem in problems] == [True]


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (401, b"", "unauthorized"),
        (503, b"away", "unavailable"),
        (500, b'{"status":"error","error":"shutting down"}', "unavailable"),
        (404, b"404 page not found", "not_prometheus"),
        (200, b"<html>", "not_prometheus"),
        (200, b'{"status":"error","error":"no ruler here"}', "refused"),
        (200, b'{"status":"success","data":{"groups":[{"name":5}]}}', "not_prometheus"),
    ],
)
def test_answers_that_are_no_rules(status: int, body: bytes, reason: str) -> None:
    """What is no rules API is told from one that refuses."""
    with pytest.raises(QueryError) as refused:
        decode_rules("http://prometheus", status, body)
    assert refused.value.reason == reason


def test_no_groups_are_no_rules() -> None:
    """A server without rules answers with null or an empty list."""
    for groups in ("null", "[]"):
        answer = f'{{"status":"success","data":{{"groups":{groups}}}}}'.encode()
        assert rules_of(decode_rules("", 200, answer)) == Rules()
