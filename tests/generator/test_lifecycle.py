"""What the state, the owner and the links of a rule mean for the output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.generator.packs import alert, compile_text, pack, shown
from tests.generator.test_slo_behaviour import GAUGES, slo

UP = "threshold: {expr: up, equals: 0}"


def _built(rules: str, folder: Path) -> list[dict[str, Any]]:
    compiled = compile_text(pack(rules), folder)
    assert compiled.problems == ()
    [file] = compiled.files
    return [rule for group in yaml.safe_load(file.text)["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("state", ["draft", "disabled"])
@pytest.mark.parametrize("rules", [alert(UP), slo(GAUGES), "- {record: a, expr: up}"], ids=["alert", "slo", "record"])
def test_what_is_not_active_is_not_written(rules: str, state: str, tmp_path: Path) -> None:
    """A draft and what is disabled stand in no output, with all that is recorded for them; nor does an empty group."""
    lines = rules.replace("expr: up}", f"expr: up, state: {state}}}") if "record" in rules else rules
    assert _built(lines if lines != rules else f"{rules}\n  state: {state}", tmp_path) == []


def test_a_draft_is_checked_and_what_is_disabled_need_not_pass(tmp_path: Path) -> None:
    """The checks say of a draft what they will say once it is active; both must have their form."""
    always = "promql: {expr: up}"
    for state, checks in (("draft", ["missing-comparison"]), ("disabled", [])):
        compiled = compile_text(pack(alert(always, state=state)), tmp_path)
        assert [check for _, check, _ in shown(compiled.problems)] == checks
        compiled = compile_text(pack(alert("promql: {expr: 'up('}", state=state)), tmp_path)
        assert [check for _, check, _ in shown(compiled.problems)] == ["promql-syntax"]


def test_testing_never_pages(tmp_path: Path) -> None:
    """The severity is info and a label says why; the severity that is meant stands in an annotation."""
    for rule in _built(alert(UP, state="testing", severity="critical", runbook="https://example.org/r"), tmp_path):
        assert rule["labels"] == {"severity": "info", "owner": "platform", "tocsin_state": "testing"}
        assert rule["annotations"]["tocsin_severity"] == "critical"
    tiers = [rule for rule in _built(slo(GAUGES, state="testing"), tmp_path) if "alert" in rule]
    assert [rule["labels"]["severity"] for rule in tiers] == ["info"] * 4
    assert [rule["annotations"]["tocsin_severity"] for rule in tiers] == ["critical"] * 2 + ["warning"] * 2


def test_testing_must_have_what_active_will_need(tmp_path: Path) -> None:
    """A critical alert in testing without a runbook is told so before it pages anybody."""
    compiled = compile_text(pack(alert(UP, state="testing", severity="critical")), tmp_path)
    assert [check for _, check, _ in shown(compiled.problems)] == ["missing-runbook"]


def test_deprecated_goes_on_and_says_so(tmp_path: Path) -> None:
    """A deprecated alert keeps its identity and its severity, and bears an annotation."""
    [active], [deprecated] = (_built(alert(UP, state=state), tmp_path) for state in ("active", "deprecated"))
    assert deprecated["labels"] == active["labels"]
    assert deprecated["annotations"] == active["annotations"] | {"tocsin_state": "deprecated"}


def test_a_draft_may_stand_beside_what_it_replaces(tmp_path: Path) -> None:
    """It is no duplicate, and nothing that is written rests on what only the draft would record."""
    band = "anomaly: {engine: promql, expr: x}"
    built = _built(f"{alert(band, state='draft')}\n{alert(band)}", tmp_path)
    assert [rule.get("alert") or rule["record"] for rule in built] == [
        "tocsin:test:value",
        "tocsin:test:median",
        "tocsin:test:absolute_deviation",
        "tocsin:test:mad",
        "Test",
    ]


def test_a_rule_s_owner_wins_over_the_pack_s(tmp_path: Path) -> None:
    """Who answers for the rule may be another than for the pack."""
    [rule] = _built(alert(UP, owner="storage"), tmp_path)
    assert rule["labels"]["owner"] == "storage"


@pytest.mark.parametrize(
    ("facts", "place", "check"),
    [
        ({"state": "retired"}, "11:16", "value"),
        ({"owner": "a", "labels": "{owner: b}"}, "12:18", "reserved-name"),
        ({"labels": "{tocsin_state: x}"}, "11:18", "reserved-name"),
        ({"owner": '""'}, "11:16", "value"),
        ({"category": "audios"}, "11:19", "value"),
    ],
)
def test_mistakes(facts: dict[str, str], place: str, check: str, tmp_path: Path) -> None:
    """Each is one problem at its place."""
    problems = compile_text(pack(alert(UP, **facts)), tmp_path).problems
    assert [(where, name) for where, name, _ in shown(problems)] == [(place, check)]
