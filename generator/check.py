"""The fourth stage: every check on every rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from generator.checks import CHECKS
from generator.context import Neighbours, Settings, contexts, neighbours, told
from generator.rule import Pack
from tocsin.problem import Problem


def check(packs: Sequence[Pack], settings: Settings, known: Neighbours | None = None) -> list[Problem]:
    """What the checks say about the packs' rules; those that ask a server only where its answers are there.

    `known` is of all packs that are checked together, of these alone where it is not given.
    """
    if known is None:
        known = neighbours(map(told, packs))
    off = {name for name, level in settings.severities.items() if level is None}
    finders = [
        registered.find
        for name, registered in CHECKS.items()
        if name not in off and (not registered.online or settings.server is not None)
    ]
    found = (
        problem
        for rule, context in contexts(packs, settings, known)
        for find in finders
        for problem in find(rule, context)
    )
    return list(weighed(found, settings))


def weighed(problems: Iterable[Problem], settings: Settings) -> Iterable[Problem]:
    """The problems at the severities that people chose for their checks; what is turned off is left out."""
    for problem in problems:
        level = settings.severities.get(problem.check, problem.severity)
        if level is not None:
            yield replace(problem, severity=level) if level != problem.severity else problem
