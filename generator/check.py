"""The fourth stage: every check on every rule.

Packs that come one after another are judged one after another, while what they consist of is at hand. What a pack reads
may be recorded by one that comes later, so each is judged as if it were alone, and again only where it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from generator.checks import CHECKS
from generator.context import Neighbours, Registered, Settings, Told, contexts, neighbours, told
from generator.levels import level_of
from generator.rule import Pack
from tocsin.problem import Problem


@dataclass(frozen=True, slots=True)
class Judged:
    """Packs that were looked at as if there were no others: what they tell those, and what was found."""

    packs: Sequence[Pack]
    told: Sequence[Told]
    alone: Neighbours
    findings: Sequence[Problem]


def check(packs: Sequence[Pack], settings: Settings = Settings()) -> list[Problem]:  # noqa: B008 - frozen
    """What the checks say of the packs' rules, unweighed; those that ask a server only where its answers are there."""
    judged = judge(packs, settings)
    return settle(judged, judged.alone, settings)


def judge(packs: Sequence[Pack], settings: Settings) -> Judged:
    """What the checks say as long as nothing is known of other packs."""
    tells = [told(pack) for pack in packs]
    alone = neighbours(tells)
    return Judged(packs, tells, alone, _found(packs, settings, alone, lambda registered: not registered.of_all))


def settle(judged: Judged, known: Neighbours, settings: Settings) -> list[Problem]:
    """What they say in the end; `known` are all packs that are checked together."""
    findings = judged.findings
    if _have_news(judged, known):
        findings = _found(judged.packs, settings, known, lambda registered: not registered.of_all)
    return [*findings, *_found(judged.packs, settings, known, lambda registered: registered.of_all)]


def _have_news(judged: Judged, known: Neighbours) -> bool:
    """Whether others record what these packs read or record."""
    alone = judged.alone
    return any(
        len(known.recorded.get(name, ())) > len(alone.recorded.get(name, ()))
        for name in alone.read.union(alone.recorded)
    )


def _found(
    packs: Sequence[Pack], settings: Settings, known: Neighbours, wanted: Callable[[Registered], bool]
) -> list[Problem]:
    finders = [
        registered.find
        for name, registered in CHECKS.items()
        if wanted(registered) and name not in settings.off and (not registered.online or settings.server is not None)
    ]
    rules = contexts(packs, settings, known)
    return [problem for rule, context in rules for find in finders for problem in find(rule, context)]


def weighed(problems: Iterable[Problem], settings: Settings) -> Iterable[Problem]:
    """The problems at the severities that people chose for their checks; what is turned off is left out."""
    for problem in problems:
        level = level_of(problem, settings.severities, settings.overrides)
        if level is not None:
            yield replace(problem, severity=level) if level != problem.severity else problem
