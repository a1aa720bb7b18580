"""The compiler: load → arrange → resolve → expand → check → emit. Reading is the only contact with the world.

A tenant's packs are expanded together, because they know each other's records.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path

from generator import spread
from generator.arrange import arrange
from generator.check import Judged, judge, settle
from generator.checks import CHECKS
from generator.context import Neighbours, Settings, Told, neighbours
from generator.emit import File, Render, emit
from generator.expand import expand, same_name
from generator.load import Loading, begin, finish
from generator.outcome import Outcome
from generator.places import lines_of
from generator.resolve import Resolved, resolve
from generator.rule import Pack
from generator.slo import Naming
from generator.suppress import rule_starts, suppress
from tocsin.problem import Problem, has_errors


@dataclass(frozen=True, slots=True)
class Compiled:
    """What came of it; files only where no problem is an error."""

    packs: tuple[Pack, ...]
    problems: tuple[Problem, ...]
    files: tuple[File, ...]


@dataclass(frozen=True, slots=True)
class _Expanded:
    """Packs of one tenant, or one pack: judged as if there were no others, and written."""

    judged: Judged
    problems: Sequence[Problem]
    files: Sequence[File]
    unsaid: Sequence[Problem]


@dataclass(frozen=True, slots=True)
class _Built:
    """What became of packs; `problems` are in three parts, by the stage that found them.

    `starts` are the first lines of rules in files with problems.
    """

    packs: Sequence[Pack]
    rules: int
    problems: tuple[Sequence[Problem], Sequence[Problem], Sequence[Problem]]
    files: Sequence[File]
    starts: Mapping[str, Sequence[int]]


Work = spread.Work[Sequence[Resolved], _Expanded, Sequence[Told], Neighbours, _Built]
Run = Callable[[Sequence[Sequence[Resolved]], Work], Sequence[_Built]]


def compile_packs(paths: Sequence[Path], render: Render, naming: Naming = Naming.TOCSIN) -> Compiled:
    """The rulepacks in the files and folders, compiled, and everything that is wrong with them.

    `naming` is how what SLOs become is called.

    Raises:
        UsageError: a path does not exist.
    """
    built, problems = _compiled(begin(paths), render, naming, spread.alone, keep=True)
    return Compiled(tuple(pack for one in built for pack in one.packs), problems, _files(built, problems))


def build_packs(loading: Loading, render: Render, naming: Naming = Naming.TOCSIN) -> Outcome:
    """The same on all cores, where what there is to write is asked for and the rules themselves are not."""
    built, problems = _compiled(loading, render, naming, spread.on_all_cores, keep=False)
    packs, rules = (sum(counts) for counts in ([len(one.packs) for one in built], [one.rules for one in built]))
    return Outcome(problems, _files(built, problems), packs, rules)


def _files(built: Sequence[_Built], problems: Sequence[Problem]) -> tuple[File, ...]:
    return () if has_errors(problems) else tuple(file for one in built for file in one.files)


def _compiled(
    loading: Loading, render: Render, naming: Naming, run: Run, *, keep: bool
) -> tuple[Sequence[_Built], tuple[Problem, ...]]:
    with _uncollected():
        sources, unread = finish(loading)
        wanted, unfound = arrange(sources)
        resolved, unresolved = resolve(wanted)
        units = [list(packs) for _, packs in groupby(resolved, key=_unit)]
        shared = [pack.document for pack in resolved]
        amiss = frozenset(problem.at.file for problem in (*unread, *unfound, *unresolved))
        survey, conclude = partial(_survey, render=render, naming=naming), partial(_conclude, keep=keep, amiss=amiss)
        built = run(units, spread.Work(survey, _gather, conclude, shared))
    twice = same_name([pack for one in built for pack in one.packs])
    unfit, found, unsaid = ([problem for one in built for problem in one.problems[stage]] for stage in range(3))
    # A pack that several tenants chose has each of its problems once.
    problems = list(dict.fromkeys((*unread, *unfound, *unresolved, *unfit, *twice, *found, *unsaid)))
    starts = {file: lines for one in built for file, lines in one.starts.items()}
    return built, tuple(suppress(problems, lines_of(problem.at.file for problem in problems), starts, CHECKS))


def _unit(pack: Resolved) -> object:
    return pack.scope.tenant if pack.scope else id(pack)


def _survey(unit: Sequence[Resolved], *, render: Render, naming: Naming) -> tuple[_Expanded, Sequence[Told]]:
    packs, problems = expand(unit, naming)
    judged = judge(packs, Settings())
    files, unsaid = emit([pack.written() for pack in packs], render)
    return _Expanded(judged, problems, files, unsaid), judged.told


def _gather(tellings: Sequence[Sequence[Told]]) -> Neighbours:
    return neighbours(one for tells in tellings for one in tells)


def _conclude(unit: _Expanded, known: Neighbours, *, keep: bool, amiss: frozenset[str]) -> _Built:
    packs = unit.judged.packs
    problems = (unit.problems, settle(unit.judged, known, Settings()), unit.unsaid)
    told = amiss.union(problem.at.file for part in problems for problem in part)
    starts = rule_starts(pack for pack in packs if pack.origin.document.file in told)
    left = packs if keep else [replace(pack, groups=()) for pack in packs]
    return _Built(left, sum(len(pack.rules) for pack in packs), problems, unit.files, starts)


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for reference cycles: what is made here stays until the end, and looking through it costs a fifth."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
