"""The table of what each Prometheus knows, held against the real ones."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from generator import version

# What a call is written like where the name alone does not tell.
CALLS = {
    "absent_over_time": "absent_over_time(a[5m])",
    "clamp": "clamp(a, 0, 1)",
    "double_exponential_smoothing": "double_exponential_smoothing(a[5m], 0.1, 0.2)",
    "end": "a > end()",
    "histogram_fraction": "histogram_fraction(0, 1, a)",
    "histogram_quantiles": 'histogram_quantiles(a, "q", 0.5, 0.9)',
    "integral": "integral(a[5m])",
    "limit_ratio": "limit_ratio(0.5, a)",
    "limitk": "limitk(3, a)",
    "max_of": "a > max_of(1, 2)",
    "min_of": "a > min_of(1, 2)",
    "pi": "a > pi()",
    "range": "a > range()",
    "sort_by_label": 'sort_by_label(a, "b")',
    "sort_by_label_desc": 'sort_by_label_desc(a, "b")',
    "start": "a > start()",
    "step": "a > step()",
}
OTHERS = {
    "a @ 5": version.AT_MODIFIER,
    "a offset -5m": version.NEGATIVE_OFFSET,
    "a atan2 b": version.ATAN2,
    "a + on () fill (0) b": version.FILL,
    'sum by ("a.b") (c)': version.UTF8,
    'up{"a.b"="c"}': version.UTF8,
}
FIELDS = {"limit": 3, "keep_firing_for": "5m", "query_offset": "1m", "labels": {"a": "b"}}
RULE = {"alert": "A", "expr": "up == 0"}


def call(name: str) -> str:
    return CALLS.get(name) or (f"{name}(a[5m])" if name.endswith("_over_time") else f"{name}(a)")


@pytest.mark.real
def test_both_prometheis_know_what_the_table_says(promtool: Path, tmp_path: Path) -> None:
    """Of each function, modifier and field, promtool takes what its version has, and refuses the rest."""
    group: dict[str, object] = {"name": "g", "rules": [RULE]}
    known: dict[str, version.Version] = {}
    for text, since in ({call(name): since for name, since in version.FUNCTIONS.items()} | OTHERS).items():
        known[_written(tmp_path, len(known), {**group, "rules": [{"record": "r", "expr": text}]})] = since
    for field, since in version.FIELDS.items():
        of_rule = field == "keep_firing_for"
        told = {field: FIELDS[field]}
        tree = {**group, "rules": [{**RULE, **told}]} if of_rule else {**group, **told}
        known[_written(tmp_path, len(known), tree)] = since
    command = [str(promtool), "check", "rules", "--enable-feature=promql-experimental-functions", *known]
    said = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    taken = set(re.findall(r"Checking ([0-9]{3}\.yml)\n  SUCCESS", said.stdout))
    assert {name: (tmp_path / name).read_text() for name in taken ^ _due(known, promtool)} == {}


def _written(folder: Path, number: int, group: dict[str, object]) -> str:
    (folder / f"{number:03}.yml").write_text(json.dumps({"groups": [group]}))
    return f"{number:03}.yml"


def _due(known: dict[str, version.Version], promtool: Path) -> set[str]:
    said = subprocess.run([promtool, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"version ([0-9]+\.[0-9]+)", said)
    assert found
    return {name for name, since in known.items() if since <= version.parse(found[1])}
