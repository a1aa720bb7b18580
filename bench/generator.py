"""How long `tocsin rules build` takes beside `promtool check rules` on the same rules, in one run.

    python -m bench.generator [--promtool .tools/bin/promtool] [--rules 1000 10000]

Both are run as people run them, start-up included; the best of three each. Ratios, not seconds, are comparable
between machines.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RULES_A_PACK = 100
ROUNDS = 3

HEAD = """apiVersion: tocsin/v1alpha1
kind: RulePack
metadata: {{name: pack-{pack}, owner: bench}}
params:
  limit: {{default: 90, unit: percent, min: 1, max: 100, doc: Where it hurts}}
groups:
  - name: group-{pack}
    rules:
"""

THRESHOLD = """      - alert: Saturated{rule}
        threshold:
          expr: 100 * (1 - avg by (instance) (rate(node_cpu_seconds_total{{mode="idle",job="j{rule}"}}[5m])))
          above: $(limit)
        for: 10m
        severity: warning
        category: infrastructure
        summary: CPU of {{{{ $labels.instance }}}} is at {{{{ $value | printf "%.0f" }}}}%
        runbook: https://example.org/runbooks/{rule}
"""

RATIO = """      - alert: Failing{rule}
        ratio:
          errors: sum by (job) (rate(http_requests_total{{job="j{rule}",code=~"5.."}}[5m]))
          total: sum by (job) (rate(http_requests_total{{job="j{rule}"}}[5m]))
          above: 0.05
          minimum: 0.1
        for: 5m
        severity: critical
        category: application
        summary: '{{{{ $labels.job }}}} fails {{{{ $value | humanizePercentage }}}} of requests'
        runbook: https://example.org/runbooks/{rule}
"""

RECORD = """      - record: job:http_requests:rate5m_{rule}
        expr: sum by (job) (rate(http_requests_total{{job="j{rule}"}}[5m]))
"""


def main() -> None:
    """Prints one line for each size."""
    arguments = argparse.ArgumentParser(description="Build time beside promtool's check of the result.")
    arguments.add_argument("--promtool", type=Path, default=ROOT / ".tools/bin/promtool")
    arguments.add_argument("--rules", type=int, nargs="+", default=[1_000, 10_000])
    chosen = arguments.parse_args()
    print(f"{'rules':>8} {'build':>9} {'rebuild':>9} {'promtool':>9} {'build/promtool':>15}")
    for rules in chosen.rules:
        with tempfile.TemporaryDirectory() as folder:
            _compare(rules, Path(folder), chosen.promtool)


def _compare(rules: int, folder: Path, promtool: Path) -> None:
    packs = folder / "packs"
    _write_packs(rules, packs)
    rounds = [folder / f"out{number}" for number in range(ROUNDS)]
    build = min(_seconds(_build(packs, out)) for out in rounds)
    rebuild = min(_seconds(_build(packs, rounds[0])) for _ in rounds)
    files = sorted(str(file) for file in rounds[0].glob("*.yml"))
    check = min(_seconds([str(promtool), "check", "rules", *files]) for _ in rounds)
    print(f"{rules:>8,} {build:>8.2f}s {rebuild:>8.2f}s {check:>8.2f}s {build / check:>15.2f}")


def _write_packs(rules: int, folder: Path) -> None:
    folder.mkdir()
    for pack, first in enumerate(range(0, rules, RULES_A_PACK)):
        numbers = range(first, min(first + RULES_A_PACK, rules))
        items = [(THRESHOLD, RATIO, RECORD)[number % 3].format(rule=number) for number in numbers]
        (folder / f"pack-{pack}.yml").write_text(HEAD.format(pack=pack) + "".join(items), encoding="utf-8")


def _build(packs: Path, out: Path) -> Sequence[str]:
    run = "from generator.commands import rules; rules()"
    return [sys.executable, "-c", run, "build", str(packs), "-o", str(out)]


def _seconds(command: Sequence[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
