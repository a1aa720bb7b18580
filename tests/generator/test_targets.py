"""Where rules are built for: what each target writes, cannot say, and how large it may be."""

from __future__ import annotations

import json
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator import version
from generator.emit import File
from generator.pipeline import Compiled, compile_packs
from generator.targets import TARGETS, manifests
from tests.generator.packs import alert, pack

EVERYTHING = pack(
    alert("promql: {expr: 'up == 0'}", keep_firing_for="30m", runbook="https://example.org/up", for_="90s")
).replace(
    "    rules:",
    "    interval: 30s\n    limit: 5\n    query_offset: 1m\n    labels: {team: shop, severity: mine}\n    rules:",
)

# What each target loses of EVERYTHING: all fields, in the order of their lines.
LOST = [
    ("rulefile", "3.0", []),
    ("rulefile", "2.53", []),
    ("rulefile", "2.42", ["query_offset"]),
    ("rulefile", "2.40", ["query_offset", "keep_firing_for"]),
    ("rulefile", "2.30", ["limit", "query_offset", "keep_firing_for"]),
    ("prometheusrule", "3.0", []),
    ("mimir", "3.0", ["limit"]),
    ("amp", "3.0", ["limit", "query_offset"]),
    ("azure", "3.0", ["interval", "limit", "query_offset", "keep_firing_for"]),
    ("gcp", "3.0", ["limit", "query_offset", "keep_firing_for"]),
]


def build(text: str, folder: Path, target: str, prometheus: str = "2.42") -> Compiled:
    (folder / "pack.yml").write_text(text)
    return compile_packs([folder / "pack.yml"], partial(TARGETS[target], version=version.parse(prometheus)))


@pytest.mark.parametrize(("target", "prometheus", "lost"), LOST)
def test_what_a_target_cannot_say_is_told(target: str, prometheus: str, lost: list[str], tmp_path: Path) -> None:
    """Each field that is left out or bent is a warning at its line, with a way out; nothing goes in silence."""
    compiled = build(EVERYTHING, tmp_path, target, prometheus)
    told = sorted(compiled.problems, key=lambda problem: problem.at)
    lines = EVERYTHING.splitlines()
    assert [lines[problem.at.line - 1].split(":")[0].strip() for problem in told] == lost
    assert {(problem.severity, bool(problem.hint)) for problem in told} <= {("warning", True)}
    assert compiled.files


def test_group_labels_are_copied_below_3_0(tmp_path: Path) -> None:
    """A rule bears its group's labels where the group cannot, and its own ones win, as Prometheus has it."""
    [new], [old] = (
        yaml.safe_load(build(EVERYTHING, tmp_path, "rulefile", which).files[0].text)["groups"]
        for which in ("3.0", "2.42")
    )
    assert new["labels"] == {"team": "shop", "severity": "mine"}
    assert "team" not in new["rules"][0]["labels"]
    assert "labels" not in old
    assert (old["rules"][0]["labels"]["team"], old["rules"][0]["labels"]["severity"]) == ("shop", "info")


# (expression, first version that reads it)
YOUNG = [
    ("histogram_stddev(a)", "2.47"),
    ("histogram_avg(a)", "2.51"),
    ("limitk(3, a)", "2.54"),
    ("info(a)", "2.55"),
    ("double_exponential_smoothing(a[5m], 0.1, 0.2)", "3.0"),
    ('sum by ("a.b") (c)', "3.0"),
    ('up{"a.b"="c"}', "3.0"),
    ("ts_of_max_over_time(a[5m])", "3.5"),
    ("a + on () fill (0) b", "3.10"),
    ("a > start()", "3.12"),
]

# The same below the oldest that is served.
OLD = [
    ("a @ 5", "2.33"),
    ("rate(a[5m] offset -5m)", "2.33"),
    ("max_over_time(a[5m:1m] offset -5m)", "2.33"),
    ("a atan2 b", "2.31"),
    ("day_of_year()", "2.37"),
    ("group(a)", "2.20"),
]


OLDER = "2.19"
EXPERIMENTAL = {
    "info(a)",
    "limitk(3, a)",
    "ts_of_max_over_time(a[5m])",
    "double_exponential_smoothing(a[5m], 0.1, 0.2)",
}


@pytest.mark.parametrize(("expression", "since"), YOUNG + OLD)
def test_functions_follow_the_version(expression: str, since: str, tmp_path: Path) -> None:
    """What an older Prometheus would refuse is an error that names the version; the younger one takes it."""
    ignored = "# tocsin: ignore experimental-function: its flag is set"
    text = pack(f"- record: a\n  expr: '{expression}'  {ignored if expression in EXPERIMENTAL else ''}\n")
    [problem] = build(text, tmp_path, "rulefile", OLDER if (expression, since) in OLD else "2.42").problems
    assert (problem.check, problem.severity, problem.rule) == ("target", "error", "a")
    assert f"before Prometheus {since}" in problem.message
    assert build(text, tmp_path, "rulefile", since).problems == ()


def many(count: int, group_size: int = 10, more: str = "") -> str:
    """A pack of so many alerts, one a line of a group; `more` is a rule in the middle."""
    groups = []
    for start in range(0, count, group_size):
        rules = [rule(f"Alert{number:05}") for number in range(start, min(start + group_size, count))]
        if more and start == count // 2 // group_size * group_size:
            rules.insert(1, rule(more))
        groups.append({"name": f"group-{start:05}", "rules": rules})
    head = {"apiVersion": "tocsin/v1alpha1", "kind": "RulePack", "metadata": {"name": "many"}}
    return json.dumps({**head, "groups": groups})


def rule(name: str) -> dict[str, Any]:
    text = {"summary": "Something is wrong " * 40, "runbook": f"https://example.org/{name}"}
    return {"alert": name, "promql": {"expr": f'x{{name="{name}"}} > 1'}, "severity": "info", **text}


@pytest.mark.parametrize("target", ["prometheusrule", "gcp"])
@pytest.mark.parametrize("group_size", [10, 5000], ids=["many groups", "one large group"])
def test_manifests_are_sharded_and_a_rule_more_changes_one(target: str, group_size: int, tmp_path: Path) -> None:
    """No object is larger than kubectl takes, no rule is lost or doubled, and a new rule moves no other."""
    before = build(many(300, group_size), tmp_path, target).files
    after = build(many(300, group_size, more="New"), tmp_path, target).files
    assert len(before) >= 2
    assert max(len(json.dumps(yaml.load(file.text, Loader=yaml.CSafeLoader))) for file in before) < 262_144
    assert sorted(names(before)) == [f"Alert{number:05}" for number in range(300)]
    assert sum(file.rules for file in before) == 300
    assert (
        len({file.name: file.text for file in after}.items() - {file.name: file.text for file in before}.items()) <= 2
    )
    unchanged = {file.text for file in before} & {file.text for file in after}
    assert len(unchanged) == len(before) - 1


@pytest.mark.parametrize("target", ["mimir", "azure", "amp"])
def test_groups_are_cut_and_a_rule_more_changes_one(target: str, tmp_path: Path) -> None:
    """No group has more than 20 rules, no rule is lost, and a new rule changes one group, or parts it in two."""
    before, after = (
        {json.dumps(group) for file in build(text, tmp_path, target).files for group in groups(file)}
        for text in (many(200, 100), many(200, 100, more="New"))
    )
    assert max(len(json.loads(group)["rules"]) for group in before) <= 20
    assert len(before - after) == 1
    assert 1 <= len(after - before) <= 2


def test_a_reader_stays_with_its_record(tmp_path: Path) -> None:
    """Rules that read one another stay in one group, in order; too many of them are cut in order, with a warning."""
    rules = [{"record": f"r{n}", "expr": f"x{n}"} for n in range(15)]
    rules += [{"record": f"s{n}", "expr": f"r{n} + 1"} for n in range(15)]
    head = {"apiVersion": "tocsin/v1alpha1", "kind": "RulePack", "metadata": {"name": "pairs"}}
    compiled = build(json.dumps({**head, "groups": [{"name": "g", "rules": rules}]}), tmp_path, "mimir")
    assert compiled.problems == ()
    for group in groups(compiled.files[0]):
        records = [one["record"] for one in group["rules"]]
        assert all(records.index(f"r{name[1:]}") < records.index(name) for name in records if name.startswith("s"))
    chain = [{"record": "c0", "expr": "x"}, *({"record": f"c{n}", "expr": f"c{n - 1}"} for n in range(1, 25))]
    compiled = build(json.dumps({**head, "groups": [{"name": "g", "rules": chain}]}), tmp_path, "mimir")
    [problem] = compiled.problems
    assert (problem.check, problem.severity) == ("target", "warning")
    assert [len(group["rules"]) for group in groups(compiled.files[0])] == [20, 5]


def test_azure_in_its_own_words(tmp_path: Path) -> None:
    """ISO-8601 durations, severities by number, texts in brackets kept from being expressions."""
    text = pack(alert("promql: {expr: 'up == 0'}", keep_firing_for="5m", for_="1h30m", summary='"[x is down]"'))
    [file] = build(text.replace("severity: info", "severity: critical"), tmp_path, "azure").files
    [resource] = yaml.load(file.text, Loader=yaml.CSafeLoader)["resources"]
    [one] = resource["properties"]["rules"]
    assert resource["properties"]["interval"] == "PT1M"
    assert (one["for"], one["severity"], one["annotations"]["summary"]) == ("PT1H30M", 0, "[[x is down]")
    assert one["resolveConfiguration"] == {"autoResolved": True, "timeToResolve": "PT5M"}


def test_gcp_overwrites_its_own_labels(tmp_path: Path) -> None:
    """A label that the service injects cannot be one's own."""
    text = pack(alert("promql: {expr: 'up == 0'}", labels="{namespace: x}"))
    errors = [problem for problem in build(text, tmp_path, "gcp").problems if problem.severity == "error"]
    assert ["overwritten" in problem.message for problem in errors] == [True]


def test_a_chain_too_large_for_an_object_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be cut is not written to be refused later."""
    monkeypatch.setattr(manifests, "LARGEST", 200)
    [problem] = build(many(1), tmp_path, "prometheusrule").problems
    assert (problem.check, problem.severity) == ("target", "error")


@pytest.mark.real
def test_prometheus_takes_what_each_target_holds(promtool: Path, tmp_path: Path) -> None:
    """The groups of each target, taken out of their wrapping, pass `promtool check rules` of both pairs."""
    paths: list[Path] = []
    for target in ("rulefile", "prometheusrule", "mimir", "amp", "gcp"):
        for file in build(EVERYTHING, tmp_path, target).files + build(many(50, 50), tmp_path, target).files:
            paths.append(tmp_path / f"{target}-{len(paths)}.yml")
            paths[-1].write_text(json.dumps({"groups": groups(file)}))
    checked = subprocess.run([promtool, "check", "rules", *paths], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.count("SUCCESS") == len(paths)


def groups(file: File) -> list[Any]:
    """The groups in a file of any target."""
    tree = yaml.load(file.text, Loader=yaml.CSafeLoader)
    if "data" in tree:
        tree = yaml.load(tree["data"], Loader=yaml.CSafeLoader)
    if "resources" in tree:
        return [resource["properties"] for resource in tree["resources"]]
    found: list[Any] = tree.get("spec", tree)["groups"]
    return found


def names(files: tuple[File, ...]) -> list[str]:
    return [one["alert"] for file in files for group in groups(file) for one in group["rules"]]
