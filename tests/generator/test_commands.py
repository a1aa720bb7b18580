"""The commands as people and CI run them: what they print, and the code they end with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from generator.commands import rules
from tests.generator.packs import alert, pack
from tocsin.errors import TocsinError

GOOD = pack(alert("heartbeat:"))
BAD = pack(alert("threshold: {expr: 'sum(', above: 1}"))


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `tocsin rules …` in a folder with the packs good.yml and bad.yml."""
    (tmp_path / "good.yml").write_text(GOOD)
    (tmp_path / "bad.yml").write_text(BAD.replace("name: test", "name: bad"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Outcome:
        result = CliRunner().invoke(rules, arguments)
        if isinstance(result.exception, TocsinError):  # tocsin.cli.main shows it as one line
            return Outcome(result.exception.exit_code, result.stdout, str(result.exception))
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return run


def test_build_says_what_it_did(run: Run) -> None:
    """The first build writes, the second finds nothing to do."""
    assert run("build", "good.yml", "-o", "rules") == Outcome(0, "wrote 1 file, 1 rule to rules/\n", "")
    assert run("build", "good.yml", "-o", "rules/").out == "wrote 0 files, 1 rule to rules/ (1 unchanged)\n"


def test_build_writes_nothing_beside_an_error(run: Run) -> None:
    """With one bad pack among good ones, no file is touched, and the problem is on stderr."""
    outcome = run("build", ".", "-o", "rules")
    assert (outcome.code, outcome.out) == (1, "wrote nothing: 1 error in 2 packs, 1 rule\n")
    assert outcome.err.startswith(
        "bad.yml:8:27: error: Test: expr: PromQL: unclosed left parenthesis (promql-syntax)\n    → "
    )
    assert not Path("rules").exists()


def test_build_names_stale_files(run: Run) -> None:
    """A file whose pack is gone is named, so that somebody deletes it."""
    run("build", "good.yml", "-o", "rules")
    Path("good.yml").write_text(GOOD.replace("name: test", "name: new"))
    assert "rules/test.yml: left from an earlier build" in run("build", "good.yml", "-o", "rules").out


def test_build_for_the_operator(run: Run) -> None:
    """`--target prometheusrule` writes the custom resource."""
    assert run("build", "good.yml", "-o", "manifests", "--target", "prometheusrule").code == 0
    assert "\nkind: PrometheusRule\n" in Path("manifests/test.yml").read_text()


def test_build_as_json(run: Run) -> None:
    """Scripts read the problems, and what became of each file."""
    outcome = json.loads(run("build", "good.yml", "-o", "rules", "--format", "json").out)
    assert outcome == {"problems": [], "files": [{"file": "rules/test.yml", "state": "written"}]}


def test_check_shows_and_writes_nothing(run: Run) -> None:
    """`check` ends with a line that counts."""
    assert run("check", "good.yml") == Outcome(0, "checked 1 pack, 1 rule: no problems\n", "")
    assert run("check", "bad.yml").out == "checked 1 pack, 0 rules: 1 error\n"
    assert sorted(path.name for path in Path().iterdir()) == ["bad.yml", "good.yml"]


def test_check_as_json(run: Run) -> None:
    """The promised form (DESIGN.md §9)."""
    outcome = run("check", ".", "--format", "json")
    assert outcome.code == 1
    assert json.loads(outcome.out) == {
        "problems": [
            {
                "check": "promql-syntax",
                "severity": "error",
                "file": "bad.yml",
                "line": 8,
                "column": 27,
                "rule": "Test",
                "message": "expr: PromQL: unclosed left parenthesis",
                "hint": "try the expression in Prometheus; check its brackets and quotes",
            }
        ]
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "nowhere"], "nowhere: no such file or folder"),
        (["check"], "Missing argument 'PATH'"),
        (["check", "good.yml", "--format", "xml"], "'xml' is not one of 'text', 'json'"),
        (["build", "good.yml"], "Missing option '-o'"),
        (["build", "good.yml", "-o", "rules", "--target", "thanos"], "'thanos' is none of rulefile, prometheusrule"),
        (["build", "good.yml", "-o", "bad.yml"], "bad.yml: cannot be written: File exists; choose another -o"),
        (["build", "good.yml", "-o", "/proc/rules"], "cannot be written: "),
    ],
)
def test_unusable_arguments(arguments: list[str], message: str, run: Run) -> None:
    """Exit code 2 and one clear message."""
    outcome = run(*arguments)
    assert outcome.code == 2
    assert message in outcome.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_what_one_may_not_read_or_write(run: Run) -> None:
    """Permissions are told like any other problem."""
    Path("good.yml").chmod(0)
    assert "good.yml: error: cannot be read: Permission denied (read)" in run("check", "good.yml").err
    Path("good.yml").chmod(0o644)
    Path("rules").mkdir(mode=0o500)
    assert "cannot be written: Permission denied" in run("build", "good.yml", "-o", "rules").err


def test_every_help_has_an_example() -> None:
    """Whoever asks for help sees a command to copy."""
    group = get_command(rules)
    commands = [group, *group.commands.values()]  # type: ignore[attr-defined]
    assert [command.name for command in commands if "Example:\n  tocsin rules " not in (command.help or "")] == []


def test_the_command_module_imports_nothing_heavy() -> None:
    """`tocsin --help` imports this module: neither YAML, PromQL nor pydantic may come with it."""
    heavy = "{'yaml', 'promql_parser', 'pydantic', 'numpy'}"
    script = f"import sys, generator.commands; raise SystemExit(sorted({heavy} & set(sys.modules)) or 0)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
