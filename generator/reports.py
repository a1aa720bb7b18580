"""Problems as people, pipelines and code hosts read them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from generator.checks import CHECKS
from tocsin import __version__
from tocsin.problem import Position, Problem, as_json

Sources = Mapping[str, Sequence[str]]

WIDEST = 200  # characters of a source line that are shown
SARIF_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
GITHUB_LEVELS = {"error": "error", "warning": "warning", "info": "notice"}


def as_text(problems: Sequence[Problem], sources: Sources) -> str:
    """One line a problem, its source with a caret under the place, and the way out."""
    return "\n".join(line for problem in _sorted(problems) for line in _text(problem, sources))


def _text(problem: Problem, sources: Sources) -> list[str]:
    about = f"{problem.rule}: " if problem.rule else ""
    lines = [f"{problem.at}: {problem.severity}: {about}{problem.message} ({problem.check})"]
    lines += _excerpt(problem.at, sources.get(problem.at.file, ()))
    return [*lines, f"    → {problem.hint}"] if problem.hint else lines


def _excerpt(at: Position, lines: Sequence[str]) -> list[str]:
    if not (0 < at.line <= len(lines) and at.column):
        return []
    source = lines[at.line - 1].rstrip()
    skipped = len(source) - len(source.lstrip())
    shown, column = source[skipped:], at.column - 1 - skipped
    if len(shown) > WIDEST and column > WIDEST // 2:
        cut = column - WIDEST // 2
        shown, column = "…" + shown[cut:], column - cut + 1
    shown = "".join(letter if letter.isprintable() else " " for letter in shown[:WIDEST])
    margin = f"{at.line:>6} | "
    return [f"{margin}{shown}", f"{' ' * 6} | {' ' * max(column, 0)}^"]


def as_github(problems: Sequence[Problem], sources: Sources) -> str:
    """Workflow commands, which GitHub shows beside the lines of a pull request."""
    return "\n".join(map(_github, _sorted(problems)))


def _github(problem: Problem) -> str:
    at = problem.at
    place = {"file": at.file, "line": at.line, "col": at.column, "title": problem.check}
    fields = ",".join(f"{key}={_property(str(value))}" for key, value in place.items() if value)
    about = f"{problem.rule}: " if problem.rule else ""
    hint = f"\n→ {problem.hint}" if problem.hint else ""
    return f"::{GITHUB_LEVELS[problem.severity]} {fields}::{_escape(f'{about}{problem.message}{hint}')}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")


def as_sarif(problems: Sequence[Problem], sources: Sources) -> str:
    """SARIF 2.1.0, which code scanning takes in."""
    names = sorted({problem.check for problem in problems})
    rules = [
        {"id": name, "shortDescription": {"text": CHECKS[name].about if name in CHECKS else name}} for name in names
    ]
    driver = {"name": "tocsin", "version": __version__, "rules": rules}
    results = [_result(problem, names.index(problem.check)) for problem in _sorted(problems)]
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }
    return json.dumps(log, indent=2, ensure_ascii=False)


def _result(problem: Problem, index: int) -> dict[str, object]:
    about = f"{problem.rule}: " if problem.rule else ""
    hint = f" → {problem.hint}" if problem.hint else ""
    location: dict[str, object] = {"artifactLocation": {"uri": problem.at.file}}
    if problem.at.line:
        location["region"] = {"startLine": problem.at.line, "startColumn": max(problem.at.column, 1)}
    return {
        "ruleId": problem.check,
        "ruleIndex": index,
        "level": SARIF_LEVELS[problem.severity],
        "message": {"text": f"{about}{problem.message}{hint}"},
        "locations": [{"physicalLocation": location}],
    }


def _sorted(problems: Sequence[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: (problem.at, problem.check, problem.message))


FORMATS: Mapping[str, Callable[[Sequence[Problem], Sources], str]] = {
    "text": as_text,
    "json": lambda problems, _: as_json(problems),
    "sarif": as_sarif,
    "github": as_github,
}
