"""Expressions that rest on records, said without them: they have the same values, in a real Prometheus too."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from generator import inlining
from generator.foreign import compile_document
from generator.inlining import Inlining, Moments, TooLongError, recorded
from generator.rule import Pack
from tests.generator.playing import ENVIRONMENT
from tocsin import promql, yamltree

MINUTE = timedelta(minutes=1)

# Records as a rule file has them: name, expression, labels.
Written = tuple[str, str, Mapping[str, str]]

SUM: Written = ("job:errors:sum", "sum by (job) (errors)", {})
LABELLED: Written = ("job:errors:sum", "sum by (job) (errors)", {"level": "job", "cost": "a$1"})

# What it shows, the records, the expression over them.
CASES: list[tuple[str, list[Written], str]] = [
    ("a selector", [SUM], "job:errors:sum"),
    ("a comparison", [SUM], "job:errors:sum > 20"),
    ("a matcher of a label that it has", [SUM], 'job:errors:sum{job="a"}'),
    ("a matcher of a label that it has not", [SUM], 'job:errors:sum{instance=""}'),
    ("a matcher that nothing meets", [SUM], 'job:errors:sum{job="none"}'),
    ("a regular expression", [SUM], 'job:errors:sum{job=~"a|c.*"}'),
    ("a negative regular expression", [SUM], 'job:errors:sum{job!~"a|c.*"}'),
    ("a negative matcher", [SUM], 'job:errors:sum{job!="b"}'),
    ("a value with signs of regular expressions", [SUM], 'job:errors:sum{job="a.(b)\\"c d-é"}'),
    ("several matchers", [SUM], 'job:errors:sum{job!="b",job=~"a|b",instance=""}'),
    ("labels that the record puts on", [LABELLED], "job:errors:sum"),
    ("a matcher of a label that the record puts on", [LABELLED], 'job:errors:sum{level="job",job="a"}'),
    ("and of another value", [LABELLED], 'job:errors:sum{level="instance"}'),
    ("a value with a dollar sign", [LABELLED], 'job:errors:sum{cost="a$1"}'),
    ("a range", [SUM], "avg_over_time(job:errors:sum[5m])"),
    ("a range with a matcher", [SUM], 'max_over_time(job:errors:sum{job="a"}[3m])'),
    ("how much there is in a range", [SUM], "count_over_time(job:errors:sum[4m])"),
    ("a rate of what was recorded", [("job:seen:sum", "sum by (job) (seen_total)", {})], "rate(job:seen:sum[5m])"),
    ("an offset", [SUM], "job:errors:sum offset 3m"),
    ("a range with an offset", [SUM], "sum_over_time(job:errors:sum[3m] offset 2m)"),
    ("a subquery", [SUM], "min_over_time(job:errors:sum[4m:1m])"),
    ("its name in the result", [SUM], 'sum by (__name__) ({__name__="job:errors:sum"})'),
    ("a scalar", [("limit", "20", {"of": "errors"})], "sum(job:errors:sum) > sum(limit) or limit"),
    ("one that is gone in between", [("busy", "errors > 20", {})], "busy"),
    ("and over a range", [("busy", "errors > 20", {})], "count_over_time(busy[3m])"),
    ("a record of a record", [SUM, ("errors:avg5m", "avg_over_time(job:errors:sum[5m])", {})], "errors:avg5m > 15"),
    (
        "a range of a record of a record",
        [SUM, ("errors:avg3m", 'avg_over_time(job:errors:sum{job!="c"}[3m])', {"span": "3m"})],
        'max_over_time(errors:avg3m{span="3m"}[3m])',
    ),
    (
        "two records of one name",
        [("errors:of", 'sum(errors{job="a"})', {"of": "a"}), ("errors:of", 'sum(errors{job="b"})', {"of": "b"})],
        "errors:of",
    ),
    (
        "one of two records of one name",
        [("errors:of", 'sum(errors{job="a"})', {"of": "a"}), ("errors:of", 'sum(errors{job="b"})', {"of": "b"})],
        'sum_over_time(errors:of{of="b"}[3m])',
    ),
    ("two records together", [SUM, ("job:all:sum", "sum by (job) (seen_total)", {})], "job:errors:sum / job:all:sum"),
    ("a record twice", [SUM], "job:errors:sum > avg_over_time(job:errors:sum[10m])"),
    ("absence", [SUM], 'absent(job:errors:sum{job="none"})'),
]
SERIES = {
    'errors{job="a",instance="1"}': "1+2x30",
    'errors{job="a",instance="2"}': "5 5 5 _ _ _ _ _ _ _ 40x20",
    'errors{job="b",instance="1"}': "30-1x30",
    'errors{job="c d",instance="1"}': "stale 7 9 stale _ _ _ _ _ 3x20",
    'errors{job="a.(b)\\"c d-é",instance="1"}': "8x30",
    'seen_total{job="a",instance="1"}': "0+90x12 0+60x18",
    'seen_total{job="b",instance="1"}': "0+9x30",
}
MINUTES = (1, 4, 5, 11, 12, 25)


def packs(*groups: Sequence[Written], interval: str = "1m") -> Sequence[Pack]:
    """A rule file of these groups."""
    text = json.dumps(
        {
            "groups": [
                {"name": f"group{number}", "interval": interval, "rules": list(map(_rule, records))}
                for number, records in enumerate(groups)
            ]
        }
    )
    documents, _ = yamltree.parse(text, "rules.yml")
    return [pack for document in documents for pack in compile_document(document)[0]]


def _rule(written: Written) -> dict[str, Any]:
    name, expr, labels = written
    return {"record": name, "expr": expr, **({"labels": dict(labels)} if labels else {})}


def inlined(expr: str, *records: Written, interval: timedelta = MINUTE, recorded_each: str = "1m") -> str:
    """The expression of a rule that is evaluated every `interval`, without the records."""
    known = recorded(packs(records, interval=recorded_each), MINUTE)
    return Inlining(known).inlined(promql.parse(expr), Moments(interval)).text


@pytest.mark.real
def test_same_values(tmp_path: Path, promtool: Path) -> None:
    """At every time an expression has the same series and values with its records and without them."""
    tests = [_test(tmp_path, number, *case) for number, case in enumerate(CASES)]
    run = subprocess.run(
        [promtool, "test", "rules", *tests],
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("SUCCESS") == len(CASES)


def _test(folder: Path, number: int, shows: str, records: list[Written], expr: str) -> Path:
    """A promtool test that fails where one has what the other has not."""
    rules = folder / f"{number}-rules.yml"
    rules.write_text(json.dumps({"groups": [{"name": "g", "interval": "1m", "rules": list(map(_rule, records))}]}))
    without = inlined(expr, *records)
    assert not any(name in promql.parse(without).text.replace(f'"{name}"', "") for name, _, _ in records), without
    pairs = (f"({expr}) unless ({without})", f"({without}) unless ({expr})", f"({expr}) != ({without})")
    asked = [{"expr": pair, "eval_time": f"{minute}m", "exp_samples": []} for pair in pairs for minute in MINUTES]
    series = [{"series": name, "values": values} for name, values in SERIES.items()]
    case = {"name": shows, "interval": "1m", "input_series": series, "promql_expr_test": asked}
    file = folder / f"{number}-test.yml"
    file.write_text(json.dumps({"rule_files": [rules.name], "evaluation_interval": "1m", "tests": [case]}))
    return file


def test_nothing_recorded() -> None:
    """An expression without records is left as it is."""
    assert inlined("rate(errors[5m]) > 1", SUM) == "rate(errors[5m]) > 1"


@pytest.mark.parametrize(
    ("interval", "recorded_each", "range_"),
    [
        (timedelta(minutes=1), "1m", None),
        (timedelta(minutes=1), "30s", None),  # each evaluation is one of the record's, too
        (timedelta(minutes=3), "1m", None),
        (timedelta(seconds=30), "1m", "59s999ms:1m"),
        (timedelta(minutes=1), "90s", "1m29s999ms:1m30s"),
        (timedelta(minutes=1), "10m", "5m:10m"),  # no sample is looked back for longer
    ],
)
def test_other_rhythms(interval: timedelta, recorded_each: str, range_: str | None) -> None:
    """Between two evaluations of a record stands what it gave at the first, as long as a sample is looked back for."""
    shown = inlined("limit", ("limit", "errors", {}), interval=interval, recorded_each=recorded_each)
    assert (f"[{range_}]" in shown) if range_ else ("[" not in shown)


def test_recorded_twice() -> None:
    """A record that stands in two files, the same in both, is said once."""
    assert inlined("now", ("now", "errors", {}), ("now", "errors", {})).count("errors") == 1


def test_a_record_of_itself() -> None:
    """A record that reads itself reads what is stored of it."""
    shown = inlined("total", ("total", "total + errors or errors", {}))
    assert shown.count("total + errors or errors") == 1


def test_records_in_a_circle() -> None:
    """Two records that read one another end as well."""
    first: Written = ("first", "second offset 1m or errors", {})
    assert "errors" in inlined("first", first, ("second", "first", {}))


def test_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that double at each level are told, not asked for."""
    monkeypatch.setattr(inlining, "LONGEST", 20_000)
    chain: list[Written] = [("level0", "errors", {})]
    chain += [(f"level{n}", f"level{n - 1} + level{n - 1}", {}) for n in range(1, 25)]
    with pytest.raises(TooLongError, match="longer than 20,000 characters"):
        inlined("level24", *chain)


SEVEN_LATER = "last_over_time((errors offset -7s)[59s999ms:1m] offset 7s)"


@pytest.mark.parametrize(
    ("expr", "shown"),
    [
        ("now", SEVEN_LATER),
        ("sum_over_time(now[5m] offset 1m)", "sum_over_time((errors offset -7s)[5m:1m] offset 1m7s)"),
        (
            "sum_over_time(now[5m:2m])",
            "sum_over_time((last_over_time((errors offset -7s)[59s999ms:1m] offset 7s))[5m:2m])",
        ),
    ],
)
def test_at_other_moments(expr: str, shown: str) -> None:
    """Where a server writes a record some seconds after the full minute, it is those values that stand for it."""
    known = recorded(packs([("now", "errors", {})]), MINUTE, lambda group, rule, interval: timedelta(seconds=7))
    found = Inlining(known).inlined(promql.parse(expr), Moments(MINUTE)).text
    bare = re.sub(r'label_replace\(\s*(\S+ offset -7s),\s*"__name__",\s*"now",\s*"",\s*""\s*\)', r"\1", found)
    assert promql.parse(bare.replace("((errors offset -7s))", "(errors offset -7s)")).text == promql.parse(shown).text


@pytest.mark.parametrize(("every", "offset", "same"), [(60, 7, True), (120, 67, True), (60, 8, False), (90, 7, False)])
def test_same_moments(every: int, offset: int, same: bool) -> None:
    """An expression evaluated only when the record is, too, reads what the record's own gives just then."""
    known = recorded(packs([("now", "errors", {})]), MINUTE, lambda group, rule, interval: timedelta(seconds=7))
    moments = Moments(timedelta(seconds=every), timedelta(seconds=offset))
    assert ("last_over_time" not in Inlining(known).inlined(promql.parse("now"), moments).text) is same


def test_groups() -> None:
    """A group's labels are those of its records that have none of that name; without an interval it has the given."""
    group = {"name": "g", "labels": {"a": "1", "b": "2"}, "rules": [_rule(("x", "y", {"b": "3"}))]}
    documents, _ = yamltree.parse(json.dumps({"groups": [group]}), "rules.yml")
    found = recorded([pack for document in documents for pack in compile_document(document)[0]], timedelta(seconds=15))
    assert [(one.labels, one.written.every.seconds) for one in found["x"]] == [({"a": "1", "b": "3"}, 15)]
