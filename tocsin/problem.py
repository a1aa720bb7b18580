"""What a user got wrong is data: a `Problem`, with where it is and how to mend it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file; line and column count from 1, 0 where unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.file, *(str(part) for part in (self.line, self.column) if part)])


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: which check found it, where, what it is and what to do about it.

    `part` is the text that it is about, to be looked for from `at` on.
    """

    check: str
    message: str
    at: Position
    hint: str = ""
    rule: str = ""
    severity: Level = "error"
    part: str = ""


def has_errors(problems: Iterable[Problem]) -> bool:
    return any(problem.severity == "error" for problem in problems)


def as_text(problems: Sequence[Problem]) -> str:
    """The problems as people read them: sorted by place, the hint under the message."""
    lines = []
    for problem in sorted(problems, key=lambda p: p.at):
        about = f"{problem.rule}: " if problem.rule else ""
        lines.append(f"{problem.at}: {problem.severity}: {about}{problem.message} ({problem.check})")
        if problem.hint:
            lines.append(f"    → {problem.hint}")
    return "\n".join(lines)


def as_json(problems: Sequence[Problem], **beside: object) -> str:
    """The promised JSON (DESIGN.md §9): `{"problems": [{"check", "severity", "file", …}]}`.

    `beside` are further keys of the object.
    """
    return json.dumps({"problems": rows(problems), **beside}, indent=2, ensure_ascii=False)


def rows(problems: Iterable[Problem]) -> list[dict[str, str | int]]:
    """The problems as JSON has them, sorted by place."""
    return [
        {
            "check": problem.check,
            "severity": problem.severity,
            "file": problem.at.file,
            "line": problem.at.line,
            "column": problem.at.column,
            "rule": problem.rule,
            "message": problem.message,
            "hint": problem.hint,
        }
        for problem in sorted(problems, key=lambda p: p.at)
    ]


def summary(problems: Sequence[Problem]) -> str:
    """`2 errors, 1 warning`."""
    counts = {level: sum(p.severity == level for p in problems) for level in ("error", "warning", "info")}
    parts = [f"{n} {level}{'s' if n != 1 else ''}" for level, n in counts.items() if n and level != "info"]
    return ", ".join(parts) or "no problems"
