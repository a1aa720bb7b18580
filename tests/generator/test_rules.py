"""What an alert and a record become, whatever the template; and how parameters are put in."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.generator.packs import alert, compile_text, pack

FULL = """
- alert: Saturated
  threshold: {expr: cpu, above: 90}
  for: 10m
  keep_firing_for: 1h
  severity: critical
  category: infrastructure
  summary: CPU is at {{ $value }}
  description: |
    Look here.
    Then there.
  runbook: https://example.org/r
  dashboard: https://example.org/d
  labels: {team: 5, owner: storage}
  annotations: {note: ""}
"""


def test_an_alert_with_everything(tmp_path: Path) -> None:
    """Each key has its place in the rule; the alert's own label wins over the pack's owner."""
    [file] = compile_text(pack(FULL), tmp_path).files
    [rule] = yaml.safe_load(file.text)["groups"][0]["rules"]
    assert rule == {
        "alert": "Saturated",
        "expr": "cpu > 90",
        "for": "10m",
        "keep_firing_for": "1h",
        "labels": {"severity": "critical", "category": "infrastructure", "owner": "storage", "team": "5"},
        "annotations": {
            "summary": "CPU is at {{ $value }}",
            "description": "Look here.\nThen there.",
            "runbook_url": "https://example.org/r",
            "dashboard_url": "https://example.org/d",
            "tocsin_for": "10m",
            "tocsin_pack": "test",
            "note": "",
        },
    }


def test_an_alert_with_the_least(tmp_path: Path) -> None:
    """Without `for` the rule has none, and its annotation says 0s: whoever receives it need not guess."""
    [file] = compile_text(pack(alert("heartbeat:")), tmp_path).files
    [rule] = yaml.safe_load(file.text)["groups"][0]["rules"]
    assert rule == {
        "alert": "Test",
        "expr": "vector(1)",
        "labels": {"severity": "info", "owner": "platform"},
        "annotations": {"summary": "It happens", "tocsin_for": "0s", "tocsin_pack": "test"},
    }


def test_a_record_keeps_its_identity(tmp_path: Path) -> None:
    """A recorded series bears its own labels and none of Tocsin's."""
    [file] = compile_text(
        pack("- {record: 'job:up:sum', expr: sum by (job) (up), labels: {tier: gold}}"), tmp_path
    ).files
    [rule] = yaml.safe_load(file.text)["groups"][0]["rules"]
    assert rule == {"record": "job:up:sum", "expr": "sum by (job) (up)", "labels": {"tier": "gold"}}


def test_a_group_keeps_its_interval(tmp_path: Path) -> None:
    """The interval is passed on; without one the server's holds."""
    text = pack(alert("heartbeat:")) + "    interval: 90s\n"
    [file] = compile_text(text, tmp_path).files
    assert yaml.safe_load(file.text)["groups"][0]["interval"] == "1m30s"


@pytest.mark.parametrize(
    ("param", "written", "read"),
    [
        ("{default: 90}", "at $(p)%", "at 90%"),
        ("{default: 0.5}", "at $(p)", "at 0.5"),
        ("{default: 1.0e+9}", "at $(p)", "at 1000000000"),
        ("{default: true}", "is $(p)", "is true"),
        ("{default: deep}", "$(p) and $(p)", "deep and deep"),
        ("{default: 90}", "$(p)", "90"),
        ("{default: deep}", "$(p), not $$(p)", "deep, not $(p)"),
        ("{default: $(p)}", "$(p)", "$(p)"),
    ],
)
def test_parameters_within_texts(param: str, written: str, read: str, tmp_path: Path) -> None:
    """A parameter is written into a text as PromQL and people write it; `$$(…)` is left to the text, and a default
    is taken as it is.
    """
    text = pack(alert("heartbeat:", summary=f"'{written}'"), params=f"{{p: {param}}}")
    compiled = compile_text(text, tmp_path)
    assert not compiled.problems
    assert compiled.packs[0].rules[0].annotations["summary"] == read


def test_parameters_keep_their_type(tmp_path: Path) -> None:
    """A value that is one parameter is a number where a number is wanted, and an expression where PromQL is."""
    text = pack(
        alert("threshold: {expr: $(expr), above: $(limit)}", for_="$(hold)"),
        params="{expr: {default: up}, limit: {default: 0.5}, hold: {default: 5m}}",
    )
    compiled = compile_text(text, tmp_path)
    assert not compiled.problems
    assert compiled.packs[0].rules[0].expr.text == "up > 0.5"
