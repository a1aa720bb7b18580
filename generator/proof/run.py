"""`tocsin rules test` as a whole: paths to a report. While one rule is thought about, promtool plays others."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from generator.gathering import Gathered, as_written, gather
from generator.proof import own
from generator.proof.excerpt import Placed, Records, placed
from generator.proof.given import given
from generator.proof.own import OwnTests, Standing
from generator.proof.playing import prove
from generator.proof.promtool import Promtool
from generator.proof.subject import Subject, subject
from generator.proof.verdict import OwnVerdict, Report, Verdict
from generator.rule import Pack, Rule
from generator.targets import rulefile
from tocsin.errors import UsageError
from tocsin.problem import Position, Problem

MOST_AT_ONCE = 20  # rules that share a process: its start is most of a short run

Progress = Callable[[int, int], None]  # how many are done, of how many
Key = tuple[Position, str]  # which rule of a file it is, whoever chose the pack


@dataclass(frozen=True, slots=True)
class Options:
    """`interval` is that of groups without one; `rules` are the names to test, all where there are none.

    `keep` says that the tests will be kept.
    """

    promtool: Promtool
    interval: timedelta
    rules: frozenset[str] = frozenset()
    keep: bool = False


def tested(paths: Sequence[Path], options: Options, progress: Progress) -> Report:
    """What came of every rule below the paths, and of the test files among them.

    Raises:
        UsageError: a path does not exist, none of the rules has a wanted name, or promtool cannot be run.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise UsageError(f"{', '.join(missing)}: no such file or folder")
    tests, others = own.find(paths)
    gathered = gather(others, options.promtool.version) if others else Gathered((), (), ())
    packs = gathered.running()
    own_packs = as_written(others) if any(pack.tenant for pack in packs) else ()
    targets = _targets(packs, options.rules, with_given=not own_packs)
    givers = [one for one in _targets(own_packs, options.rules, with_given=True) if given(one.rule)]
    if options.rules:
        _known(options.rules, [*targets, *givers])
        tests = [one for one in tests if one.alerts & options.rules]
    with tempfile.TemporaryDirectory(prefix="tocsin-") as folder, _workers() as pool:
        work = _Work(options, Path(folder), pool, progress, len(targets) + len(givers))
        standing = _standing(packs, gathered.compiled, Path(folder), options) if tests else Standing((), {})
        ran = [pool.submit(_own, one, standing, options.promtool, folder) for one in tests]
        proofs = work.begin(targets, packs, given=not own_packs, generated=True)
        of_givers = work.begin(givers, own_packs, given=True, generated=False)
        verdicts, given_verdicts = work.end(proofs), work.end(of_givers)
        owned = [one.result() for one in ran]
        progress(work.total, work.total)
    problems = _told(gathered.problems, tests)
    return _report(verdicts, given_verdicts, owned, problems)


@contextmanager
def _workers() -> Iterator[ThreadPoolExecutor]:
    """Threads that wait for promtool, as many as there are cores; what has not begun when we fail never begins."""
    pool = ThreadPoolExecutor(_cores())
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _targets(packs: Sequence[Pack], names: frozenset[str], *, with_given: bool) -> list[Placed]:
    """The alerts, and the records that have tests of their own."""
    every = [one for one in placed(packs) if not names or one.rule.name in names]
    return [one for one in every if one.rule.kind == "alert" or (with_given and given(one.rule))]


def _known(names: frozenset[str], targets: Iterable[Placed]) -> None:
    """Raises UsageError where a name is none of a rule's."""
    unknown = sorted(names - {one.rule.name for one in targets})
    if unknown:
        raise UsageError(f"{', '.join(unknown)}: there is no such alert, and no such record with tests")


@dataclass(slots=True)
class _Work:
    """Subjects on their way to verdicts: made here one after the other, played in batches by the pool."""

    options: Options
    folder: Path
    pool: ThreadPoolExecutor
    progress: Progress
    total: int
    batches: int = 0
    done: int = 0  # grows in the pool's threads

    def begin(
        self, targets: Sequence[Placed], packs: Sequence[Pack], *, given: bool, generated: bool
    ) -> list[tuple[Placed, Future[list[Verdict]], int]]:
        """The targets in order, each with the batch it is in, or its equal is, and its number there."""
        records = Records(packs)
        size = max(1, min(MOST_AT_ONCE, len(targets) // _cores()))
        known: dict[object, tuple[int, int]] = {}
        places: list[tuple[int, int]] = []
        batches: list[Future[list[Verdict]]] = []
        waiting: list[Subject] = []
        for target in targets:
            made = subject(target, records, self.options.promtool.version, self.options.interval, given_too=given)
            place = known.setdefault(made.key, (len(batches), len(waiting)))
            places.append(place)
            if place == (len(batches), len(waiting)):
                waiting.append(made.proposed() if generated else made)
            if len(waiting) == size:
                batches.append(self._submit(waiting))
                waiting = []
        batches += [self._submit(waiting)] if waiting else []
        return [(target, batches[batch], at) for target, (batch, at) in zip(targets, places, strict=True)]

    def _submit(self, subjects: Sequence[Subject]) -> Future[list[Verdict]]:
        folder = self.folder / f"batch{self.batches}"
        folder.mkdir()
        self.batches += 1
        future = self.pool.submit(prove, subjects, self.options.promtool, folder, keep=self.options.keep)
        future.add_done_callback(partial(self._count, len(subjects)))
        return future

    def _count(self, subjects: int, _: Future[list[Verdict]]) -> None:
        self.done += subjects
        self.progress(self.done, self.total)

    def end(self, begun: Sequence[tuple[Placed, Future[list[Verdict]], int]]) -> list[Verdict]:
        """A verdict for each target; rules that are equal share one."""
        return [_about(target, batch.result()[at]) for target, batch, at in begun]


def _about(target: Placed, verdict: Verdict) -> Verdict:
    """The verdict of an equal rule, at this one's place."""
    if verdict.rule is target.rule:
        return verdict
    findings = tuple(replace(finding, at=target.rule.at_name()) for finding in verdict.findings)
    return replace(verdict, rule=target.rule, pack=target.pack, findings=findings)


def _standing(packs: Sequence[Pack], compiled: Sequence[Pack], folder: Path, options: Options) -> Standing:
    """The rule files that the packs become, for tests that name them."""
    built = folder / "built"
    built.mkdir()
    files: dict[str, Path] = {}
    for pack in compiled:
        file = built / f"{pack.name}.yml"
        rendering = rulefile.render(pack.written(), options.promtool.version)
        file.write_text(rendering.parts[0].text, encoding="utf-8")
        files[file.name] = file
    return Standing(packs, files)


def _own(tests: OwnTests, standing: Standing, promtool: Promtool, folder: str) -> tuple[OwnVerdict, list[Rule]]:
    with tempfile.TemporaryDirectory(dir=folder) as copies:
        return own.run(tests, standing, promtool, Path(copies))


def _report(
    verdicts: Sequence[Verdict],
    given_verdicts: Sequence[Verdict],
    owned: Sequence[tuple[OwnVerdict, list[Rule]]],
    problems: Sequence[Problem],
) -> Report:
    """All in one; what one kind of test leaves open, another may have proven."""
    proven = {_key(verdict.rule): verdict for verdict in given_verdicts if verdict.status == "proven"}
    by_tests = {id(rule) for _, rules in owned for rule in rules}
    final = tuple(_lifted(verdict, proven, by_tests) for verdict in verdicts)
    return Report(final, tuple(given_verdicts), tuple(verdict for verdict, _ in owned), tuple(problems))


def _key(rule: Rule) -> Key:
    return rule.at_name(), rule.name


def _lifted(verdict: Verdict, given: Mapping[Key, Verdict], by_tests: set[int]) -> Verdict:
    """A rule that is proven otherwise: by its pack's tests on the pack's own parameters, or by tests people wrote."""
    if verdict.status != "unproven":
        return verdict
    if found := given.get(_key(verdict.rule)):
        return replace(verdict, by="pack", tests=found.tests, findings=())
    return replace(verdict, by="tests", tests=1, findings=()) if id(verdict.rule) in by_tests else verdict


def _told(problems: Sequence[Problem], tests: Sequence[OwnTests]) -> list[Problem]:
    """A folder of test files need hold no rules."""
    folders = {str(parent) for one in tests for parent in one.file.parents}
    return [one for one in problems if not (one.message == "holds no rulepack" and one.at.file in folders)]


def _cores() -> int:
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
