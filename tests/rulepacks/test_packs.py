"""What ships, as whoever installs it finds it."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import yaml

from exporter.config import ExporterConfig
from generator.output import write
from generator.pipeline import compile_packs
from generator.rule import Rule
from generator.targets import TARGETS
from tests.rulepacks.shipped import NAMES, PACKS, alerts, compiled, named
from tocsin.model import Category
from tocsin.problem import has_errors

LEAST_ALERTS = 150
ADDRESS = "http://127.0.0.1:9095/runbooks"


def test_every_domain_has_its_pack() -> None:
    """The packs are those that README lists, and no check finds anything in them."""
    assert tuple(sorted(pack.name for pack in compiled().packs)) == NAMES
    assert compiled().problems == ()


def test_there_are_enough_and_no_two_of_a_name() -> None:
    """An SLO counts once, however many of its alerts there are; a name is one alert's over all packs."""
    counted = Counter(dict.fromkeys((pack, named(rule)) for pack, rule in alerts()))
    assert len(counted) >= LEAST_ALERTS
    twice = Counter(name for _, name in counted)
    assert [name for name, times in twice.items() if times > 1] == []


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_says_what_whoever_is_woken_needs(name: str) -> None:
    """Severity, category, a line that says what is wrong, a text on what to do first, and a page."""
    found = [rule for pack, rule in alerts() if pack == name]
    assert found
    assert [rule.name for rule in found if not _says_enough(name, rule)] == []


def _says_enough(pack: str, rule: Rule) -> bool:
    said = rule.annotations
    return (
        rule.severity is not None
        and rule.labels["category"] in set(Category)
        and len(said["summary"]) >= 20
        and len(said.get("description", "").split()) >= 8
        and said["runbook_url"] == f"{ADDRESS}/{pack}/{named(rule)}.md"
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_parameter_is_documented(name: str) -> None:
    """Each has a text; a number has a unit, or is a plain count; and all but a few have bounds."""
    params = yaml.safe_load((PACKS / name / "pack.yml").read_text())["params"]
    assert "runbooks" in params
    for param, facts in params.items():
        assert facts.get("doc"), param
        if isinstance(facts["default"], int | float) and not isinstance(facts["default"], bool):
            assert "unit" in facts, param
            assert "min" in facts or "choices" in facts, param


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_every_target_takes_every_pack(target: str) -> None:
    """What ships builds for wherever rules run."""
    assert not has_errors(compile_packs([PACKS], TARGETS[target]).problems)


@pytest.mark.real
def test_prometheus_takes_what_we_ship(promtool: Path, tmp_path: Path) -> None:
    """`promtool check rules` of both pairs finds nothing, lint included."""
    files = [str(path) for path in write(compiled().files, tmp_path).written]
    run = [str(promtool), "check", "rules", "--lint-fatal", *files]
    checked = subprocess.run(run, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.count("SUCCESS") == len(NAMES)


ENGINES = [name for name in NAMES if (PACKS / name / "queries.yml").exists()]


@pytest.mark.parametrize("name", ENGINES)
def test_anomalies_and_forecasts_are_judged_by_either_engine(name: str, tmp_path: Path) -> None:
    """With `engine: exporter` the same alerts read the queries that stand beside the pack, and no others."""
    tenant = "apiVersion: tocsin/v1alpha1\nkind: Tenant\nmetadata: {name: acme}\nmatchers: {}\n"
    (tmp_path / "acme.yml").write_text(f'{tenant}packs: [{name}]\nparams: {{"*.engine": exporter}}\n')
    by_exporter = compile_packs([tmp_path], TARGETS["rulefile"])
    assert not has_errors(by_exporter.problems)
    [pack] = by_exporter.packs
    read = {query for rule in pack.rules for query in re.findall(r'query="([^"]+)"', rule.expr.text)}
    queries = yaml.safe_load((PACKS / name / "queries.yml").read_text())["queries"]
    assert read == {query["name"] for query in queries}
    assert ExporterConfig.model_validate({"prometheus": {"url": "http://prometheus:9090"}, "queries": queries})
    by_promql = {rule.name for _, rule in alerts() if _ == name}
    assert {rule.name for rule in pack.rules if rule.kind == "alert"} == by_promql


def test_several_packs_ask_both_engines() -> None:
    """Anomalies and forecasts are no speciality of one pack, and each pack that has them serves either engine."""
    assert len(ENGINES) >= 5
    asking = {pack for pack, rule in alerts() if rule.template in ("anomaly", "forecast")}
    assert asking == set(ENGINES)


@pytest.mark.parametrize("name", ENGINES)
def test_a_summary_is_true_with_either_engine(name: str) -> None:
    """The value is a score with one engine and a number of its own with the other: no text shows it."""
    document = yaml.safe_load((PACKS / name / "pack.yml").read_text())
    for group in document["groups"]:
        for rule in group["rules"]:
            facts = rule.get("anomaly") or {}
            if facts.get("engine") == "$(engine)":
                assert "$value" not in rule["summary"] + rule["description"], rule["alert"]


def test_the_list_of_packs_is_true() -> None:
    """rulepacks/README.md names every pack with as many alerts as it has."""
    listed = re.findall(
        r"^\| \[`([a-z-]+)`\]\(\1/pack\.yml\) \| (\d+) \|", (PACKS / "README.md").read_text(), re.MULTILINE
    )
    counted = Counter(pack for pack, _ in {(pack, named(rule)) for pack, rule in alerts()})
    assert {name: int(count) for name, count in listed} == counted
