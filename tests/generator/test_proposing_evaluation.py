"""The worlds in which cases are sought behave as a real Prometheus of each age does."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from generator.proof import natives
from generator.proof.expressions import Reader
from generator.proof.notation import series_name, values
from generator.proof.runs import Run, vector
from generator.proof.sources import Played
from generator.proof.vectors import NAME, NATIVE
from generator.proof.worlds import BORN, GONE, JUMP, LATER, LEVEL, MOMENT, PERIOD, SLOPE, Worlds, resting
from tests import real
from tocsin import promql
from tocsin.model import Labels

Tests = dict[str, object]  # one item of promql_expr_test

MINUTES = (0, 1, 2, 4, 5, 6, 9, 13, 20, 29)
SAMPLES = 30

# Each series with what it does, sample after sample.
SERIES: list[tuple[Labels, dict[int, float]]] = [
    ({NAME: "gauge", "job": "a", "instance": "1"}, {LEVEL: 7}),
    ({NAME: "gauge", "job": "a", "instance": "2"}, {LEVEL: 3, MOMENT: 6, JUMP: 4}),
    ({NAME: "gauge", "job": "b", "instance": "1"}, {LEVEL: 5, SLOPE: -0.5}),
    ({NAME: "limit", "job": "a"}, {LEVEL: 10}),
    ({NAME: "limit", "job": "b"}, {LEVEL: 4, MOMENT: 9, GONE: 9}),
    ({NAME: "requests_total", "job": "a", "code": "200"}, {SLOPE: 60}),
    ({NAME: "requests_total", "job": "a", "code": "500"}, {SLOPE: 3, MOMENT: 8, LATER: 30}),
    ({NAME: "requests_total", "job": "b", "code": "200"}, {LEVEL: 100, SLOPE: 12, BORN: 5, MOMENT: 5}),
    ({NAME: "toggle", "job": "a"}, {JUMP: 1, MOMENT: 0, PERIOD: 3}),
    ({NAME: "seconds_bucket", "job": "a", "le": "0.5"}, {SLOPE: 80}),
    ({NAME: "seconds_bucket", "job": "a", "le": "2"}, {SLOPE: 95}),
    ({NAME: "seconds_bucket", "job": "a", "le": "+Inf"}, {SLOPE: 100}),
]

EXPRESSIONS = [
    "gauge",
    'gauge{job=~"a|c",instance!="2"}',
    "gauge offset 5m",
    "gauge @ 300",
    "limit",
    "-gauge",
    "gauge * 2 + 1 % 3 - 4 ^ 2 / 3",
    "gauge > 4",
    "gauge > bool 4",
    "3 < gauge <= 7",
    "rate(requests_total[5m])",
    "increase(requests_total[3m])",
    "irate(requests_total[5m])",
    "rate(requests_total[4m30s])",
    "delta(gauge[7m])",
    "idelta(gauge[7m])",
    "round(deriv(gauge[10m]), 1e-9)",
    "round(predict_linear(gauge[10m], 3600), 1e-9)",
    "changes(toggle[10m])",
    "resets(toggle[10m])",
    "avg_over_time(gauge[4m])",
    "min_over_time(gauge[4m]) - max_over_time(gauge[9m])",
    "sum_over_time(gauge[4m])",
    "count_over_time(limit[6m])",
    "present_over_time(limit[6m])",
    "last_over_time(limit[8m])",
    "round(stddev_over_time(gauge[9m]), 1e-9)",
    "quantile_over_time(0.3, gauge[9m])",
    'absent_over_time(limit{job="b"}[3m])',
    "max_over_time(rate(requests_total[3m])[10m:2m])",
    "avg_over_time((gauge > 4)[10m:1m] offset 2m)",
    "sum by (job) (gauge)",
    "avg without (instance) (gauge)",
    "count(gauge > 4)",
    "min(gauge)",
    "max by (job) (gauge)",
    "round(stdvar(gauge), 1e-9)",
    "group by (job) (limit)",
    "quantile by (job) (0.4, gauge)",
    "topk(1, limit)",
    "bottomk(1, limit)",
    'count_values by (job) ("value", limit)',
    "gauge / on (job) group_left limit",
    "limit * on (job) group_right gauge",
    "sum by (job) (gauge) / limit",
    "gauge > on (job) group_left limit",
    "gauge and on (job) limit",
    "gauge unless on (job) limit > 5",
    "limit or sum by (job) (gauge)",
    'gauge{job="b"} or on () vector(1)',
    'count(requests_total{code="500"} / ignoring (code) requests_total{code="200"})',
    'absent(limit{job="b"})',
    "absent(gauge)",
    "vector(time())",
    "time() - gauge",
    "timestamp(limit)",
    "hour() + minute() + day_of_week() + day_of_month() + month() + year() + day_of_year() + days_in_month()",
    'vector(scalar(limit{job="a"}))',
    "count(vector(scalar(limit)))",
    "abs(-gauge) + ceil(gauge) + floor(gauge) + round(gauge, 2) + sgn(gauge)",
    'sqrt(gauge{job="a"}) + ln(gauge{job="a"}) + exp(gauge{job="a"}) + log2(gauge{job="a"}) + log10(gauge{job="a"})',
    "clamp(gauge, 4, 6) + clamp_min(gauge, 5) + clamp_max(gauge, 5)",
    'label_replace(gauge, "host", "h-$1", "instance", "(.*)")',
    'label_join(gauge, "both", "/", "job", "instance")',
    "histogram_quantile(0.9, rate(seconds_bucket[5m]))",
    "histogram_quantile(0.99, sum by (le) (rate(seconds_bucket[5m])))",
]


def _worlds() -> tuple[tuple[Labels, ...], Worlds]:
    numbers = resting(len(SERIES), 1)
    for row, (_, fields) in enumerate(SERIES):
        for field, value in fields.items():
            numbers[row, field, 0] = value
    return tuple(labels for labels, _ in SERIES), Worlds(numbers)


def _expected(expression: str, labels: tuple[Labels, ...], worlds: Worlds, *, closed: bool) -> list[Tests]:
    """What is computed here, as promtool is to find it."""
    times = np.asarray([60.0 * minute for minute in MINUTES])
    run = Run(worlds, Played(labels, 60.0), 60.0, closed=closed)
    found = vector(run, times, Reader({}).compute(promql.parse(expression).tree)(run, times))
    shape = run.shape(len(found.labels), times)
    shown, there = np.broadcast_to(found.values, shape), np.broadcast_to(found.present, shape)
    tests: list[Tests] = []
    for place, minute in enumerate(MINUTES):
        rows = [row for row in range(shape[0]) if there[row, 0, place]]
        samples = [
            {"labels": series_name(found.labels[row]) or "{}", "value": float(shown[row, 0, place])} for row in rows
        ]
        tests.append({"expr": expression, "eval_time": f"{minute}m", "exp_samples": samples})
    return tests


def _played(promtool: Path, folder: Path, series: dict[str, str], tests: list[Tests]) -> str:
    """What promtool has to say against the tests."""
    inputs = [{"series": name, "values": text} for name, text in series.items()]
    test = {"interval": "1m", "input_series": inputs, "promql_expr_test": tests}
    (folder / "test.yml").write_text(json.dumps({"evaluation_interval": "1m", "tests": [test]}))
    ran = subprocess.run(
        [str(promtool), "test", "rules", "test.yml"], cwd=folder, capture_output=True, text=True, check=False
    )
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr


@pytest.mark.real
def test_expressions_have_the_values_that_prometheus_finds(binaries: real.Binaries, tmp_path: Path) -> None:
    """Functions, operators, matching, ranges, offsets, staleness: sample by sample, windows at their edges."""
    labels, worlds = _worlds()
    series = {series_name(one): values(worlds, row, 0, SAMPLES) for row, one in enumerate(labels)}
    closed = binaries.name == "oldest"
    tests = [test for text in EXPRESSIONS for test in _expected(text, labels, worlds, closed=closed)]
    assert _played(binaries.promtool, tmp_path, series, tests) == ""


NATIVE_EXPRESSIONS = [
    "round(histogram_quantile(0.5, rate(native[5m])), 1e-9)",
    "round(histogram_quantile(0.99, sum(rate(native[5m]))), 1e-9)",
    "round(histogram_count(sum(rate(native[5m]))), 1e-9)",
    "round(histogram_sum(rate(native[5m])), 1e-9)",
    "round(histogram_fraction(0, 3, sum(rate(native[5m]))), 1e-9)",
    "round(histogram_fraction(-Inf, 1, rate(native[5m])), 1e-9)",
]


@pytest.mark.real
def test_native_histograms_have_the_values_that_prometheus_finds(tmp_path: Path) -> None:
    """Exponential interpolation within buckets of schema 0, as Prometheus 3 has it."""
    parts = {"0": 10.0, "1": 30.0, "2": 15.0, "sum": 90.0}
    labels = tuple({NAME: "native", "job": "a", NATIVE: part} for part in parts)
    numbers = resting(len(parts), 1)
    numbers[:, SLOPE, 0] = list(parts.values())
    worlds = Worlds(numbers)
    text = natives.notation(worlds, {part: row for row, part in enumerate(parts)}, SAMPLES)
    tests = [
        test
        for expression in NATIVE_EXPRESSIONS
        for test in _expected(expression, labels, worlds, closed=False)
        if test["eval_time"] not in ("0m", "1m", "2m", "4m", "5m")
    ]
    promtool = real.pair("current").promtool
    assert _played(promtool, tmp_path, {'native{job="a"}': text}, tests) == ""
