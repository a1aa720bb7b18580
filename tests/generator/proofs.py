"""Rules tested by the command, in a folder of the test's own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from generator.commands import rules as command
from generator.proof.case import Case, Proposal
from generator.rule import Rule
from tocsin.errors import TocsinError


@dataclass(frozen=True)
class Told:
    """What the command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> Any:
        return json.loads(self.out)

    @property
    def rules(self) -> dict[str, tuple[str, list[str]]]:
        """Each rule's status and its reasons."""
        return {
            row["rule"]: (row["status"], [finding["reason"] for finding in row["findings"]])
            for row in self.report["rules"]
        }


def told(promtool: Path, *arguments: str | Path) -> Told:
    """`tocsin rules test` with these arguments."""
    result = CliRunner().invoke(command, ["test", "--promtool", str(promtool), *map(str, arguments)])
    if isinstance(result.exception, TocsinError):  # `tocsin` tells it in one line
        return Told(result.exception.exit_code, result.stdout, str(result.exception))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Told(result.exit_code, result.stdout, result.stderr)


def proposing(monkeypatch: pytest.MonkeyPatch, *cases: Case, why: str = "nothing is found") -> None:
    """Every alert is proposed these cases, whatever it says: what becomes of them is another's business."""

    def propose(alert: Rule, *_: object) -> Proposal:
        return Proposal(alert, cases, why)

    monkeypatch.setattr("generator.proof.subject.propose", propose)
