"""Tests that a pack gives of its own rules: their form, and that nothing of them is built."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest

from generator.proof.given import given
from generator.proof.schema import samples
from tests.generator.packs import alert, compile_text, pack

PROMQL = "promql: {expr: up == 0}"


def with_tests(tests: str, rule: str = "") -> str:
    """A pack whose one rule has these tests; the first stands on line 12."""
    rule = rule or alert(PROMQL)
    return pack(f"{rule}\n  tests:\n{indent(tests, '    ')}")


def told(text: str, folder: Path) -> tuple[str, str]:
    """The one problem of a pack and what stands at its place, as far as a blank."""
    [problem] = compile_text(text, folder).problems
    line = text.splitlines()[problem.at.line - 1][problem.at.column - 1 :]
    return problem.message, line.split()[0]


@pytest.mark.parametrize(
    ("test", "begin", "message"),
    [
        ("- {series: {up: 1x9}}", "{series:", "asks nothing"),
        ("- {series: {up: 1y9}, fires: [1m]}", "1y9},", "the values cannot be read at '1y9'"),
        ("- {series: {up: ''}, fires: [1m]}", "''},", "no values"),
        ("- {series: {up: 1x9 2x}, fires: [1m]}", "1x9", "the values cannot be read at '2x'"),
        ("- {series: {up: '0x999999999'}, fires: [1m]}", "{series:", "more than 200,000 samples"),
        ("- {series: {'up{': 1x9}, fires: [1m]}", "1x9},", "is no series"),
        ("- {series: {'up{a=~\"b\"}': 1x9}, fires: [1m]}", "1x9},", "is no series"),
        ("- {series: {'rate(up[5m])': 1x9}, fires: [1m]}", "1x9},", "is no series"),
        ("- {series: {'{a=\"b\"}': 1x9}, fires: [1m]}", "1x9},", "names no metric"),
        ("- {series: {up: 1x9}, fires: [1]}", "1]}", "is not a duration"),
        ("- {series: {up: 1x9}, fires: [500d]}", "500d]}", "is too late"),
        (
            "- {series: {up: 1x9}, fires: [1m], silent: [1m]}",
            "{series:",
            "says that it fires and that it is silent at 1m",
        ),
        ("- {series: {up: 1x9}, silent: [1m], alerts: [{}]}", "{series:", "says what fires, and not when"),
        ("- {series: {up: 1x9}, fires: [1m], interval: 0s}", "0s}", "holds no time"),
        ("- {series: {up: 1x9}, fires: [1m], values: {}}", "values:", "unknown key 'values'"),
        ("- {series: {up: 0x9}, fires: [1m]}", "0x9},", "the values are no text: 9"),
        ("- {fires: [1m]}", "{fires:", "the key 'series' is missing"),
        ("- up", "up", "must be a mapping"),
    ],
)
def test_what_is_amiss_is_told_where_it_stands(test: str, begin: str, message: str, tmp_path: Path) -> None:
    """A series that cannot be read, a time that is none: the place in the pack, at every build and check."""
    said, place = told(with_tests(test), tmp_path)
    assert message in said
    assert place == begin


@pytest.mark.parametrize(
    ("test", "begin", "message"),
    [
        ("- {series: {up: 1x9}, values: {1m: {'{': 1}}}", "1}}}", "is no series"),
        ("- {series: {up: 1x9}, values: {1m: {'{}': .nan}}}", ".nan}}}", "nan is not a number"),
        ("- {series: {up: 1x9}, values: {x: {'{}': 1}}}", "{'{}':", "is not a duration"),
        ("- {series: {up: 1x9}, values: {}}", "{series:", "is empty"),
        ("- {series: {up: 1x9}, fires: [1m], values: {1m: {'{}': 1}}}", "fires:", "unknown key 'fires'"),
    ],
)
def test_what_is_amiss_with_a_record_is_told(test: str, begin: str, message: str, tmp_path: Path) -> None:
    """A record is asked for values, by time and labels."""
    record = "- record: job:up:sum\n  expr: sum by (job) (up)"
    said, place = told(with_tests(test, record), tmp_path)
    assert message in said
    assert place == begin


@pytest.mark.parametrize(
    ("notation", "count"),
    [
        ("1", 1),
        ("1 2 3", 3),
        ("0x9", 10),
        ("0+5x9", 10),
        ("-1.5-2e3x2 _ stale", 5),
        ("_x4 NaN +Inf", 6),
        (".5", 1),
        ("{{schema:0 count:1}}x3", 4),
        ("{{count:1}}+{{count:2}}x3 1", 5),
        ("  7x1\n 8 ", 3),
    ],
)
def test_samples_are_counted_as_promtool_makes_them(notation: str, count: int) -> None:
    """`x9` is nine more of a value, and nine gaps."""
    assert samples(notation) == count


def test_tests_change_nothing_that_is_built(tmp_path: Path) -> None:
    """The rule file is the same to the byte with tests and without, and every target and cache sees the same rules."""
    test = "- {series: {up: '0x9'}, fires: [1m]}"
    plain, tested = (compile_text(text, tmp_path) for text in (pack(alert(PROMQL)), with_tests(test)))
    assert tested.problems == ()
    assert tested.files == plain.files


def test_parameters_stand_in_tests_too(tmp_path: Path) -> None:
    """A test that says `$(limit)` follows the pack's parameter."""
    rule = alert("threshold: {expr: queue, above: $(limit)}")
    test = "  tests: [{name: at the limit, series: {queue: $(limit)x9}, silent: [1m]}]"
    compiled = compile_text(pack(f"{rule}\n{test}", "{limit: {default: 7}}"), tmp_path)
    assert compiled.problems == ()
    [trial] = given(compiled.packs[0].rules[0])
    assert trial.case.series == {"queue": "7x9"}
    assert (trial.case.name, trial.case.author) == ("at the limit", "pack")


def test_what_a_template_records_has_no_tests_of_its_own(tmp_path: Path) -> None:
    """The tests of an alert are not those of the records that come with it."""
    rule = alert("anomaly: {expr: queue, engine: promql}")
    compiled = compile_text(with_tests("- {series: {queue: 7x9}, silent: [1m]}", rule), tmp_path)
    assert compiled.problems == ()
    found = [(rule.kind, len(given(rule))) for rule in compiled.packs[0].rules]
    assert found[-1] == ("alert", 1)
    assert {count for kind, count in found if kind == "record"} == {0}
