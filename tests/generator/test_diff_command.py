"""`tocsin rules diff`: packs, rule files, folders, revisions of git and PrometheusRules against one another."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from generator.commands import rules
from tests.generator import prometheuses
from tests.generator.delivered import write
from tests.real import Binaries

FILE = "groups: [{name: g, rules: [{alert: A, expr: up == 0, for: 5m}]}]\n"
RESOURCE = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: x}\nspec:\n  "


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(rules, ["diff", *map(str, arguments)], env={"COLUMNS": "300"})


def test_what_is_built_is_what_the_packs_say(tmp_path: Path) -> None:
    """For each target with files of rules; exit 0 as diff(1) has it."""
    packs = write(tmp_path)
    for target in ("rulefile", "prometheusrule"):
        CliRunner().invoke(rules, ["build", str(packs), "-o", str(tmp_path / target), "--target", target])
        same = run(packs, tmp_path / target)
        assert (same.exit_code, same.stdout) == (0, "the same rules\n"), same.output
    write(tmp_path, above=20)
    other = run(tmp_path / "rulefile", packs)
    assert other.exit_code == 1
    assert other.stdout.count("> [-10-]{+20+}") == 3
    assert other.stdout.endswith("3 rules changed\n")


def test_a_rule_file_and_a_resource(tmp_path: Path) -> None:
    """The same rules in another wrapper are the same."""
    (tmp_path / "a.yml").write_text(FILE)
    (tmp_path / "b.yml").write_text(RESOURCE + FILE)
    assert run(tmp_path / "a.yml", tmp_path / "b.yml").exit_code == 0
    (tmp_path / "b.yml").write_text(RESOURCE + FILE.replace("5m", "6m"))
    found = json.loads(run(tmp_path / "a.yml", tmp_path / "b.yml", "--format", "json").stdout)
    assert (found["equal"], found["difference"]["rules"][0]["changes"]) == (
        False,
        [{"field": "for", "old": "5m", "new": "6m"}],
    )


def test_a_revision_of_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in git against what lies in the folder; also below the root, and the whole of it."""
    monkeypatch.chdir(tmp_path)
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    write(tmp_path)
    person = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "packs"], [*person, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], check=True)
    assert run("HEAD:packs", "packs").exit_code == 0
    write(tmp_path, above=20)
    for one, other in (("HEAD:packs", "packs"), ("HEAD:packs/node.yml", "packs/node.yml"), ("HEAD:", "packs")):
        assert "3 rules changed" in run(one, other).stdout
    comment = run("HEAD:packs", "packs", "--format", "markdown").stdout
    assert comment.startswith("### Rules: HEAD:packs → packs\n\n3 rules changed.\n\n```diff\n@@ node · node0 @@\n")
    (tmp_path / "packs/node.yml").write_text("kind: RulePack\n")
    subprocess.run(["git", *person, "commit", "-qam", "broken"], check=True)
    broken = run("HEAD:packs", "HEAD~1:packs")
    assert (broken.exit_code, "HEAD:packs/node.yml" in broken.stderr) == (2, True)


@pytest.mark.real
def test_two_servers_and_files_of_one_name(binaries: Binaries, tmp_path: Path) -> None:
    """All that runs is compared, also where two folders hold files of one name."""
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, more in ((one, FILE), (other, FILE.replace("name: g", "name: h").replace("5m", "6m"))):
        (folder / "more").mkdir(parents=True)
        (folder / "rules").mkdir()
        (folder / "rules/a.yml").write_text(FILE)
        (folder / "more/a.yml").write_text(more.replace("alert: A", "alert: B"))
    patterns = ("rules/*.yml", "more/*.yml")
    with (
        prometheuses.running(binaries, one, patterns) as here,
        prometheuses.running(binaries, other, patterns) as there,
    ):
        assert run(here, here).exit_code == 0
        found = run(here, there)
        assert run(one / "rules", here).stdout.endswith("1 rule added\n")
    assert found.exit_code == 1
    assert "~ name: [-g-] → {+h+}\n  ~ alert B\n      for: [-5m-] → {+6m+}\n1 rule changed" in found.stdout


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("nowhere.yml", "nowhere.yml"),
        ("HEAD:nowhere", "HEAD:nowhere: "),
        ("--upload-pack=x:y", "No such option"),
        ("http://", "is no address"),
        ("http://127.0.0.1:9", "cannot be reached"),
        ("http://ann:s3cret@127.0.0.1:9", "a name or password stands in the address"),
    ],
)
def test_what_cannot_be_compared(argument: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 2, as diff(1) has it: nobody takes it for a difference."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yml").write_text(FILE)
    result = run("a.yml", argument)
    assert (result.exit_code, message in result.stderr) == (2, True), result.output
    assert "s3cret" not in result.output


def test_rules_that_cannot_be_read_are_trouble(tmp_path: Path) -> None:
    """Their problems are told, with their places."""
    (tmp_path / "a.yml").write_text(FILE)
    (tmp_path / "b.yml").write_text(FILE.replace("up ==", "up =="[:2] + "("))
    result = run(tmp_path / "a.yml", tmp_path / "b.yml")
    assert (result.exit_code, "b.yml:1:" in result.stderr) == (2, True)
