"""The page about delivery says what the commands are."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer

from generator.commands import rules
from generator.delivery.options import Options
from generator.delivery.registry import KINDS

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/delivery.md"
COMMANDS = ("diff", "plan", "apply", "drift")
LINES = re.findall(r"^\$? ?tocsin rules (.*?)(?: > .*)?$", PAGE.read_text(), re.MULTILINE)


def command(name: str) -> Any:
    """The command as typer makes it, of a class of its own."""
    group: Any = typer.main.get_command(rules)
    return group.commands[name]


@pytest.mark.parametrize("line", LINES)
def test_every_command_of_the_page_can_be_given(line: str) -> None:
    """Its options exist, and take what is written there."""
    name, *arguments = shlex.split(line)
    assert name in COMMANDS
    command(name).make_context(name, arguments)


def test_every_option_of_a_place_is_explained() -> None:
    """Each stands on the page, and each kind of place has a section."""
    text = PAGE.read_text()
    options = {parameter.opts[0] for parameter in command("apply").params if parameter.opts[0].startswith("--")}
    assert len(options) > len(fields(Options))
    general = {"--help", "--prometheus-version"}
    assert sorted(option for option in options - general if f"`{option}" not in text) == ["--prune"]  # --no-prune is
    assert [name for name in KINDS if f"### `--to {name}`" not in text] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_exit_code_is_the_same_in_page_and_help(name: str) -> None:
    """The table of the page gives each code that the help gives."""
    [row] = re.findall(rf"^\| `tocsin rules {name} .*$", PAGE.read_text(), re.MULTILINE)
    said = re.search(r"Exit (.*?)\.\n", command(name).help or "", re.DOTALL)
    assert said
    codes = re.findall(r"\b(\d):", said[1])
    assert codes
    assert [
        code for code in codes if not re.search(rf"\b{code}\b", row.rpartition("| ")[0].rpartition("| ")[2] + row)
    ] == []
