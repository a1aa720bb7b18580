"""SLOs of tenants: tiers give them other objectives, `for` and severities."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.pipeline import Compiled, compile_packs
from generator.targets import rulefile
from tests.generator.packs import pack

SHOP = """
- slo: Shop
  objective: $(objective)
  requests: {errors: "sum(rate(e_total[5m]))", total: "sum(rate(t_total[5m]))"}
  runbook: https://example.org/r
"""
PARAMS = "{objective: {default: 99, min: 50, max: 99.99, unit: percent, doc: what must be good}}"
TIERS = """
tiers:
  gold:
    params: {objective: 99.9}
    rules: {Shop: {tiers: {page-quick: {for: 1m}, ticket-slow: {enabled: false}}}}
  bronze:
    rules: {Shop: {objective: 95, tiers: {page-quick: {for: 10m, severity: warning, alert: ShopBurns}}}}
"""


def tenant(name: str, tier: str = "", more: str = "") -> str:
    head = f"metadata: {{name: {name}{f', tier: {tier}' if tier else ''}}}"
    facts = f"packs: [test]\nmatchers: {{tenant: {name}}}\n{more}"
    return f"apiVersion: tocsin/v1alpha1\nkind: Tenant\n{head}\n{facts}"


def build(folder: Path, *tenants: str) -> Compiled:
    files = [pack(SHOP, PARAMS) + TIERS, *tenants]
    for number, text in enumerate(files):
        (folder / f"{number}.yml").write_text(text)
    return compile_packs([folder / f"{number}.yml" for number in range(len(files))], rulefile.render)


def rules_of(compiled: Compiled, tenant: str) -> list[dict[str, Any]]:
    [file] = [file for file in compiled.files if file.name == f"{tenant}-test.yml"]
    return [rule for group in yaml.safe_load(file.text)["groups"] for rule in group["rules"]]


def alerts_of(compiled: Compiled, tenant: str) -> list[tuple[str, str, str]]:
    """Each alert with its `for` and severity."""
    found = [rule for rule in rules_of(compiled, tenant) if "alert" in rule]
    return [(rule["alert"], rule.get("for", ""), rule["labels"]["severity"]) for rule in found]


def objective_of(compiled: Compiled, tenant: str) -> str:
    [found] = [
        rule["expr"] for rule in rules_of(compiled, tenant) if rule.get("record") == "tocsin:slo_objective:ratio"
    ]
    return str(found)


@pytest.fixture
def shops(tmp_path: Path) -> Compiled:
    own = "rules: {Shop: {objective: 99.5, tiers: {page-quick: {for: 3m}}}}\n"
    return build(tmp_path, tenant("a", "gold"), tenant("b", "bronze"), tenant("c"), tenant("d", "gold", own))


def test_a_tier_changes_an_objective_and_its_alerts(shops: Compiled) -> None:
    """By the parameter or the rule itself; a tenant's own word is the last; whoever has no tier has the pack's."""
    assert shops.problems == ()
    assert [objective_of(shops, name) for name in "abcd"] == [
        "vector(0.999)", "vector(0.95)", "vector(0.99)", "vector(0.995)",
    ]  # fmt: skip
    assert alerts_of(shops, "a") == [
        ("ShopPageQuick", "1m", "critical"), ("ShopPageSlow", "", "critical"), ("ShopTicketQuick", "", "warning"),
    ]  # fmt: skip
    assert alerts_of(shops, "b")[0] == ("ShopBurns", "10m", "warning")
    assert [len(alerts_of(shops, name)) for name in "abcd"] == [3, 4, 4, 3]
    assert alerts_of(shops, "d")[0] == ("ShopPageQuick", "3m", "critical")


def test_the_objective_moves_the_limits(shops: Compiled) -> None:
    """The budget of 99.9 % is a tenth of that of 99 %, and so is what burns it 14.4 times too fast."""
    limits = [next(r["expr"] for r in rules_of(shops, name) if r.get("alert", "").startswith("Shop")) for name in "ac"]
    assert ["14.4 * 0.001" in limits[0], "14.4 * 0.01" in limits[1]] == [True, True]


@pytest.mark.parametrize(
    ("facts", "check", "message", "hint"),
    [
        ("rules: {Shop: {objective: 100}}", "slo", "leaves no budget", "between 0 and 100"),
        ("params: {test.objective: 99.995}", "param", "out of its bounds", ""),
        ("rules: {Shop: {tiers: {page-quik: {for: 1m}}}}", "slo", "has no long, no short", "(page-quick, page-slow"),
        ("rules: {Shop: {tiers: {page-quick: {factor: 101}}}}", "slo", "can never", ""),
        ("rules: {ShopPageQuick: {for: 1m}}", "unknown-rule", "is a tier of the slo 'Shop'", "Shop: {tiers:"),
    ],
)
def test_mistakes(facts: str, check: str, message: str, hint: str, tmp_path: Path) -> None:
    """Each is one error, in the tenant's file, with a way out."""
    compiled = build(tmp_path, tenant("a", more=f"{facts}\n"))
    [problem] = [problem for problem in compiled.problems if problem.severity == "error"]
    assert problem.check == check
    assert message in problem.message
    assert hint in problem.hint
    assert problem.at.file == str(tmp_path / "1.yml")


@pytest.mark.real
def test_what_was_read_and_what_was_recorded_are_joined(promtool: Path, tmp_path: Path) -> None:
    """A sum of raw series lacks the label `tenant` that recorded ones bear: errors are recorded once all the same."""
    compiled = build(tmp_path, tenant("a"))
    (tmp_path / "rules.yml").write_text(next(file.text for file in compiled.files if file.name == "a-test.yml"))
    series = [
        {"series": f'{name}_total{{tenant="a"}}', "values": f"0+{step}x30"} for name, step in (("e", 6), ("t", 60))
    ]
    recorded = {"expr": "sum without (tocsin_sli) (tocsin:sli_errors:rate)", "eval_time": "20m"}
    expected = {**recorded, "exp_samples": [{"labels": '{tenant="a"}', "value": 0.1}]}
    counted = {
        "expr": "count(tocsin:sli_errors:ratio_5m)",
        "eval_time": "20m",
        "exp_samples": [{"labels": "{}", "value": 1}],
    }
    test = {"interval": "1m", "input_series": series, "promql_expr_test": [expected, counted]}
    unit = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]}
    (tmp_path / "unit.yml").write_text(yaml.safe_dump(unit))
    run = [str(promtool), "test", "rules", "unit.yml"]
    tested = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stdout + tested.stderr
