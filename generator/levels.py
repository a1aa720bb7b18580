"""How bad a finding is: what the checks say themselves, a file of people's own, the command line, in this order."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tocsin.problem import Level, Problem

Levels = Mapping[str, Level | None]  # by check; None turns it off


@dataclass(frozen=True, slots=True)
class Override:
    """Levels for the findings in some files (`paths`, by their absolute names), or about some rules (`names`).

    Without patterns of a kind it holds for all.
    """

    levels: Levels
    paths: tuple[re.Pattern[str], ...] = ()
    names: tuple[str, ...] = ()

    def holds(self, problem: Problem) -> bool:
        """Whether the finding is among them."""
        if self.paths:
            file = os.path.abspath(problem.at.file)
            if not any(path.fullmatch(file) for path in self.paths):
                return False
        return not self.names or any(fnmatchcase(problem.rule, name) for name in self.names)


def level_of(problem: Problem, levels: Levels, overrides: Iterable[Override]) -> Level | None:
    """The finding's level, or None where its check is turned off; of several overrides the last one counts."""
    level = levels.get(problem.check, problem.severity)
    for override in overrides:
        if problem.check in override.levels and override.holds(problem):
            level = override.levels[problem.check]
    return level


def glob(pattern: str, folder: str) -> re.Pattern[str]:
    """A glob as a regular expression for absolute file names: `**` goes through folders, `*` and `?` do not.

    A pattern without a slash means files of that name in any folder below.
    """
    below = pattern if "/" in pattern else f"**/{pattern}"
    whole = below if os.path.isabs(below) else f"{folder.rstrip('/')}/{below.removeprefix('./')}"
    if whole.endswith("/"):
        whole += "**"
    return re.compile("".join(map(_part, re.split(r"(\*\*/|\*\*|\*|\?)", whole))))


def _part(text: str) -> str:
    return {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(text, re.escape(text))
