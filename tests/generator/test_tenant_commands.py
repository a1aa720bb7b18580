"""`tocsin rules tenants init` and `tocsin rules set`: what they print, and the code they end with."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.main import get_command

from generator.commands import TARGET_NAMES, rules
from generator.targets import TARGETS
from tests.generator.test_commands import Outcome, Run, run  # noqa: F401 - a fixture


def test_init_writes_what_builds(run: Run) -> None:  # noqa: F811
    """A new tenant's file says how to build it, and that works; a second init does not overwrite it."""
    arguments = ("tenants", "init", "acme", "--pack", "node", "--pack", "test", "--packs", "good.yml")
    assert run(*arguments) == Outcome(0, "wrote acme.yml; build it: tocsin rules build acme.yml -o rules/\n", "")
    assert run("build", "acme.yml", "good.yml", "-o", "rules").code == 0
    assert sorted(path.name for path in Path("rules").iterdir()) == ["acme-node.yml", "acme-test.yml"]
    assert run(*arguments).code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["init", "Acme_1", "--pack", "node"], "'Acme_1' cannot name a tenant"),
        (["init", "acme", "--pack", "nod"], "there is no pack 'nod'; did you mean 'node'?"),
        (["init", "acme"], "Missing option '--pack'"),
        (["init", "acme", "--pack", "node", "-o", "/proc/x/y.yml"], "cannot be written"),
    ],
)
def test_unusable_arguments_of_init(arguments: list[str], message: str, run: Run) -> None:  # noqa: F811
    """Exit code 2, one clear message, and no file."""
    outcome = run("tenants", *arguments)
    assert outcome.code == 2
    assert message in outcome.err
    assert not Path("acme.yml").exists()


def test_set_says_what_it_did(run: Run) -> None:  # noqa: F811
    """The old and the new value; or the problem on stderr and exit code 1."""
    assert run("tenants", "init", "acme", "--pack", "node").code == 0
    assert run("set", "acme.yml", "node.cpu_percent", "80").out == "acme.yml: node.cpu_percent is 80\n"
    assert run("set", "acme.yml", "node.cpu_percent", "85").out == "acme.yml: node.cpu_percent is 85 (was 80)\n"
    outcome = run("set", "acme.yml", "node.cpu_percent", "850")
    assert (outcome.code, outcome.out) == (1, "changed nothing in acme.yml\n")
    assert "850 is out of its bounds, 1 to 100 (param)\n    → " in outcome.err


def test_build_for_each_target_and_version(run: Run) -> None:  # noqa: F811
    """Every target is named in the help and builds; a version that is none is an unusable argument."""
    assert TARGET_NAMES.split("|") == list(TARGETS)
    for target in TARGETS:
        assert run("build", "good.yml", "-o", target, "--target", target, "--prometheus-version", "3.5").code == 0
    outcome = run("check", "good.yml", "--prometheus-version", "new")
    assert outcome.code == 2
    assert "'new' is no version of Prometheus; write it like 2.53" in outcome.err


def test_every_help_has_an_example() -> None:
    """Whoever asks for help sees a command to copy."""
    [init] = get_command(rules).commands["tenants"].commands.values()  # type: ignore[attr-defined]
    assert "Example:\n  tocsin rules tenants init " in init.help
