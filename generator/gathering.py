"""Paths to rules: rulepacks and tenant files through the compiler, other people's rule files as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from generator.rule import Pack
from generator.rulefiles import split
from generator.version import OLDEST, Version
from tocsin.problem import Problem


@dataclass(frozen=True, slots=True)
class Gathered:
    """The rules below some paths, and what is wrong with the rest.

    `compiled` come from rulepacks, a tenant's once for each tenant; `foreign` are rule files and PrometheusRules.
    """

    compiled: tuple[Pack, ...]
    foreign: tuple[Pack, ...]
    problems: tuple[Problem, ...]

    @property
    def packs(self) -> tuple[Pack, ...]:
        return (*self.compiled, *self.foreign)

    def running(self) -> tuple[Pack, ...]:
        """The packs as Prometheus gets them: without drafts."""
        return tuple(pack.written() for pack in self.packs)


def gather(paths: Sequence[Path], version: Version = OLDEST) -> Gathered:
    """The rules in the files and folders; `version` is the oldest Prometheus that is to take them.

    Raises:
        UsageError: a path does not exist.
    """
    parts = split(paths)
    compiled, amiss = _compiled(parts.packs, version)
    return Gathered(tuple(compiled), parts.foreign, (*parts.problems, *amiss))


def as_written(paths: Sequence[Path]) -> tuple[Pack, ...]:
    """The rulepacks in the files and folders on their own parameters, for no tenant: those that ship too, if named.

    Raises:
        UsageError: a path does not exist.
    """
    from dataclasses import replace

    from generator.arrange import arrange
    from generator.expand import expand
    from generator.load import KIND, load
    from generator.resolve import resolve

    sources, _ = load(split(paths).packs)
    wanted, _ = arrange([replace(source, library=False) for source in sources if source.kind == KIND])
    packs, _ = expand(resolve(wanted)[0])
    return tuple(pack.written() for pack in packs)


def _compiled(paths: Sequence[Path], version: Version) -> tuple[list[Pack], list[Problem]]:
    """The rulepacks as a build for rule files makes them, and what that says of them."""
    if not paths:
        return [], []
    # The compiler takes longer to import than a hundred rule files to check.
    from generator.arrange import arrange
    from generator.emit import emit
    from generator.expand import expand, same_name
    from generator.load import load
    from generator.resolve import resolve
    from generator.targets import rulefile

    sources, unread = load(paths)
    wanted, unfound = arrange(sources)
    resolved, unresolved = resolve(wanted)
    packs, unfit = expand(resolved)
    unfit += same_name(packs)
    _, unsaid = emit([pack.written() for pack in packs], partial(rulefile.render, version=version))
    return packs, list(dict.fromkeys((*unread, *unfound, *unresolved, *unfit, *unsaid)))
