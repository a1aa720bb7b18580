"""The compiler: load → arrange → resolve → expand → check → emit. Reading is the only contact with the world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from generator.arrange import arrange
from generator.check import check
from generator.emit import File, Render, emit
from generator.expand import expand
from generator.load import load
from generator.resolve import resolve
from generator.rule import Pack
from tocsin.problem import Problem, has_errors


@dataclass(frozen=True, slots=True)
class Compiled:
    """What came of it; files only where no problem is an error."""

    packs: tuple[Pack, ...]
    problems: tuple[Problem, ...]
    files: tuple[File, ...]


def compile_packs(paths: Sequence[Path], render: Render) -> Compiled:
    """The rulepacks in the files and folders, compiled, and everything that is wrong with them.

    Raises:
        UsageError: a path does not exist.
    """
    sources, unread = load(paths)
    wanted, unfound = arrange(sources)
    resolved, unresolved = resolve(wanted)
    packs, unfit = expand(resolved)
    findings = check(packs)
    files, unsaid = emit([pack.written() for pack in packs], render)
    # A pack that several tenants chose has each of its problems once.
    problems = tuple(dict.fromkeys((*unread, *unfound, *unresolved, *unfit, *findings, *unsaid)))
    return Compiled(tuple(packs), problems, () if has_errors(problems) else tuple(files))
