"""How long `tocsin rules build` takes beside `promtool check rules` on the same rules, in one run.

    python -m bench.generator [--promtool .tools/bin/promtool] [--rules 1000 10000] [--rounds 3]
    python -m bench.generator --rules 10000 100000 --rounds 1      # what is asked of 100,000 rules, too
    python -m bench.generator --backtest 100                       # bench/backtesting.py
    python -m bench.generator --unlike                             # no two rules read the same metric
    python -m bench.generator --tests 500                          # tests of 500 alerts found and run

Both are run as people run them, start-up included, in turns; the best of each. Ratios, not seconds, are comparable
between machines. A build begins with an empty cache, a rebuild finds what the build has kept. `processor` is the
processor time of the build and of promtool with all their processes, which other work on the machine disturbs less.

The rules are three about one job after another, as tenants and generated packs have them; of that a build makes use
(tocsin/promql_shape.py). With `--unlike` each has metrics of its own, and nothing is there to be made use of.

With `--tests` nothing is built: `tocsin rules test` proves alerts of the templates in turn, and of SLOs.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import IO

from bench import backtesting

ROOT = Path(__file__).resolve().parent.parent
RULES_A_PACK = 100

# What is asked: sizes in rules, ratios, bytes.
SMALL, LARGE = 10_000, 100_000
BUILD_TO_PROMTOOL = 1.0
BUILD_TO_REBUILD = 5.0
LARGE_TO_SMALL_PROMTOOL = 12.0
PEAK_BYTES = 1.5e9
TESTED, TESTED_SECONDS = 500, 60.0
LOOKS_BACK = "comparison"  # the template whose rules are played a week of samples

LIMIT = "  limit: {default: 90, unit: percent, min: 1, max: 100, doc: Where it hurts}\n"
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


METRIC = re.compile(r"\w+_total(?={)")
NAME = re.compile(r"^(- (?:alert|slo): \w+)", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """What a process took: wall-clock seconds, processor seconds of its children too, and its peak memory in bytes."""

    seconds: float
    processor: float
    peak: int


@dataclass(frozen=True)
class Measured:
    """One size, the best of all rounds; `same`: every build wrote the same bytes."""

    rules: int
    build: Run
    rebuild: Run
    promtool: Run
    same: bool

    def __str__(self) -> str:
        ratio = self.build.seconds / self.promtool.seconds
        return (
            f"{self.rules:>8,} {self.build.seconds:>8.2f}s {self.rebuild.seconds:>8.2f}s "
            f"{self.promtool.seconds:>8.2f}s {ratio:>15.2f} {self.build.peak / 1e6:>6,.0f} MB "
            f"{self.build.processor:>8.2f}s {self.promtool.processor:>6.2f}s"
        )


def main() -> None:
    """Prints one line for each size, then what was asked beside what was measured."""
    arguments = argparse.ArgumentParser(description="Build time beside promtool's check of the result.")
    arguments.add_argument("--promtool", type=Path, default=ROOT / ".tools/bin/promtool")
    arguments.add_argument("--rules", type=int, nargs="+", default=[1_000, SMALL])
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--unlike", action="store_true", help="each rule reads metrics of its own")
    arguments.add_argument("--backtest", type=int, metavar="RULES", help="instead: backtests of so many rules")
    arguments.add_argument("--tests", type=int, metavar="ALERTS", help="instead: tests of so many alerts")
    chosen = arguments.parse_args()
    if chosen.backtest:
        backtesting.measure(chosen.backtest, chosen.rounds, chosen.promtool.resolve().parent)
        return
    if chosen.tests:
        print(_tested(chosen.tests, chosen.promtool))
        return
    print(
        f"{'rules':>8} {'build':>9} {'rebuild':>9} {'promtool':>9} {'build/promtool':>15} {'peak':>9} {'processor':>17}"
    )
    sizes: dict[int, Measured] = {}
    for rules in chosen.rules:
        with tempfile.TemporaryDirectory() as folder:
            _write_packs(rules, Path(folder, "packs"), unlike=chosen.unlike)
            sizes[rules] = _measure(rules, Path(folder), chosen.promtool, chosen.rounds)
        print(sizes[rules], flush=True)
    print(*_verdicts(sizes), sep="\n")


def _verdicts(sizes: dict[int, Measured]) -> Iterator[str]:
    small, large = sizes.get(SMALL), sizes.get(LARGE)
    if small:
        yield _verdict(
            "10,000 rules: build / promtool", small.build.seconds / small.promtool.seconds, BUILD_TO_PROMTOOL
        )
        yield _verdict(
            "10,000 rules: rebuild / build", small.rebuild.seconds / small.build.seconds, 1 / BUILD_TO_REBUILD
        )
        yield f"10,000 rules: every build wrote the same bytes: {'yes' if small.same else 'NO'}"
    if small and large:
        ratio = large.build.seconds / small.promtool.seconds
        yield _verdict("100,000 rules: build / promtool on 10,000", ratio, LARGE_TO_SMALL_PROMTOOL)
    if large:
        yield _verdict("100,000 rules: peak memory, GB", large.build.peak / 1e9, PEAK_BYTES / 1e9)


def _verdict(what: str, measured: float, asked: float) -> str:
    return f"{what}: {measured:.2f}, asked: at most {asked:g}: {'met' if measured <= asked else 'MISSED'}"


def _measure(rules: int, folder: Path, promtool: Path, rounds: int) -> Measured:
    packs = folder / "packs"
    builds, rebuilds, checks, texts = [], [], [], set()
    for number in range(rounds):
        out, cache = folder / f"out{number}", folder / f"cache{number}"
        builds.append(_run(_build(packs, out), cache))
        rebuilds.append(_run(_build(packs, out), cache))
        files = sorted(out.glob("*.yml"))
        checks.append(_run([str(promtool), "check", "rules", *map(str, files)], cache))
        texts.add(tuple(file.read_bytes() for file in files))
    build, rebuild, check = (min(runs, key=lambda run: run.seconds) for runs in (builds, rebuilds, checks))
    return Measured(rules, build, rebuild, check, same=len(texts) == 1)


def _write_packs(rules: int, folder: Path, *, unlike: bool) -> None:
    folder.mkdir()
    for pack, first in enumerate(range(0, rules, RULES_A_PACK)):
        numbers = range(first, min(first + RULES_A_PACK, rules))
        items = [(THRESHOLD, RATIO, RECORD)[number % 3].format(rule=number) for number in numbers]
        if unlike:
            items = [METRIC.sub(rf"\g<0>_{number}", item) for number, item in zip(numbers, items, strict=True)]
        (folder / f"pack-{pack}.yml").write_text(HEAD.format(pack=pack) + "".join(items), encoding="utf-8")


def _tested(alerts: int, promtool: Path) -> str:
    """How long it takes to find the tests of so many alerts and to run them, and how many of them are proven."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_examples(alerts, folder / "packs")
        report = folder / "report.json"
        run = "from generator.commands import rules; rules()"
        command = [sys.executable, "-c", run, "test", str(folder / "packs"), "--promtool", str(promtool)]
        with report.open("w") as stream:
            took = _run([*command, "--format", "json"], folder, stream)
        coverage = json.loads(report.read_text())["coverage"]
    said = f"{coverage['alerts']:,} alerts tested in {took.seconds:.1f} s on {os.cpu_count()} cores "
    said += f"({took.processor:.1f} s of processor, {took.peak / 1e6:,.0f} MB), proven: {coverage['percent']:.1f} %"
    return said if alerts != TESTED else f"{said}\n" + _verdict(f"{TESTED} alerts, s", took.seconds, TESTED_SECONDS)


def _write_examples(alerts: int, folder: Path) -> None:
    """Packs of the templates' own examples in turn, each rule under a name of its own; an SLO counts as its alerts.

    One of a hundred looks back a week: to play that takes seconds, and packs have few such rules.
    """
    from generator.slo.schema import Slo
    from generator.templates import TEMPLATES

    folder.mkdir()
    examples = [(template.example, 1) for name, template in TEMPLATES.items() if name != LOOKS_BACK]
    examples.append((Slo.example, 4))
    items: list[str] = []
    count = 0
    while count < alerts:
        example, weight = examples[len(items) % len(examples)]
        if len(items) % RULES_A_PACK == RULES_A_PACK // 2:
            example, weight = TEMPLATES[LOOKS_BACK].example, 1
        count += weight
        items.append(indent(NAME.sub(rf"\1_{len(items)}", example), "      "))
    for pack, first in enumerate(range(0, len(items), RULES_A_PACK)):
        head = HEAD.format(pack=pack).replace("params:\n", "").replace(LIMIT, "")
        text = head + "".join(items[first : first + RULES_A_PACK])
        (folder / f"pack-{pack}.yml").write_text(text, encoding="utf-8")


def _build(packs: Path, out: Path) -> Sequence[str]:
    run = "from generator.commands import rules; rules()"
    return [sys.executable, "-c", run, "build", str(packs), "-o", str(out)]


def _run(command: Sequence[str], cache: Path, out: IO[str] | int = subprocess.DEVNULL) -> Run:
    begin = time.perf_counter()
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Run(time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


if __name__ == "__main__":
    main()
