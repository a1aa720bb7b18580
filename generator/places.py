"""Where exactly in its source a problem lies: the column of the part that it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tocsin.problem import Position, Problem


def refined(problem: Problem, sources: Mapping[str, Sequence[str]]) -> Problem:
    """The problem at the place of its `part`, where that stands exactly once in the value it is about."""
    at = _place(problem, sources.get(problem.at.file, ()))
    return problem if at == problem.at else replace(problem, at=at)


def _place(problem: Problem, lines: Sequence[str]) -> Position:
    at = problem.at
    if not problem.part or not 0 < at.line <= len(lines):
        return at
    first = lines[at.line - 1][max(at.column - 1, 0) :]
    span = "\n".join([first, *_further(lines, at.line)])
    found = list(re.finditer(_pattern(problem.part), span))
    if len(found) != 1:
        return at
    before = span[: found[0].start()]
    line = before.count("\n")
    column = len(before) + at.column if line == 0 else len(before) - before.rindex("\n")
    return Position(at.file, at.line + line, column)


def _further(lines: Sequence[str], number: int) -> list[str]:
    """The lines after the given one that belong to its value: those that stand deeper."""
    depth = len(re.match(r"[ ]*(- )*", lines[number - 1])[0])  # type: ignore[index]  # it always matches
    further: list[str] = []
    for line in lines[number:]:
        if line.strip() and len(line) - len(line.lstrip(" ")) <= depth:
            break
        further.append(line)
    return further


def _pattern(part: str) -> str:
    """The part as people may have written it: any blanks between its words and signs."""
    tokens = re.findall(r"\w+|[^\w\s]", part)
    left = r"(?<!\w)" if re.match(r"\w", part) else ""
    right = r"(?!\w)" if re.search(r"\w$", part) else ""
    return left + r"\s*".join(map(re.escape, tokens)) + right


def lines_of(files: Iterable[str]) -> dict[str, list[str]]:
    """The lines of each file; none of one that cannot be read, of which another problem says why."""
    return {file: _lines(file) for file in dict.fromkeys(files)}


def _lines(file: str) -> list[str]:
    try:
        return Path(file).read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError):
        return []
