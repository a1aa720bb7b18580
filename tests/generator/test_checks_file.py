"""The file of checks: levels everywhere, by path and by rule, beneath the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from generator.commands import rules as command
from generator.levels import glob
from tocsin.errors import InputError
from tocsin.problem import as_text

RULES = """groups:
- name: g
  rules:
  - alert: A
    expr: absent(x)
  - alert: B
    expr: absent(y)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two rule files, in which the command is run."""
    monkeypatch.chdir(tmp_path)
    for name in ("new", "old/deep"):
        Path(name).mkdir(parents=True)
        Path(name, "rules.yml").write_text(RULES)
    return tmp_path


def problems(*arguments: str) -> list[dict[str, Any]]:
    """What the command finds."""
    result = CliRunner().invoke(command, ["check", "--format", "json", *arguments])
    found: list[dict[str, Any]] = json.loads(result.stdout)["problems"]
    return found


def levels(*arguments: str) -> list[str]:
    """`folder rule level` of what is found about absent()."""
    return [f"{Path(one['file']).parts[0]} {one['rule']} {one['severity']}" for one in problems(*arguments)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", ["new A warning", "new B warning", "old A warning", "old B warning"]),
        ("checks: {fragile-absent: error}", ["new A error", "new B error", "old A error", "old B error"]),
        ("checks: {fragile-absent: off}", []),
        (
            "overrides: [{paths: ['old/**'], checks: {fragile-absent: off}}]",
            ["new A warning", "new B warning"],
        ),
        (
            "checks: {fragile-absent: off}\noverrides: [{rules: 'A*', checks: {fragile-absent: info}}]",
            ["new A info", "old A info"],
        ),
        (
            "overrides: [{checks: {fragile-absent: info}}, {paths: old/, rules: [B], checks: {fragile-absent: error}}]",
            ["new A info", "new B info", "old A info", "old B error"],
        ),
    ],
)
def test_levels_by_path_and_rule(text: str, expected: list[str]) -> None:
    """Of several overrides that hold the last one counts; paths are below the file's folder."""
    Path(".tocsin-checks.yml").write_text(text)
    assert levels("new", "old") == expected


def test_the_command_line_wins() -> None:
    """--severity holds everywhere, whatever the file says of some paths."""
    Path(".tocsin-checks.yml").write_text(
        "checks: {fragile-absent: off}\noverrides: [{paths: 'new/*', checks: {fragile-absent: info}}]"
    )
    everywhere = ["new A error", "new B error", "old A error", "old B error"]
    assert levels("new", "old", "--severity", "fragile-absent=error") == everywhere


def test_paths_are_those_of_the_files_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """From whichever folder the command is run, and by whichever name the rules are called."""
    Path(".tocsin-checks.yml").write_text("overrides: [{paths: 'old/**', checks: {fragile-absent: off}}]")
    monkeypatch.chdir("old/deep")
    assert problems(".", "--checks", "../../.tocsin-checks.yml") == []


def test_options_have_their_defaults_in_the_file() -> None:
    """The scrape interval makes a warning of advice; an option wins over the file."""
    Path("new/rules.yml").write_text("groups:\n- name: g\n  rules:\n  - {record: 'a:b', expr: 'rate(x[1m])'}\n")
    Path("checks.yml").write_text("scrape_interval: 30s\nprometheus_version: '2.45'")
    assert [one["severity"] for one in problems("new", "--checks", "checks.yml")] == ["warning"]
    assert problems("new", "--checks", "checks.yml", "--scrape-interval", "15s") == []


def test_a_comment_waits_for_a_check_that_is_off() -> None:
    """What is turned off finds nothing, so that a comment about it is not out of date."""
    comment = "absent(x) # tocsin: ignore fragile-absent: it is so"
    Path("new/rules.yml").write_text(RULES.replace("absent(x)", comment))
    Path(".tocsin-checks.yml").write_text("checks: {fragile-absent: off}")
    assert problems("new") == []


def test_every_problem_of_the_file_is_told() -> None:
    """Checks and levels that do not exist, unknown keys, each at its place and with a way out."""
    Path("checks.yml").write_text(
        "checks:\n  fragile-absence: off\n  dropped-label: loud\noverride: []\nscrape_interval: 5\n"
    )
    error = CliRunner().invoke(command, ["check", "new", "--checks", "checks.yml"]).exception
    assert isinstance(error, InputError)
    told = as_text(error.problems)
    for expected in (
        "checks.yml:2:20: error: checks.fragile-absence: there is no check 'fragile-absence'",
        "did you mean 'fragile-absent'?",
        "checks.yml:3:18: error: checks.dropped-label: 'loud' is no level",
        "checks.yml:4:1: error: unknown key 'override'",
        "checks.yml:5:18: error: scrape_interval: 5 is not a duration",
    ):
        assert expected in told


@pytest.mark.parametrize(
    ("pattern", "file", "matches"),
    [
        ("rules/*.yml", "/w/rules/a.yml", True),
        ("rules/*.yml", "/w/rules/b/a.yml", False),
        ("rules/**/*.yml", "/w/rules/a.yml", True),
        ("rules/**/*.yml", "/w/rules/b/c/a.yml", True),
        ("rules/**", "/w/rules/b/a.yml", True),
        ("rules/", "/w/rules/b/a.yml", True),
        ("./rules/a?.yml", "/w/rules/a1.yml", True),
        ("a.yml", "/w/b/c/a.yml", True),
        ("a.yml", "/w/b/ca.yml", False),
        ("/etc/*.yml", "/etc/a.yml", True),
        ("a+b.yml", "/w/a+b.yml", True),
        ("*.yml", "/v/a.yml", False),
    ],
)
def test_globs(pattern: str, file: str, matches: bool) -> None:
    """`**` goes through folders, `*` and `?` do not; without a slash a file of that name anywhere below."""
    assert (glob(pattern, "/w").fullmatch(file) is not None) is matches
