"""`tocsin demo`: what it takes, what it refuses, and where there is no checkout."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from demo.command import demo
from demo.measuring.plan import PLAYS
from demo.shop.faults import COURSES
from tocsin.demo_command import of

RUN = CliRunner()


def test_help_lists_the_faults() -> None:
    """Every fault stands in the help with what it does."""
    said = RUN.invoke(demo, ["--help"], terminal_width=200).output
    assert {play.fault for play in PLAYS} <= COURSES.keys()
    for name, course in COURSES.items():
        assert name in said
        assert course.doc.split()[0] in said


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--fault", "no-such-fault"], "error-burst"),
        (["--fault", "error-burst", "--quick"], "one of them at a time"),
        (["--since", "3h"], "name it: --fault"),
        (["--fault", "error-burst", "--since", "soon"], "--since"),
    ],
    ids=["unknown", "two", "since alone", "no duration"],
)
def test_unusable_arguments(arguments: list[str], why: str) -> None:
    """What cannot be played exits 2 and says why, before anything is started."""
    ran = RUN.invoke(demo, arguments)
    assert ran.exit_code == 2
    assert why in ran.output.replace("\n", " ")


def test_no_checkout(tmp_path: Path) -> None:
    """Where the package was installed without the repository, it says where the demo is."""
    ran = RUN.invoke(of(tmp_path), ["--fault", "error-burst", "--once"])
    assert ran.exit_code == 1
    assert "clone Tocsin's repository" in ran.output


def test_a_checkout(tmp_path: Path) -> None:
    """Here it is the demo itself."""
    assert of(Path(__file__).parents[2]) is demo
