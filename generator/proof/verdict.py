"""What came of testing: a verdict for each rule, one for each test file that people wrote, and the coverage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

from generator.proof.case import Author
from generator.rule import Pack, Rule
from generator.yamltext import Tree
from tocsin.problem import Position, Problem

Status = Literal["proven", "unproven", "failed"]

# Whose tests prove a rule: found from the rule, given in its pack, promtool's own that people wrote.
By = Literal["generated", "pack", "tests"]


Blame = Literal["unproven", "failed"]


def blame(author: Author) -> Blame:
    """What it means that a test does not pass: series that were found may be wrong themselves, given ones are right."""
    return "unproven" if author == "generated" else "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a rule is not proven; where it stands, and the way out."""

    status: Blame
    why: str
    at: Position
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is worth keeping of a proof: the rules, evaluated every `interval`, and the tests that promtool passed."""

    rules: Pack
    rules_text: str
    interval: timedelta
    tests: Sequence[Mapping[str, Tree]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one rule; `tests` is how many it passed. An alert of a tenant names it."""

    rule: Rule
    pack: Pack
    by: By | None = None
    tests: int = 0
    findings: tuple[Finding, ...] = ()
    kept: Kept | None = None

    @property
    def status(self) -> Status:
        if any(finding.status == "failed" for finding in self.findings):
            return "failed"
        return "proven" if self.by and not self.findings else "unproven"


@dataclass(frozen=True, slots=True)
class OwnVerdict:
    """What came of a test file that people wrote; `why` is empty where it passed."""

    file: Path
    why: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was tested: `verdicts` are about rules as they are built.

    Where tenants choose packs, `given` is about the packs on their own parameters, with the tests that they give.
    """

    verdicts: tuple[Verdict, ...]
    given: tuple[Verdict, ...] = ()
    own: tuple[OwnVerdict, ...] = ()
    problems: tuple[Problem, ...] = field(default=())

    @property
    def alerts(self) -> list[Verdict]:
        """Those that coverage is about."""
        return [verdict for verdict in self.verdicts if verdict.rule.kind == "alert"]

    @property
    def proven(self) -> int:
        return sum(verdict.status == "proven" for verdict in self.alerts)

    @property
    def coverage(self) -> float | None:
        """Per cent of the alerts that are proven; None where there are none."""
        return 100 * self.proven / len(self.alerts) if self.alerts else None

    @property
    def failed(self) -> bool:
        rules = any(one.status == "failed" for one in (*self.verdicts, *self.given))
        return rules or any(one.why for one in self.own)
