"""Rules brought to the folder that a real Prometheus reads: written, reloaded, and seen to run."""

from __future__ import annotations

import json
import re
import shutil
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from generator.commands import rules
from generator.emit import HEADER
from tests.generator import prometheuses
from tests.generator.delivered import write
from tests.real import Binaries
from tocsin import data


def run(command: str, packs: Path, folder: Path, *more: str) -> Result:
    arguments = [command, str(packs), "--to", "directory", "--directory", str(folder), *more]
    return CliRunner().invoke(rules, arguments, catch_exceptions=False)


def test_it_is_planned_then_applied_then_in_step(tmp_path: Path) -> None:
    """The folder is made; what `build` writes is what apply writes; a second apply leaves every file as it is."""
    packs, folder = write(tmp_path), tmp_path / "rules"
    assert run("plan", packs, folder).exit_code == 3
    assert run("apply", packs, folder).exit_code == 0
    assert not folder.exists()
    done = run("apply", packs, folder, "--yes")
    assert (done.exit_code, "created node.yml" in done.stdout) == (0, True)
    assert "Prometheus was not told: it reads the files when it reloads" in done.stdout
    built = CliRunner().invoke(rules, ["build", str(packs), "-o", str(tmp_path / "built")])
    assert built.exit_code == 0
    assert (folder / "node.yml").read_text() == (tmp_path / "built/node.yml").read_text()
    before = (folder / "node.yml").stat().st_mtime_ns
    again = run("apply", packs, folder, "--yes")
    assert (again.exit_code, "nothing to do, 1 in step" in again.stdout) == (0, True)
    assert "not told" not in again.stdout
    assert (folder / "node.yml").stat().st_mtime_ns == before


def test_only_generated_files_are_touched(tmp_path: Path) -> None:
    """Somebody's file of the same name is in the way, any other is left alone; ours that no pack makes goes."""
    packs, folder = write(tmp_path), tmp_path / "rules"
    write(tmp_path, "disk")
    folder.mkdir()
    (folder / "node.yml").write_text("groups: []\n")
    (folder / "own.yml").write_text("groups: []\n")
    (folder / "old.yml").write_text(f"{HEADER} from packs/old.yml; do not edit.\ngroups: []\n")
    planned = run("plan", packs, folder)
    assert planned.exit_code == 1
    assert "! node.yml is there already, and is not ours: it is not touched" in planned.stdout
    done = run("apply", packs, folder, "--yes")
    assert done.exit_code == 1
    assert "created disk.yml" in done.stdout
    assert "removed old.yml" in done.stdout
    assert {path.name for path in folder.iterdir()} == {"node.yml", "own.yml", "disk.yml"}
    assert (folder / "node.yml").read_text() == "groups: []\n"
    (folder / "node.yml").unlink()
    assert run("apply", packs, folder, "--yes").exit_code == 0


def test_what_was_edited_by_hand_is_told_rule_by_rule(tmp_path: Path) -> None:
    """And layout alone is no reason to write a file."""
    packs, folder = write(tmp_path), tmp_path / "rules"
    run("apply", packs, folder, "--yes")
    file = folder / "node.yml"
    text = file.read_text()
    file.write_text(text.replace("interval: 1m", "interval: 60s"))
    assert run("plan", packs, folder).exit_code == 0
    file.write_text(text.replace("for: 5m", "for: 7m", 1))
    assert "for: [-7m-] → {+5m+}" in run("plan", packs, folder).stdout
    drifted = run("drift", packs, folder)
    assert (drifted.exit_code, "for: [-5m-] → {+7m+}" in drifted.stdout) == (3, True)
    file.write_text(f"{HEADER}\n{{ broken: [")
    assert "3 rules added" in run("plan", packs, folder).stdout
    run("apply", packs, folder, "--yes")
    assert file.read_text() == text


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A folder that is a file, a link that leads nowhere: one line for each, and the others are written."""
    packs = write(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(Exception, match=r"file: is no folder; name one by --directory"):
        run("plan", packs, tmp_path / "file")
    write(tmp_path, "disk")
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "node.yml").mkdir()
    done = run("apply", packs, folder, "--yes")
    assert (done.exit_code, "created disk.yml" in done.stdout) == (1, True)
    assert "node.yml is there already" in done.stdout


def test_packs_with_errors_are_not_brought_anywhere(tmp_path: Path) -> None:
    """Their problems are told, and nothing is looked at."""
    packs = write(tmp_path)
    file = packs / "node.yml"
    file.write_text(file.read_text().replace("above: 10", "above: ten", 1))
    failed = run("apply", packs, tmp_path / "rules", "--yes")
    assert failed.exit_code == 1
    assert "nothing was looked at: 1 error" in failed.stderr
    assert not (tmp_path / "rules").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "directory"], "--directory /etc/prometheus/rules"),
        (["--to", "ftp"], "'ftp' is none of directory"),
        ([], "say what kind of place it is: directory"),
        (["--to", "directory", "--directory", "x", "--prometheus.url", "here"], "'here' is no address"),
        (["--to", "directory", "--directory", "x", "--prometheus-version", "new"], "--prometheus-version"),
        (["--to", "directory", "--directory", "x", "--namespace", "y"], "--namespace: --to directory does not read it"),
        (["--to", "mimir", "--ruler.url", "http://127.0.0.1:9", "--label", "a=b"], "--label: --to mimir does not"),
        (["--to", "mimir", "--prometheus.url", "http://127.0.0.1:9"], "--prometheus.url: --to mimir does not read"),
    ],
)
def test_unusable_options(options: list[str], message: str, tmp_path: Path) -> None:
    """Exit 2 and one line."""
    result = CliRunner().invoke(rules, ["plan", str(write(tmp_path)), *options], env={"COLUMNS": "300"})
    assert message in result.stderr + str(result.exception)
    assert 2 in (result.exit_code, getattr(result.exception, "exit_code", 0))


@pytest.mark.real
def test_prometheus_reloads_and_runs_the_rules(binaries: Binaries, tmp_path: Path) -> None:
    """It is asked afterwards; with nothing to do it is not told again, unless it does not run yet what is there."""
    packs, folder = write(tmp_path), tmp_path / "rules"
    with prometheuses.running(binaries, tmp_path) as url:
        done = run("apply", packs, folder, "--yes", "--prometheus.url", url)
        assert (done.exit_code, "Prometheus reloaded, and runs the rules" in done.stdout) == (0, True), done.output
        again = run("apply", packs, folder, "--yes", "--prometheus.url", url)
        assert (again.exit_code, "reloaded" in again.stdout) == (0, False)
        run("apply", write(tmp_path, above=20), folder, "--yes")  # nobody tells Prometheus
        late = run("apply", packs, folder, "--yes", "--prometheus.url", url)
        assert (late.exit_code, "Prometheus reloaded, and runs the rules" in late.stdout) == (0, True)
        told = run("apply", packs, folder, "--yes", "--reload-url", f"{url}/-/reload")
        assert (told.exit_code, "Prometheus" in told.stdout) == (0, False)
        by_address = run("apply", write(tmp_path, above=30), folder, "--yes", "--reload-url", f"{url}/-/reload")
        assert (by_address.exit_code, "\nPrometheus reloaded\n" in by_address.stdout) == (0, True)
        assert run("drift", packs, folder, "--prometheus.url", url).exit_code == 0


@pytest.mark.real
def test_a_prometheus_that_does_not_take_it(binaries: Binaries, tmp_path: Path) -> None:
    """Somebody's file is broken, or no pattern finds the folder: the files stay, and what to do is said."""
    packs, folder = write(tmp_path), tmp_path / "rules"
    with prometheuses.running(binaries, tmp_path) as url:
        (folder / "own.yml").write_text("groups: [{name: a, rules: [{alert: A, expr: 'sum('}]}]\n")
        done = run("apply", packs, folder, "--yes", "--prometheus.url", url)
        assert done.exit_code == 1
        assert "Prometheus does not reload (500: failed to reload config" in done.stdout
        assert "the files stay as they are written, and it runs what it ran before" in done.stdout
        assert (folder / "node.yml").exists()
        (folder / "own.yml").unlink()
        assert run("apply", packs, folder, "--yes", "--prometheus.url", url).exit_code == 0
        elsewhere = run("apply", packs, tmp_path / "elsewhere", "--yes", "--prometheus.url", url)
        assert elsewhere.exit_code == 0  # the same rules run, from another folder
        write(tmp_path, "disk")
        lost = run("apply", packs, tmp_path / "elsewhere", "--yes", "--prometheus.url", url)
        assert lost.exit_code == 1
        assert "does not run disk.yml: no pattern under rule_files in its configuration finds the folder" in lost.stdout


@pytest.mark.real
def test_a_prometheus_that_must_not_be_told(binaries: Binaries, tmp_path: Path) -> None:
    """Without --web.enable-lifecycle it refuses, and says so in its own words."""
    packs, folder = write(tmp_path), tmp_path / "rules"
    with prometheuses.running(binaries, tmp_path, lifecycle=False) as url:
        done = run("apply", packs, folder, "--yes", "--prometheus.url", url)
        assert done.exit_code == 1
        assert "Lifecycle API is not enabled" in done.stdout
        assert "start it with --web.enable-lifecycle, or send it SIGHUP" in done.stdout
        assert (folder / "node.yml").exists()
    gone = run("apply", packs, folder, "--yes", "--prometheus.url", url)
    assert (gone.exit_code, "cannot be reached" in gone.stdout) == (1, True)


@pytest.mark.real
def test_what_runs_otherwise_is_drift(binaries: Binaries, tmp_path: Path) -> None:
    """A file changed by hand and reloaded is told rule by rule, as text, JSON and Markdown; others' files are not."""
    packs, folder = write(tmp_path), tmp_path / "rules"
    (packs / "node.yml").write_text((packs / "node.yml").read_text().replace("    interval: 60s\n", "", 1))

    with prometheuses.running(binaries, tmp_path) as url:
        assert "drifted: 3 rules removed" in _drift(packs, url).stdout
        run("apply", packs, folder, "--yes", "--prometheus.url", url)
        (folder / "own.yml").write_text("groups: [{name: own, rules: [{alert: A, expr: up == 0}]}]\n")
        assert prometheuses.ask(url, "/-/reload", "POST")[0] == 200
        in_step = _drift(packs, url)
        assert (in_step.exit_code, "in step" in in_step.stdout) == (0, True), in_step.stdout
        file = folder / "node.yml"
        edited = file.read_text().replace("> 10", "> 11", 1).replace("for: 5m", "for: 1h", 1)
        file.write_text(re.sub(r"severity: warning", "severity: info", edited, count=1))
        assert _drift(packs, url).exit_code == 0  # it runs yet what it ran
        assert prometheuses.ask(url, "/-/reload", "POST")[0] == 200
        drifted = _drift(packs, url, "--format", "json")
        assert drifted.exit_code == 3
        [rule] = json.loads(drifted.stdout)["difference"]["rules"]
        assert [(change["field"], change["new"]) for change in rule["changes"]][1:] == [
            ("for", "1h"),
            ("labels.severity", "info"),
        ]
        assert "-   for: 5m\n+   for: 1h" in _drift(packs, url, "--format", "markdown").stdout
        compared = CliRunner().invoke(rules, ["diff", str(packs), url])
        assert compared.exit_code == 1
        assert "+ own · own (group added)" in compared.stdout
        assert "for: [-5m-] → {+1h+}" in compared.stdout
        file.write_text(edited + "  - name: extra\n    rules:\n      - {alert: B, expr: up == 0}\n")
        assert prometheuses.ask(url, "/-/reload", "POST")[0] == 200
        assert "+ node · extra (group added)" in _drift(packs, url).stdout
    with pytest.raises(Exception, match="cannot be reached"):
        _drift(packs, url)


RICH = """\
apiVersion: tocsin/v1alpha1
kind: RulePack
metadata: {name: rich, owner: platform}
groups:
  - name: rich
    interval: 45s
    query_offset: 30s
    limit: 7
    labels: {team: core}
    rules:
      - {record: 'job:up:sum', expr: 'sum by (job, instance) (up{job!~"a|b\\\\d"})', labels: {x: "1"}}
      - alert: Odd
        promql: {expr: '-(job:up:sum offset 90s) ^ 2 * on (job) group_left (x) (up @ 1.5) < 0x10 or vector(1e-3) < 0'}
        for: 90s
        keep_firing_for: 1h30m
        severity: info
        summary: 'Quotes " and {{ $value | printf "%.1f" }}'
"""


@pytest.mark.real
def test_everything_that_a_rule_can_say_is_in_step(binaries: Binaries, tmp_path: Path) -> None:
    """What ships and a pack with every field, as the current and the oldest Prometheus print it: no drift."""
    packs, folder = tmp_path / "packs", tmp_path / "rules"
    shutil.copytree(data.folder("rulepacks"), packs)
    (packs / "rich.yml").write_text(RICH)
    for version in ("2.42", *(["3.5"] if binaries.name == "current" else [])):
        with prometheuses.running(binaries, tmp_path) as url:
            options = ("--prometheus.url", url, "--prometheus-version", version)
            done = run("apply", packs, folder, "--yes", *options)
            assert done.exit_code == 0, done.output
            assert run("plan", packs, folder, *options).exit_code == 0
            drifted = _drift(packs, url, "--prometheus-version", version)
            assert drifted.exit_code == 0, drifted.stdout
            assert CliRunner().invoke(rules, ["diff", str(folder), url]).stdout == "the same rules\n"


FAILING = """\
apiVersion: tocsin/v1alpha1
kind: RulePack
metadata: {name: node, owner: platform}
groups:
  - name: failing
    interval: 1s
    rules:
      - alert: Twice
        promql: {expr: 'vector(1) + on () (vector(1) or label_replace(vector(1), "a", "b", "", ""))'}
        severity: info
        summary: Two series on one side
"""


@pytest.mark.real
def test_rules_that_fail_are_shown(binaries: Binaries, tmp_path: Path) -> None:
    """What Prometheus cannot evaluate is in step all the same, and told with its own words."""
    packs = write(tmp_path)
    (packs / "node.yml").write_text(FAILING)
    with prometheuses.running(binaries, tmp_path) as url:
        run("apply", packs, tmp_path / "rules", "--yes", "--prometheus.url", url)
        until = time.monotonic() + prometheuses.PATIENCE_SECONDS
        while "cannot be evaluated" not in (found := _drift(packs, url)).stdout:
            assert time.monotonic() < until, found.stdout
            time.sleep(0.1)  # a real process has no clock that a test could move
    assert found.exit_code == 0
    assert "! failing · Twice cannot be evaluated: found duplicate series" in found.stdout
    assert "in step" in found.stdout


def _drift(packs: Path, url: str, *more: str) -> Result:
    return CliRunner().invoke(rules, ["drift", str(packs), "--prometheus.url", url, *more], catch_exceptions=False)
