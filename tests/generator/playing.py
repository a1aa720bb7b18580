"""Series played to an alert in a real Prometheus, by promtool."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from generator.output import write
from tests.generator.packs import compile_text, pack

# A query, the minute at which it is asked, and the value it then has, without labels.
Query = tuple[str, int, float]


def play(
    rules: str,
    series: Mapping[str, str],
    firing: Sequence[int],
    silent: Sequence[int],
    *,
    promtool: Path,
    folder: Path,
    step_minutes: int = 1,
) -> None:
    """The rules' one alert fires at these minutes and is silent at those; the series have a sample each step."""
    count = 'count(ALERTS{alertstate="firing"}) or vector(0)'
    queries = [(count, minute, 1.0) for minute in firing] + [(count, minute, 0.0) for minute in silent]
    ask(rules, series, queries, promtool=promtool, folder=folder, step_minutes=step_minutes)


def ask(
    rules: str,
    series: Mapping[str, str],
    queries: Sequence[Query],
    *,
    promtool: Path,
    folder: Path,
    step_minutes: int = 1,
) -> None:
    """The rules have no problems, and a Prometheus that evaluates them each step gives these answers."""
    compiled = compile_text(pack(rules), folder)
    assert compiled.problems == ()
    write(compiled.files, folder)
    (folder / "unit.yml").write_text(json.dumps(_unit_test(series, queries, f"{step_minutes}m")))
    run = [str(promtool), "test", "rules", "unit.yml"]
    tested = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def _unit_test(series: Mapping[str, str], queries: Sequence[Query], step: str) -> dict[str, object]:
    """A promtool test; `1x9` stands for ten samples of 1."""
    expected = [
        {"expr": expr, "eval_time": f"{minute}m", "exp_samples": [{"labels": "{}", "value": value}]}
        for expr, minute, value in queries
    ]
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    test = {"interval": step, "input_series": inputs, "promql_expr_test": expected}
    return {"rule_files": ["test.yml"], "evaluation_interval": step, "tests": [test]}
