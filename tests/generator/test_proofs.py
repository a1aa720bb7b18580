"""`tocsin rules test`: rules proven by a real promtool, and what is told of those that are not."""

from __future__ import annotations

import json
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree

import pytest

from generator.proof.case import Case
from tests.generator.packs import HEAD
from tests.generator.proofs import proposing, told
from tocsin.errors import MissingExtra

MINUTE = timedelta(minutes=1)

# What becomes of each rule by the tests that its pack gives: the status and what the reason says.
GIVEN = {
    "job:queue:max": ("proven", ""),
    "WrongValue:max": ("failed", "at 10m {queue='mail'} is 1E+01, not 11"),
    "Grows": ("proven", ""),
    "TwoFire": ("proven", ""),
    "Late": ("failed", "is silent at 4m and should fire; fires at 6m and should be silent: {"),
    "Others": ("failed", "at 6m no alert with {pod='b'} fires; got pod='a'"),
    "More": ("failed", "at 2m another alert fires: {"),
    "Never": ("unproven", "no test of it fires"),
    "Untested": ("unproven", "nothing is found"),
    "NoLabel": ("failed", "annotation 'summary' shows the label 'pod', which the alert has not: 'in '"),
    "NoAnswer": ("failed", "annotation 'summary' cannot be rendered: first: first() called on vector with no elements"),
    "NoValue": ("failed", "annotation 'description' renders <no value>: 'is <no value>'"),
    "Empty": ("failed", "annotation 'summary' renders nothing"),
    "Chosen": ("proven", ""),
    "TooLong": ("failed", "144,000 evaluations, one every 1m, are more than 100,000"),
    "Ambiguous": ("failed", "found duplicate series for the match group"),
}

PACK = (
    HEAD
    + r"""
params: {limit: {default: 5}}
groups:
  - name: queues
    rules:
      - record: job:queue:max
        expr: max by (queue) (queue)
        tests:
          - name: the largest
            series: {'queue{queue="mail",pod="a"}': 0+1x20, 'queue{queue="mail",pod="b"}': 3x20}
            values: {10m: {'{queue="mail"}': 10}, 1m: {'job:queue:max{queue="mail"}': 3.0000000000001}}
      - record: WrongValue:max
        expr: max by (queue) (queue)
        tests: [{series: {'queue{queue="mail"}': 0+1x20}, values: {10m: {'{queue="mail"}': 11}}}]
      - alert: Grows
        promql: {expr: 'deriv(job:queue:max[5m]) > 0 and job:queue:max > $(limit)'}
        for: 2m
        severity: warning
        summary: "{{ $labels.queue }} grows: \"now\"\t{{ $value | printf \"%.3f\" }} \U0001F514 'é'"
        description: "first: \\ line\n  second line\n"
        tests:
          - name: beyond the limit for two minutes
            series: {'queue{queue="mail",pod="a"}': 0+1x20}
            fires: [8m, 9m]
            silent: [7m]
            alerts: [{labels: {queue: mail}, annotations: {summary: "mail grows: \"now\"\t0.017 \U0001F514 'é'"}}]
      - alert: TwoFire
        promql: {expr: queue > 1}
        severity: info
        summary: '{{ $labels.pod }}'
        tests:
          - series: {'queue{pod="a"}': 7x9, 'queue{pod="b"}': 8x9}
            fires: [1m]
            alerts: [{labels: {severity: info}}, {labels: {pod: a}, annotations: {summary: a}}]
          - series: {'queue{pod="a"}': 1x9}
            silent: [5m]
      - alert: Late
        promql: {expr: queue > 1}
        for: 5m
        severity: info
        summary: late
        tests: [{series: {'queue{pod="a"}': 7x9}, fires: [4m], silent: [6m]}]
      - alert: Others
        promql: {expr: queue > 1}
        severity: info
        summary: others
        tests: [{series: {'queue{pod="a"}': 7x9}, fires: [6m], alerts: [{labels: {pod: b}}]}]
      - alert: More
        promql: {expr: queue > 1}
        severity: info
        summary: more
        tests: [{series: {'queue{pod="a"}': 7x9, 'queue{pod="b"}': 7x9}, fires: [2m], alerts: [{labels: {pod: b}}]}]
      - alert: Never
        promql: {expr: queue > 1}
        severity: info
        summary: never
        tests: [{series: {queue: '0x9'}, silent: [6m]}]
      - {alert: Untested, promql: {expr: queue > 1}, severity: info, summary: untested}
      - alert: NoLabel
        promql: {expr: sum(queue) > 1}
        severity: info
        summary: in {{ $labels.pod }}
        tests: [{series: {'queue{pod="a"}': 7x9}, fires: [6m]}]
      - alert: NoAnswer
        promql: {expr: queue > 1}
        severity: info
        summary: '{{ query "up" | first | value }}'
        tests: [{series: {'queue{pod="a"}': 7x9}, fires: [6m]}]
      - alert: NoValue
        promql: {expr: queue > 1}
        severity: info
        summary: no value
        description: is {{ index (args 1) "arg7" }}
        tests: [{series: {'queue{pod="a"}': 7x9}, fires: [6m]}]
      - alert: Empty
        promql: {expr: queue > 1}
        severity: info
        summary: '{{ $labels.pod }}'
        tests: [{series: {queue: 7x9}, fires: [6m]}]
      - alert: Chosen
        promql: {expr: queue > 1}
        severity: info
        summary: '{{ if $labels.pod }}in {{ $labels.pod }}{{ end }}'
        tests: [{series: {queue: 7x9}, fires: [6m]}]
      - alert: TooLong
        promql: {expr: queue > 1}
        severity: info
        summary: too long
        tests: [{series: {queue: 7x9}, fires: [100d]}]
      - alert: Ambiguous
        promql: {expr: queue * on (pod) group_left up > 1}
        severity: info
        summary: ambiguous
        tests: [{series: {'queue{pod="a"}': 7x9, 'up{pod="a",x="1"}': 1x9, 'up{pod="a",x="2"}': 1x9}, fires: [1m]}]
"""
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which the command is run."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.real
def test_tests_of_a_pack_are_judged(promtool: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too early, too late, other alerts, other values, texts that do not render: each with its reason and place."""
    proposing(monkeypatch)
    Path("pack.yml").write_text(PACK)
    outcome = told(promtool, "pack.yml", "--format", "json")
    got = outcome.rules
    assert {name: status for name, (status, _) in got.items()} == {name: status for name, (status, _) in GIVEN.items()}
    assert [
        name for name, (_, reason) in GIVEN.items() if reason and not any(reason in one for one in got[name][1])
    ] == []
    lines = PACK.splitlines()
    for row in outcome.report["rules"]:
        assert row["rule"] in lines[row["line"] - 1]
        assert all(finding["file"] == "pack.yml" and finding["line"] >= row["line"] for finding in row["findings"])
    assert outcome.report["coverage"] == {"percent": 21.43, "proven": 3, "alerts": 14}
    assert outcome.code == 1


@pytest.mark.real
def test_what_is_kept_is_whole(promtool: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule files and tests of all that is proven pass in promtool by themselves, and expect every label and text."""
    proposing(monkeypatch)
    Path("pack.yml").write_text(PACK)
    told(promtool, "pack.yml", "--write", "kept")
    names = sorted(path.name for path in Path("kept").iterdir())
    stems = ["test-Chosen", "test-Grows", "test-TwoFire", "test-job-queue-max"]
    assert names == [f"{stem}{end}" for stem in stems for end in (".yml", "_test.yml")]
    tests = [name for name in names if name.endswith("_test.yml")]
    run = [str(promtool), "test", "rules", *tests]
    ran = subprocess.run(run, cwd="kept", capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout.count("SUCCESS")) == (0, 4), ran.stderr
    text = Path("kept/test-Grows_test.yml").read_text()
    assert text.startswith("# Generated by tocsin rules test from pack.yml; do not edit.\n")
    assert "name: beyond the limit for two minutes" in text
    for broken in (text.replace("severity: warning", "severity: info"), text.replace("second line", "third line")):
        Path("kept/broken.yml").write_text(broken)
        run = [str(promtool), "test", "rules", "broken.yml"]
        assert subprocess.run(run, cwd="kept", capture_output=True, check=False).returncode == 1
    # Nothing of it is a rule or a test of somebody's when the folder is looked through.
    Path("kept/broken.yml").unlink()
    again = told(promtool, ".", "--format", "json", "--rule", "Grows", "--write", "kept")
    assert (len(again.report["rules"]), again.report["tests"], again.code) == (1, [], 0)
    assert again.err.count("left from an earlier run") == 6


@pytest.mark.real
def test_somebody_elses_file_is_not_overwritten(promtool: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in the way that was not generated stays as it is."""
    proposing(monkeypatch)
    Path("pack.yml").write_text(PACK)
    Path("test-Grows.yml").write_text("mine")
    outcome = told(promtool, "pack.yml", "--write", ".")
    assert (outcome.code, Path("test-Grows.yml").read_text()) == (2, "mine")


THRESHOLD = (
    HEAD + "groups: [{name: g, rules: [{alert: A, promql: {expr: queue > 5}, for: 2m, severity: info, summary: %s}]}]\n"
)
UNTESTED = "alert: B, promql: {expr: x > 0}, severity: info, summary: s"
FIRES = Case("fires", {'queue{pod="a"}': "7x9"}, MINUTE, (2 * MINUTE,), (MINUTE,))
STAYS = Case("stays silent", {'queue{pod="a"}': "5x9"}, MINUTE, (), (5 * MINUTE,))


@pytest.mark.real
@pytest.mark.parametrize(
    ("cases", "summary", "status", "reason"),
    [
        ([FIRES, STAYS], "x", "proven", ""),
        ([], "x", "unproven", "nothing is found"),
        ([STAYS], "x", "unproven", "no test of it fires"),
        (
            [Case("early", FIRES.series, MINUTE, (MINUTE,), ()), STAYS],
            "x",
            "unproven",
            "the generated series did not behave: is silent at 1m and should fire",
        ),
        (
            [FIRES, Case("loud", FIRES.series, MINUTE, (), (5 * MINUTE,))],
            "x",
            "unproven",
            "the generated series did not behave: fires at 5m and should be silent: {owner='platform', pod='a'",
        ),
        (
            [Case("odd", {"queue{": "1x9"}, MINUTE, (MINUTE,), ())],
            "x",
            "unproven",
            "the generated series did not behave: promtool: ",
        ),
        ([FIRES, STAYS], "'{{ $labels.job }}'", "unproven", "annotation 'summary' renders nothing"),
        ([FIRES, STAYS], "'{{ template \"x\" }}'", "failed", "annotation 'summary' cannot be rendered: "),
        (
            [FIRES, STAYS],
            "'{{ query \"up\" | first | value }}'",
            "unproven",
            "annotation 'summary' asks for series that the generated ones do not hold",
        ),
    ],
)
def test_generated_series_are_judged_otherwise(
    cases: list[Case],
    summary: str,
    status: str,
    reason: str,
    promtool: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where series that were found do not behave, the rule is unproven; where its texts are broken, it fails."""
    proposing(monkeypatch, *cases)
    Path("pack.yml").write_text(THRESHOLD % summary)
    outcome = told(promtool, "pack.yml", "--format", "json")
    [(got, reasons)] = outcome.rules.values()
    assert (got, outcome.code) == (status, int(status == "failed"))
    assert [one[: len(reason)] for one in reasons] == ([reason] if reason else [])  # no other, too


@pytest.mark.real
def test_given_tests_need_no_extra(promtool: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be found from rules for want of a library, what a pack gives is played all the same."""

    def propose(*_: object) -> NoReturn:
        raise MissingExtra("numpy", "proof")

    monkeypatch.setattr("generator.proof.subject.propose", propose)
    rules = "{alert: A, promql: {expr: x > 0}, severity: info, summary: s, tests: [{series: {x: 1x9}, fires: [1m]}]}"
    Path("pack.yml").write_text(f"{HEAD}groups: [{{name: g, rules: [{rules}, {{{UNTESTED}}}]}}]\n")
    got = told(promtool, "pack.yml", "--format", "json").rules
    assert got["A"] == ("proven", [])
    assert got["B"][0] == "unproven"
    assert "tocsin[proof]" in got["B"][1][0]


@pytest.mark.real
def test_coverage_can_be_demanded(promtool: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little of it is a failure; the text says how much there is."""
    proposing(monkeypatch, FIRES, STAYS)
    text = THRESHOLD % "x"
    Path("pack.yml").write_text(
        text.replace("]}]\n", ", {alert: B, promql: {expr: up < 1}, severity: info, summary: x}]}]")
    )
    outcome = told(promtool, "pack.yml", "--min-coverage", "50")
    assert (outcome.code, outcome.out.splitlines()[-1]) == (0, "coverage: 50 % (1 of 2 alerts)")
    assert outcome.out.splitlines()[:1] == ["pack.yml: 1 proven, 1 unproven"]
    assert "A:" not in outcome.out
    outcome = told(promtool, "pack.yml", "--min-coverage", "51", "--verbose")
    assert (outcome.code, outcome.err) == (1, "coverage 50.0 % is below 51 %\n")
    assert "  A: proven by generated tests, 2 tests\n" in outcome.out
    assert told(promtool, "pack.yml", "--min-coverage", "51", "--rule", "A").code == 0


@pytest.mark.real
def test_junit(promtool: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite for each pack, a case for each rule: failed ones are failures, unproven ones were skipped."""
    proposing(monkeypatch)
    Path("pack.yml").write_text(PACK)
    [suite] = ElementTree.fromstring(told(promtool, "pack.yml", "--format", "junit").out)
    statuses = [status for status, _ in GIVEN.values()]
    assert suite.attrib == {
        "name": "pack.yml",
        "tests": str(len(GIVEN)),
        "failures": str(statuses.count("failed")),
        "errors": "0",
        "skipped": str(statuses.count("unproven")),
    }
    outcomes = {"proven": [], "failed": ["failure"], "unproven": ["skipped"]}
    cases = {case.get("name"): [outcome.tag for outcome in case] for case in suite}
    assert cases == {name: outcomes[status] for name, (status, _) in GIVEN.items()}


@pytest.mark.real
def test_a_pack_with_errors_is_told_and_the_rest_is_tested(
    promtool: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be compiled is an error; what can is proven all the same."""
    proposing(monkeypatch, FIRES, STAYS)
    Path("good.yml").write_text(THRESHOLD % "x")
    Path("bad.yml").write_text((THRESHOLD % "x").replace("name: test", "name: bad").replace("queue > 5", "queue >"))
    outcome = told(promtool, "good.yml", "bad.yml", "--format", "json")
    assert (outcome.code, outcome.rules) == (1, {"A": ("proven", [])})
    assert [problem["check"] for problem in outcome.report["problems"]] == ["promql-syntax"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere: no such file or folder"),
        (["pack.yml", "--rule", "B"], "B: there is no such alert"),
        (["pack.yml", "--timeout", "soon"], "'soon' is not a duration"),
        (["pack.yml", "--evaluation-interval", "0s"], "holds no time"),
        (["pack.yml", "--min-coverage", "101"], "less than or equal to 100"),
    ],
)
@pytest.mark.real
def test_unusable_arguments(arguments: list[str], message: str, promtool: Path, folder: Path) -> None:
    """Each ends with 2, and says what is wrong."""
    Path("pack.yml").write_text(THRESHOLD % "x")
    outcome = told(promtool, *arguments)
    assert outcome.code == 2
    assert message in outcome.err


def test_json_is_json(folder: Path) -> None:
    """The JSON of the report holds every part, also where there is nothing at all."""
    from generator.proof.report import as_json, as_text
    from generator.proof.verdict import Report

    empty = {"problems": [], "rules": [], "tests": [], "coverage": {"percent": None, "proven": 0, "alerts": 0}}
    assert json.loads(as_json(Report(()))) == empty
    assert as_text(Report(()), verbose=True) == "coverage: there are no alerts"
