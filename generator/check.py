"""The fourth stage: every check on every rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from generator.checks import CHECKS
from generator.rule import Pack, Rule
from tocsin.problem import Problem

Check = Callable[[Rule, Pack], Iterable[Problem]]


def check(packs: Sequence[Pack]) -> list[Problem]:
    """What the checks say about the packs' rules."""
    checks: Sequence[Check] = tuple(CHECKS.values())
    return [problem for pack in packs for rule in pack.rules for one in checks for problem in one(rule, pack)]
