"""The fourth stage: every check on every rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from generator.checks import CHECKS
from generator.context import Neighbours, Settings, contexts, neighbours, told
from generator.levels import level_of
from generator.rule import Pack
from tocsin.problem import Problem


def check(packs: Sequence[Pack], settings: Settings = Settings(), known: Neighbours | None = None) -> list[Problem]:  # noqa: B008 - frozen
    """What the checks say of the packs' rules, unweighed; those that ask a server only where its answers are there.

    `known` is of all packs that are checked together, of these alone where it is not given.
    """
    if known is None:
        known = neighbours(map(told, packs))
    finders = [
        registered.find
        for name, registered in CHECKS.items()
        if name not in settings.off and (not registered.online or settings.server is not None)
    ]
    rules = contexts(packs, settings, known)
    return [problem for rule, context in rules for find in finders for problem in find(rule, context)]


def weighed(problems: Iterable[Problem], settings: Settings) -> Iterable[Problem]:
    """The problems at the severities that people chose for their checks; what is turned off is left out."""
    for problem in problems:
        level = level_of(problem, settings.severities, settings.overrides)
        if level is not None:
            yield replace(problem, severity=level) if level != problem.severity else problem
