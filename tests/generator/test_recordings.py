"""What templates record for their alerts: its names, its place, and that each series is written once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.generator.packs import alert, compile_text, pack, shown

# The same expression at two severities: what is recorded does not depend on how wide the band is.
SHARED = """
- alert: Slow
  anomaly: {engine: promql, expr: x}
  severity: info
  summary: Slow
- alert: Slow
  anomaly: {engine: promql, expr: x, deviations: 8, direction: up}
  severity: warning
  summary: Very slow
  description: Look
"""
RECORDS = ["tocsin:slow:value", "tocsin:slow:median", "tocsin:slow:absolute_deviation", "tocsin:slow:mad"]


def test_two_alerts_share_what_they_record(tmp_path: Path) -> None:
    """Equal recordings are written once, in front of the first alert."""
    compiled = compile_text(pack(SHARED), tmp_path)
    assert compiled.problems == ()
    assert [rule.name for rule in compiled.packs[0].rules] == [*RECORDS, "Slow", "Slow"]


@pytest.mark.parametrize(
    ("changed", "name"), [("expr: y", "tocsin:slow:value"), ("expr: x, window: 2d", "tocsin:slow:median")]
)
def test_two_alerts_that_record_differently_under_one_name_are_one_problem(
    changed: str, name: str, tmp_path: Path
) -> None:
    """The second alert is told where the first stands, once, however many recordings differ."""
    compiled = compile_text(pack(SHARED.replace("expr: x, deviations", f"{changed}, deviations")), tmp_path)
    first = f"{tmp_path / 'pack.yml'}:7:16"
    message = f"{name} is recorded from another expression already, at {first}"
    assert shown(compiled.problems) == [("11:16", "duplicate-record", message)]
    assert compiled.problems[0].rule == "Slow"


def test_a_record_may_not_take_the_name_of_a_recording(tmp_path: Path) -> None:
    """A record that somebody wrote clashes with a template's too; two written ones are left to their author."""
    written = "- {record: 'tocsin:slow:value', expr: y}\n- {record: 'tocsin:slow:value', expr: z}\n"
    assert compile_text(pack(written), tmp_path).problems == ()
    compiled = compile_text(pack(written + SHARED), tmp_path)
    assert [(place, check) for place, check, _ in shown(compiled.problems)] == [
        ("10:16", "duplicate-record"),
        ("14:16", "duplicate-record"),
    ]


def test_a_recording_stands_where_its_alert_does(tmp_path: Path) -> None:
    """What a check finds in a recording is told under the alert's name, at its expression."""
    template = 'anomaly: {engine: promql, expr: \'a{b="1" or c="2"}\'}'
    [problem] = compile_text(pack(alert(template)), tmp_path).problems
    assert (problem.rule, problem.at.line, problem.at.column) == ("Test", 8, 41)


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("HTTPErrorsHigh", "tocsin:http_errors_high"),
        ("P99Latency", "tocsin:p99_latency"),
        ("player_latency", "tocsin:player_latency"),
    ],
)
def test_recordings_are_called_after_their_alert(name: str, prefix: str, tmp_path: Path) -> None:
    """The alert's name in small letters, its words divided."""
    rules = alert("anomaly: {engine: promql, expr: x, method: deviation}").replace("Test", name)
    records = [rule.name for rule in compile_text(pack(rules), tmp_path).packs[0].rules][:-1]
    assert records == [f"{prefix}:{what}" for what in ("value", "mean", "stddev")]
