"""Series played to rules in a real Prometheus, by promtool: one run for a whole table of cases."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from generator.output import write
from tests.generator.packs import compile_text, pack

# What it shows, a template, series, minutes at which its alert fires, minutes at which it does not.
Played = tuple[str, str, dict[str, str], list[int], list[int]]

# A query, the minute at which it is asked, and the value it then has, without labels.
Query = tuple[str, int, float]

FIRING = 'count(ALERTS{alertstate="firing"}) or vector(0)'

# Most of a short run is the start of the process and its garbage collector, and there is memory enough.
ENVIRONMENT = {"GOGC": "400", "GOMAXPROCS": "1"}


@dataclass(frozen=True)
class Case:
    """What rules answer while these series come in, with a sample each step."""

    shows: str
    rules: str
    series: Mapping[str, str]
    queries: Sequence[Query]


def fires(shows: str, rules: str, series: Mapping[str, str], firing: Sequence[int], silent: Sequence[int]) -> Case:
    """The rules' one alert fires at these minutes and is silent at those."""
    queries = [(FIRING, minute, 1.0) for minute in firing] + [(FIRING, minute, 0.0) for minute in silent]
    return Case(shows, rules, series, queries)


def play(cases: Iterable[Case], *, promtool: Path, folder: Path, step_minutes: int = 1) -> None:
    """The rules have no problems, and a Prometheus that evaluates them each step gives the answers of every case.

    What promtool says of a case stands under the case's name.
    """
    tests = [_written(case, folder, f"{number:03}", f"{step_minutes}m") for number, case in enumerate(cases)]
    run = [str(promtool), "test", "rules", *tests]
    environment = {**os.environ, **ENVIRONMENT}
    tested = subprocess.run(run, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert tested.returncode == 0, _failed(tested.stdout) + tested.stderr
    assert tested.stdout.count("SUCCESS") == len(tests)


def _written(case: Case, folder: Path, number: str, step: str) -> str:
    """The file of the case's unit test, beside the rules it is about."""
    name = re.sub(r"\W+", "-", f"{number} {case.shows}")
    (folder / name).mkdir(exist_ok=True)
    compiled = compile_text(pack(case.rules), folder / name)
    assert compiled.problems == (), case.shows
    write(compiled.files, folder / name)
    (folder / name / "unit.yml").write_text(json.dumps(_unit_test(case, step)))
    return f"{name}/unit.yml"


def _unit_test(case: Case, step: str) -> dict[str, object]:
    """A promtool test; `1x9` stands for ten samples of 1."""
    expected = [
        {"expr": expr, "eval_time": f"{minute}m", "exp_samples": [{"labels": "{}", "value": value}]}
        for expr, minute, value in case.queries
    ]
    inputs = [{"series": name, "values": values} for name, values in case.series.items()]
    test = {"interval": step, "input_series": inputs, "promql_expr_test": expected}
    return {"rule_files": ["test.yml"], "evaluation_interval": step, "tests": [test]}


def _failed(said: str) -> str:
    """What promtool said of the files that failed."""
    files = re.split(r"^(?=Unit Testing:)", said, flags=re.MULTILINE)
    return "".join(file for file in files if "SUCCESS" not in file)
