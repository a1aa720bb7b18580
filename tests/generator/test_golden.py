"""Packs built for every target, beside their golden files; `TOCSIN_RENEW_GOLDEN=1` renews these."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from generator.output import write
from generator.pipeline import Compiled, compile_packs
from generator.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden/rules"


# One that ships, and such as show what it does not; tests/rulepacks looks at all that ship.
PACKS = [Path("rulepacks/node"), Path("tests/golden/packs")]


def compile_golden(target: str, monkeypatch: pytest.MonkeyPatch) -> Compiled:
    monkeypatch.chdir(ROOT)
    return compile_packs(PACKS, TARGETS[target])


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_golden(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target writes the same bytes as ever; a change shows in review, file by file."""
    files = compile_golden(target, monkeypatch).files
    if os.environ.get("TOCSIN_RENEW_GOLDEN"):
        for path in write(files, GOLDEN / target).stale:
            path.unlink()
    golden = {path.name: path.read_text(encoding="utf-8") for path in (GOLDEN / target).iterdir()}
    assert {file.name: file.text for file in files} == golden


@pytest.mark.real
def test_prometheus_reads_every_text_as_it_was_meant(promtool: Path, tmp_path: Path) -> None:
    """Quotes, colons, block texts and escapes pass through the real YAML and PromQL readers."""
    pack = tmp_path / "pack.yml"
    pack.write_text(AWKWARD, encoding="utf-8")
    files = write(compile_packs([pack], TARGETS["rulefile"]).files, tmp_path / "rules").written
    (tmp_path / "rules" / "test.yml").write_text(AWKWARD_TEST, encoding="utf-8")
    assert [path.name for path in files] == ["awkward.yml"]
    tested = subprocess.run(
        [promtool, "test", "rules", "test.yml"], cwd=tmp_path / "rules", capture_output=True, text=True, check=False
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr


AWKWARD = r"""
apiVersion: tocsin/v1alpha1
kind: RulePack
metadata: {name: awkward}
groups:
  - name: 'group: "one" # two'
    rules:
      - alert: Awkward
        threshold: {expr: 'up{path=~"a\\.b\"c|é"}', equals: 0}
        severity: info
        summary: "it's \"so\": # \\ \U0001F514 $$(x)"
        description: |
          two
            lines
        labels: {"answer": "no", "number": "1:20", "empty": ""}
"""

AWKWARD_TEST = r"""
rule_files: [awkward.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series: [{series: 'up{path="a.b\"c"}', values: '0 0'}]
    alert_rule_test:
      - eval_time: 1m
        alertname: Awkward
        exp_alerts:
          - exp_labels: {severity: info, answer: "no", number: "1:20", path: 'a.b"c'}
            exp_annotations:
              summary: "it's \"so\": # \\ \U0001F514 $(x)"
              description: "two\n  lines"
              tocsin_for: 0s
              tocsin_pack: awkward
"""
