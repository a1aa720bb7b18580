"""promtool's test files that people wrote, tenants, and other people's rules, beside what is generated."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.proof.case import Case
from generator.proof.playing import prove
from tests import real
from tests.generator.packs import HEAD
from tests.generator.proofs import proposing, told

MINUTE = timedelta(minutes=1)


def rule_file(*rules: dict[str, Any], name: str = "g", **group: Any) -> str:
    return yaml.safe_dump({"groups": [{"name": name, **group, "rules": list(rules)}]}, sort_keys=False)


def unit_test(rule_files: list[str], expected: list[dict[str, Any]], alertname: str = "A") -> str:
    """A test that plays x=1 and expects these alerts after two minutes."""
    cases = [{"eval_time": "2m", "alertname": alertname, "exp_alerts": expected}]
    tests = [{"interval": "1m", "input_series": [{"series": "x", "values": "1x5"}], "alert_rule_test": cases}]
    return yaml.safe_dump({"rule_files": rule_files, "evaluation_interval": "1m", "tests": tests})


A = {"alert": "A", "expr": "x > 0"}
FIRES: list[dict[str, Any]] = [{"exp_labels": {}}]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which the command is run; no rule is proven unless somebody's test does it."""
    monkeypatch.chdir(tmp_path)
    proposing(monkeypatch)
    return tmp_path


def put(**files: str) -> None:
    for name, text in files.items():
        path = Path(name.replace("__", "/") + ".yml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.real
def test_own_tests_run_where_they_stand(promtool: Path, folder: Path) -> None:
    """Their rule files count from their own folder; each is reported, and proves the alerts that it lets fire."""
    put(
        rules__a=rule_file(A, {"alert": "Silent", "expr": "x > 5"}),
        tests__good=unit_test(["../rules/*.yml"], FIRES),
        tests__silent=unit_test(["../rules/a.yml"], [], "Silent"),
        tests__bad=unit_test(["../rules/a.yml"], []),
    )
    outcome = told(promtool, "rules", "tests", "--format", "json")
    assert outcome.report["problems"] == []
    assert {name: status for name, (status, _) in outcome.rules.items()} == {"A": "proven", "Silent": "unproven"}
    tests = {test["file"]: (test["status"], test["reason"]) for test in outcome.report["tests"]}
    assert {file: status for file, (status, _) in tests.items()} == {
        "tests/bad.yml": "failed",
        "tests/good.yml": "passed",
        "tests/silent.yml": "passed",
    }
    assert 'Labels:{alertname="A"}' in tests["tests/bad.yml"][1]
    assert outcome.code == 1
    text = told(promtool, "rules", "tests/good.yml", "-v")
    assert "  A: proven by tests that name it, 1 test\n" in text.out
    assert "tests/good.yml: passed\n" in text.out
    assert text.code == 0


@pytest.mark.real
def test_a_rule_file_may_be_what_a_pack_becomes(promtool: Path, folder: Path) -> None:
    """A test that names a file which nobody has built yet is about the pack as it is now."""
    pack = HEAD + "groups: [{name: g, rules: [{alert: A, promql: {expr: x > 0}, severity: info, summary: s}]}]\n"
    annotations = {"summary": "s", "tocsin_for": "0s", "tocsin_pack": "test"}
    expected = [{"exp_labels": {"severity": "info", "owner": "platform"}, "exp_annotations": annotations}]
    put(packs__p=pack, tests__t=unit_test(["../built/test.yml"], expected))
    outcome = told(promtool, "packs", "tests", "--format", "json")
    assert (outcome.code, outcome.rules) == (0, {"A": ("proven", [])})
    put(packs__p=pack.replace("summary: s", "summary: t"))
    assert told(promtool, "packs", "tests").code == 1
    outcome = told(promtool, "tests", "--format", "json")
    [test] = outcome.report["tests"]
    assert (outcome.code, test["status"]) == (1, "failed")
    assert test["hint"].startswith("../built/test.yml is not there: build it")


@pytest.mark.real
def test_own_tests_can_be_picked(promtool: Path, folder: Path) -> None:
    """With --rule only those are run that let it fire."""
    put(a=rule_file(A, {"alert": "B", "expr": "x > 0"}))
    put(one=unit_test(["a.yml"], FIRES), two=unit_test(["a.yml"], FIRES, "B"))
    outcome = told(promtool, ".", "--rule", "B", "--format", "json")
    assert [test["file"] for test in outcome.report["tests"]] == ["two.yml"]
    assert outcome.rules == {"B": ("proven", [])}


@pytest.mark.real
def test_records_come_along(promtool: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An alert is played with the records it rests on, of other groups and files too, in the order of reading."""
    proposing(
        monkeypatch,
        Case("fires", {"x": "1x9"}, MINUTE, (MINUTE,), ()),
        Case("stays silent", {"x": "0x9"}, MINUTE, (), (5 * MINUTE,)),
    )
    put(
        a=rule_file({"alert": "A", "expr": 'job:x:b{kind="z"} > 2'}, {"record": "unread", "expr": "x"}, interval="30s"),
        b=rule_file({"record": "job:x:b", "expr": "job:x:a * 3", "labels": {"kind": "z"}}),
        c=rule_file({"record": "job:x:a", "expr": "x"}, {"record": "job:x:b", "expr": "x", "labels": {"kind": "y"}}),
    )
    outcome = told(promtool, ".", "--format", "json", "--write", "kept")
    assert outcome.rules == {"A": ("proven", [])}
    kept = yaml.safe_load(Path("kept/a-A.yml").read_text())["groups"]
    assert [(group["name"], [rule.get("record") or rule["alert"] for rule in group["rules"]]) for group in kept] == [
        ("g", ["job:x:a"]),
        ("g 2", ["job:x:b"]),
        ("g 3", ["A"]),
    ]
    test = yaml.safe_load(Path("kept/a-A_test.yml").read_text())
    assert (test["evaluation_interval"], test["group_eval_order"]) == ("30s", ["g", "g 2", "g 3"])


@pytest.mark.real
def test_equal_rules_are_played_once(promtool: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of a rule file costs nothing, and is reported all the same."""
    played: list[str] = []

    def counting(subjects: Any, *others: Any, **options: Any) -> Any:
        played.extend(subject.rule.name for subject in subjects)
        return prove(subjects, *others, **options)

    monkeypatch.setattr("generator.proof.run.prove", counting)
    put(a=rule_file(A), b=rule_file(A), c=rule_file(A | {"for": "1m"}))
    report = told(promtool, ".", "--format", "json").report
    assert [(row["file"], row["status"]) for row in report["rules"]] == [
        (name, "unproven") for name in ("a.yml", "b.yml", "c.yml")
    ]
    assert [row["findings"][0]["file"] for row in report["rules"]] == ["a.yml", "b.yml", "c.yml"]
    assert played == ["A", "A"]


TENANTS = """
apiVersion: tocsin/v1alpha1
kind: Tenant
metadata: {name: %s}
packs: [test]
matchers: {cluster: %s}
params: {test.limit: %s}
---
"""


@pytest.mark.real
def test_tenants_get_the_rules_and_packs_keep_their_tests(
    promtool: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a pack gives runs on its own parameters, once; what is generated runs on each tenant's rules."""
    proposing(
        monkeypatch,
        Case("fires", {'x{cluster="one",tenant="acme"}': "1x9"}, MINUTE, (MINUTE,), ()),
        Case("stays silent", {'x{cluster="two"}': "1x9"}, MINUTE, (), (MINUTE,)),
    )
    pack = HEAD + (
        "params: {limit: {default: 3}}\n"
        "groups: [{name: g, rules: ["
        "{record: job:x:max, expr: max(x), tests: [{series: {x: 4x9}, values: {1m: {'{}': 4}}}]},"
        "{alert: A, promql: {expr: x > $(limit)}, severity: info, summary: s, "
        "tests: [{series: {x: 4x9}, fires: [1m]}]},"
        "{alert: B, promql: {expr: job:x:max > $(limit)}, severity: info, summary: s},"
        "{alert: C, promql: {expr: job:x:max > $(limit)}, severity: info, summary: s}]}]\n"
    )
    put(pack=pack, tenants=TENANTS % ("acme", "one", "0.5") + TENANTS % ("globex", "two", "7"))
    report = told(promtool, "pack.yml", "tenants.yml", "--format", "json").report
    rows = {(row["tenant"], row["rule"]): (row["status"], row["by"]) for row in report["rules"]}
    assert rows == {
        ("acme", "A"): ("proven", "generated"),
        ("acme", "B"): ("proven", "generated"),
        ("acme", "C"): ("proven", "generated"),
        ("globex", "A"): ("proven", "pack"),  # on the pack's own parameters
        ("globex", "B"): ("unproven", None),
        ("globex", "C"): ("unproven", None),
        (None, "A"): ("proven", "pack"),
        (None, "job:x:max"): ("proven", "pack"),
    }
    assert report["coverage"] == {"percent": 66.67, "proven": 4, "alerts": 6}


@pytest.mark.real
def test_what_an_old_promtool_cannot_take_is_unproven(promtool: Path, folder: Path) -> None:
    """Younger functions and native histograms are no failure of the rule; labels of groups go to the rules."""
    old = "oldest" in promtool.parts
    put(
        a=rule_file({"alert": "Young", "expr": "mad_over_time(x[5m]) > 0"}),
        b=HEAD
        + "groups: [{name: g, labels: {team: a}, query_offset: 30s, rules: ["
        + "{alert: Native, promql: {expr: histogram_count(x) > 1}, severity: info, summary: s, "
        + "tests: [{series: {x: '{{schema:0 count:3 sum:1}}x9'}, fires: [2m], alerts: [{labels: {team: a}}]}]},"
        + "{alert: Labelled, promql: {expr: x > 1}, severity: info, summary: s, "
        + "tests: [{series: {x: 3x9}, fires: [2m], alerts: [{labels: {team: a}}]}]}]}]\n",
    )
    outcome = told(promtool, ".", "--format", "json")
    proven = {"Native", "Labelled"} - ({"Native"} if old else set())
    assert {name for name, (status, _) in outcome.rules.items() if status == "proven"} == proven
    assert outcome.code == 0
    reason = outcome.rules["Young"][1][0]
    assert ("needs promtool 2.49, and this is 2.42" in reason) is old
    assert not old or "plays no native histograms" in outcome.rules["Native"][1][0]


def fake(folder: Path, script: str) -> Path:
    """A program in promtool's place."""
    file = folder / "fake"
    file.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "promtool, version 3.5.0" && exit\n{script}\n')
    file.chmod(0o755)
    return file


PACK = HEAD + "groups: [{name: g, rules: [%s]}]\n"
RULE = "{alert: %s, promql: {expr: x > 0}, severity: info, summary: s, tests: [{series: {x: 1x9}, fires: [1m]}]},"


@pytest.mark.real
@pytest.mark.parametrize(
    ("when_it_comes", "reason"),
    [
        ("exec sleep 600", "took longer than 1s"),
        ("exec yes 'said again and again, and never an end'", "said more than anybody reads"),
        ("echo 'panic: out of memory'; exit 137", "promtool ended with exit code 137: panic: out of memory"),
    ],
)
def test_one_rule_that_breaks_promtool_takes_no_other_along(
    when_it_comes: str, reason: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rule that never ends, says too much or ends promtool is named; those before and after it are tested."""
    monkeypatch.setattr("generator.proof.run._cores", lambda: 1)  # all in one process
    put(pack=PACK % "".join(RULE % name for name in ("A", "B", "C")))
    binary = real.pair("current").promtool
    script = (
        f'shift 2; for file in "$@"; do case $file in -*) ;; 1-0_*) {when_it_comes} ;; '
        f'*) {binary} test rules "$file" ;; esac; done; exit 0'
    )
    outcome = told(fake(folder, script), "pack.yml", "--format", "json", "--timeout", "1s")
    statuses = {name: status for name, (status, _) in outcome.rules.items()}
    assert statuses == {"A": "proven", "B": "failed", "C": "proven"}
    assert reason in outcome.rules["B"][1][0]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing/promtool", "nothing/promtool: there is no such program; it is part of Prometheus"),
        ("/bin/echo", "is no promtool: --version says "),
        ("", "promtool is not in PATH; it is part of Prometheus"),
    ],
)
def test_without_promtool_it_says_how_to_get_it(
    name: str, message: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing promtool, or something else under its name, ends with 2."""
    monkeypatch.setenv("PATH", str(folder))
    put(a=rule_file(A))
    outcome = told(Path(name) if name else "", "a.yml")  # type: ignore[arg-type]  # no promtool is given
    assert outcome.code == 2
    assert message in outcome.err


@pytest.mark.real
def test_nothing_is_left_behind(promtool: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folders in which rules are played are gone afterwards."""
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    put(pack=PACK % (RULE % "A"))
    assert told(promtool, "pack.yml").code == 0
    assert [path.name for path in folder.iterdir()] == ["pack.yml"]


def test_tests_come_with_what_a_pack_extends(folder: Path) -> None:
    """A pack that builds on another has its tests too, unless it sets or removes them."""
    from generator.gathering import gather
    from generator.proof.given import given

    put(pack=PACK % (RULE % "A" + RULE % "B" + RULE % "C"))
    put(
        other=HEAD.replace("name: test", "name: other")
        + "extends: [test]\nrules: {B: {tests: null}, C: {tests: [{series: {x: 7x9}, fires: [1m]}]}}\ngroups: []\n"
    )
    [_, other] = gather([Path("pack.yml"), Path("other.yml")]).packs
    assert {rule.name: [trial.case.series["x"] for trial in given(rule)] for rule in other.rules} == {
        "A": ["1x9"],
        "B": [],
        "C": ["7x9"],
    }


@pytest.mark.real
@pytest.mark.parametrize(
    ("when", "what", "reason"),
    [
        (
            "[0-9]*-*_test.yml",
            "echo '  FAILED:'; echo '    who knows'",
            "promtool: says what cannot be read: 'who knows'",
        ),
        ("[0-9]_test.yml", "echo '  FAILED:'; echo 'no luck'", "promtool does not find again: no luck"),
    ],
)
def test_what_cannot_be_understood_is_no_proof(when: str, what: str, reason: str, folder: Path) -> None:
    """Neither words that are new, nor what is to be kept and gets another answer the second time."""
    put(pack=PACK % (RULE % "A"))
    binary = real.pair("current").promtool
    cases = f'-*) ;; {when}) {what} ;; *) {binary} test rules "$file" ;;'
    script = f'shift 2; for file in "$@"; do case $file in {cases} esac; done; exit 1'
    [(status, reasons)] = told(fake(folder, script), "pack.yml", "--write", "kept", "--format", "json").rules.values()
    assert status == "failed"
    assert reason in reasons[0]
