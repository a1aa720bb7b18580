"""`tocsin exporter rules`: nothing is left out without a word."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from exporter.rules.parsing import REASONS
from tests.commands import tocsin

CONFIG = """prometheus: {url: "http://127.0.0.1:1"}
queries: [{name: a, expr: up}]
rules: {prometheus: false, files: [rules.yml]}
"""
RULES = """groups:
  - name: node
    rules:
      - {alert: CpuHigh, expr: cpu > 0.9 or 0.1 > cpu, for: 10m, labels: {severity: critical}}
      - {alert: Gone, expr: absent(up)}
"""


def listed(folder: Path, rules: str, *options: str, config: str = CONFIG) -> subprocess.CompletedProcess[str]:
    (folder / "exporter.yml").write_text(config)
    (folder / "rules.yml").write_text(rules)
    return tocsin("exporter", "rules", "--config.file", str(folder / "exporter.yml"), *options)


def test_each_rule_with_what_becomes_of_it(tmp_path: Path) -> None:
    """What is forecast shows its condition, what is not its reason; files lie beside the configuration."""
    ran = listed(tmp_path, RULES)
    assert ran.returncode == 0, ran.stderr
    forecast, not_forecast = ran.stdout.splitlines()
    assert forecast == "node/CpuHigh (critical): cpu > 0.9 or < 0.1, for 10m"
    assert not_forecast == f"node/Gone: not forecast: {REASONS['no_comparison']} (no_comparison)"
    rows = json.loads(listed(tmp_path, RULES, "--format", "json").stdout)["rules"]
    assert [(row["rule"], len(row["values"]), row["reason"]) for row in rows] == [
        ("CpuHigh", 1, ""),
        ("Gone", 0, "no_comparison"),
    ]


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A broken rule file, a configuration without rules, a server that is away: exit 1 and why."""
    for rules, config, said in (
        ("groups: [", CONFIG, "not valid YAML"),
        (RULES, CONFIG.replace("rules:", "#"), "asks for no alert rules"),
        (RULES, CONFIG.replace("false", "true"), "cannot be reached"),
    ):
        ran = listed(tmp_path, rules, config=config)
        assert (ran.returncode, said in ran.stderr, "Traceback" in ran.stderr) == (1, True, False), ran.stderr
