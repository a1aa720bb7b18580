"""docs/reference/exporter-questions.md and the code say the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer.main

from exporter.api import STATUS
from exporter.backtesting.report import report
from exporter.backtesting.run import MOST_VALUES, run
from exporter.commands import exporter
from exporter.explaining.explain import figures
from exporter.feedback.book import MOST_VERDICTS
from exporter.feedback.lessons import ALARM, CALM, COVERED, MOST_GAIN
from exporter.replaying.choosing import MOST_POINTS
from exporter.replaying.desk import MOST_COLUMNS, MOST_WAITING
from tests.exporter.test_backtest import case, nothing
from tests.exporter.test_explain import case as one_case

PAGE = (Path(__file__).parents[2] / "docs/reference/exporter-questions.md").read_text(encoding="utf-8")
COMMANDS = ("plot", "explain", "backtest", "feedback")
MOST_SAID = {"POST /api/v1/feedback", "GET /api/v1/feedback", "DELETE /api/v1/feedback/ID", "/plot", "/api/v1/explain"}


def options(command: Any) -> set[str]:
    below = getattr(command, "commands", {}).values()
    own = {max(parameter.opts, key=len) for parameter in command.params if parameter.opts[0].startswith("-")}
    return own.union(*(options(child) for child in below))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_documented(command: str) -> None:
    """Each option of the commands stands in the page."""
    tree: Any = typer.main.get_command(exporter)
    known = set(re.findall(r"--[a-z.]+", PAGE)) | {"--help"}
    assert options(tree.commands[command]) <= known


def section(heading: str) -> set[str]:
    """The keys in the first column of a section's table, and those that its second column names."""
    text = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    return set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| .*$", text, re.MULTILINE))))


def keys(found: Any) -> set[str]:
    if isinstance(found, dict):
        return set(found).union(*(keys(value) for name, value in found.items() if name != "labels"))
    return set().union(*map(keys, found)) if isinstance(found, list) else set()


def test_every_key_is_documented() -> None:
    """Each key of the JSON of explanations and backtests stands in its table."""
    values = np.ones((1, 6 * 288))
    values[0, -50] = 9.0
    chosen = case(values)
    assert keys(report(chosen, run(chosen, nothing))) <= section("Backtests")
    assert keys(figures(one_case(values[:, -400:]), None)) <= section("Explanations")


def test_bounds_are_documented() -> None:
    """The page names the bounds that the code keeps, and every status that it answers."""
    assert f"{MOST_COLUMNS:,} steps and reads {MOST_POINTS:,} points" in PAGE
    assert (MOST_WAITING, COVERED, MOST_GAIN) == (4, 1.5, 4.0)
    assert "four more may wait" in PAGE
    assert "(and half as much more)" in PAGE
    assert "at most fourfold" in PAGE
    assert f"{CALM:g} at the most" in PAGE
    assert f"to {ALARM:g}, at most" in PAGE
    assert f"At most {MOST_VERDICTS:,} are in" in PAGE
    assert f"At most {MOST_VALUES // 10**6} million values" in PAGE
    assert all(re.search(rf"\b{status}\b", PAGE) for status in STATUS.values())
    assert all(request in PAGE for request in MOST_SAID)
