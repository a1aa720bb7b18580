"""The `tocsin` command itself: quick, documented, and never a traceback."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer.main

from tocsin import __version__, cli
from tocsin.errors import InputError, TocsinError, UsageError
from tocsin.problem import Position, Problem

TOCSIN = Path(sys.executable).with_name("tocsin")

HEAVY = {"aiohttp", "numba", "numpy", "pandas", "pydantic", "rich", "sktime", "sqlalchemy"}
TIMES_A_BARE_PYTHON = 25  # DESIGN.md §1: `tocsin --help` stays quick
FEWEST_ROUNDS, ROUNDS = 5, 20

LIST_MODULES = """
import json, sys
from tocsin import cli
sys.argv = ["tocsin", "--help"]
try:
    cli.main()
except SystemExit:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TOCSIN, *arguments], capture_output=True, text=True, check=False)


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every group and command of the tree with the words that call it."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))


TREE = dict(commands(typer.main.get_command(cli.build())))


def test_help_imports_nothing_heavy() -> None:
    """`tocsin --help` loads every command's module and none of the libraries that commands need."""
    ran = subprocess.run([sys.executable, "-c", LIST_MODULES], capture_output=True, text=True, check=True)
    assert HEAVY & set(json.loads(ran.stderr)) == set()


def test_help_is_quick() -> None:
    """`tocsin --help` takes at most 25 times what Python needs to do nothing, at best of both.

    Processor time: what others do on the machine delays a process, and costs it little.
    """
    bare = helped = float("inf")
    for done in range(ROUNDS):
        bare = min(bare, seconds([sys.executable, "-c", "pass"]))
        helped = min(helped, seconds([str(TOCSIN), "--help"]))
        if done >= FEWEST_ROUNDS and helped <= TIMES_A_BARE_PYTHON * bare:
            return
    pytest.fail(f"`tocsin --help` takes {helped:.3f} s, Python alone {bare:.3f} s")


def seconds(command: Sequence[str]) -> float:
    """Of a processor, its own and the system's."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


@pytest.mark.parametrize("path", TREE, ids=lambda path: " ".join(path) or "tocsin")
def test_help_carries_an_example(path: tuple[str, ...]) -> None:
    """Every `--help` ends its text with an example that calls this very command."""
    _, _, example = (TREE[path].help or "").partition("Example:\n")
    assert f"  {' '.join(('tocsin', *path))}" in example


def test_the_tree_has_every_component() -> None:
    """Subcommands are found by entry point; those that scripts rely on are there."""
    promised = "version|config check|rules build|rules check|receiver run|incidents list|incidents show"
    assert {tuple(words.split()) for words in promised.split("|")} <= set(TREE)


def test_version() -> None:
    """`tocsin version` tells Tocsin's and Python's."""
    ran = run("version")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith(f"tocsin {__version__} (python 3.")


@pytest.mark.parametrize("arguments", [["no-such-command"], ["rules", "no-such-command"], ["version", "--no-such"]])
def test_unusable_arguments(arguments: list[str]) -> None:
    """What cannot be understood exits 2 and points at the help."""
    ran = run(*arguments)
    assert ran.returncode == 2
    assert "--help" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (TocsinError("the disk is full"), 1, "tocsin: the disk is full\n"),
        (UsageError("--from is after --to"), 2, "tocsin: --from is after --to\n"),
        (
            InputError([Problem("yaml", "a key is missing", Position("pack.yml", 3, 7), hint="add it")]),
            1,
            "pack.yml:3:7: error: a key is missing (yaml)\n    → add it\n",
        ),
    ],
)
def test_an_error_of_ours_is_shown_without_traceback(
    error: TocsinError, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error of the tree that a command raises is its text on stderr and its exit code, no more."""

    def failing() -> None:
        raise error

    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(failing)
    monkeypatch.setattr(cli, "build", lambda: app)
    monkeypatch.setattr(sys, "argv", ["tocsin"])
    with pytest.raises(SystemExit) as exited:
        cli.main()
    assert exited.value.code == code
    assert capsys.readouterr() == ("", said)
