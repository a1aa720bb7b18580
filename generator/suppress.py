"""`# tocsin: ignore CHECK, CHECK: reason` in a YAML file: problems that somebody has looked at.

At the end of a line, or alone above it, the comment covers that line; on the first line of a rule, the whole rule.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from generator.places import refined
from generator.rule import Pack
from tocsin.problem import Position, Problem

COMMENT = re.compile(r"(?:^|(?<=\s))#\s*tocsin\s*:\s*ignore\b(?P<rest>.*)$")
FORM = "write # tocsin: ignore <check>: <why it is fine here>"


@dataclass(frozen=True, slots=True)
class Ignore:
    """One check that is to be silent on the lines from `first` up to, not including, `end`."""

    check: str
    at: Position
    first: int
    end: int


def suppress(
    problems: Sequence[Problem],
    sources: Mapping[str, Sequence[str]],
    starts: Mapping[str, Sequence[int]],
    checks: Iterable[str],
    off: frozenset[str] = frozenset(),
) -> list[Problem]:
    """The problems that no comment covers, at their exact places, and what is amiss with the comments themselves.

    A comment may stand at the value or at the very part of it. `sources` are the lines of each file, `starts` on which
    of them its rules begin, `checks` the names that exist, `off` those that were not run: their comments wait for them.
    """
    known = frozenset(checks)
    ignores: dict[str, list[Ignore]] = {}
    left: list[Problem] = []
    for file, lines in sources.items():
        found, amiss = _comments(file, lines, starts.get(file, []), known)
        ignores[file] = found
        left += amiss
    used: set[Ignore] = set()
    for problem in problems:
        exact = refined(problem, sources)
        near = ignores.get(problem.at.file, ())
        covering = [ignore for ignore in near if _covers(ignore, problem) or _covers(ignore, exact)]
        used.update(covering)
        if not covering:
            left.append(exact)
    waiting = (ignore for found in ignores.values() for ignore in found if ignore.check not in off)
    return left + [_unused(ignore) for ignore in waiting if ignore not in used]


def rule_starts(packs: Iterable[Pack]) -> dict[str, list[int]]:
    """The first line of every rule, by file, in order."""
    starts: dict[str, set[int]] = {}
    for pack in packs:
        for rule in pack.rules:
            at = rule.origin.at()
            starts.setdefault(at.file, set()).add(at.line)
    return {file: sorted(lines) for file, lines in starts.items()}


def _covers(ignore: Ignore, problem: Problem) -> bool:
    return ignore.check == problem.check and ignore.first <= problem.at.line < ignore.end


def _comments(
    file: str, lines: Sequence[str], starts: Sequence[int], known: frozenset[str]
) -> tuple[list[Ignore], list[Problem]]:
    found: list[Ignore] = []
    amiss: list[Problem] = []
    for number, line in enumerate(lines, start=1):
        match = COMMENT.search(line) if "tocsin" in line else None
        if match is None:
            continue
        at = Position(file, number, match.start() + 1)
        names, _, reason = match["rest"].partition(":")
        checks = [name for name in re.split(r"[\s,]+", names) if name]
        unknown = [name for name in checks if name not in known]
        if not checks or not reason.strip():
            amiss.append(
                Problem("suppression", "the comment gives no check or no reason", at, FORM, severity="warning")
            )
        elif unknown:
            hint = "tocsin rules checks lists those that exist"
            amiss.append(Problem("suppression", f"there is no check {unknown[0]!r}", at, hint, severity="warning"))
        else:
            first, end = _lines_covered(number, lines, starts)
            found += [Ignore(check, at, first, end) for check in checks]
    return found, amiss


def _lines_covered(number: int, lines: Sequence[str], starts: Sequence[int]) -> tuple[int, int]:
    """The line of the comment, or the next that is more than a comment; all of a rule from its first line."""
    first = number
    while first <= len(lines) and lines[first - 1].lstrip()[:1] in ("", "#"):
        first += 1
    if first not in starts:
        return first, first + 1
    after = bisect_right(starts, first)
    return first, starts[after] if after < len(starts) else len(lines) + 1


def _unused(ignore: Ignore) -> Problem:
    message = f"nothing here to ignore: {ignore.check!r} finds nothing"
    return Problem("suppression", message, ignore.at, "remove the comment", severity="warning")
