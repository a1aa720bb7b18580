"""From trials to verdicts: played to see what fires, and judged; what is kept is played again, all of it expected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from generator.proof import answer, testfile
from generator.proof.answer import Answer
from generator.proof.given import Trial
from generator.proof.judging import WAY_OUT, judged
from generator.proof.promtool import Promtool, Ran
from generator.proof.subject import Subject
from generator.proof.verdict import By, Finding, Kept, Verdict
from generator.rule import Rule
from generator.yamltext import Tree

SILENT = Answer()


@dataclass(frozen=True, slots=True)
class _Played:
    """A trial, what it gave, and what is wrong with that."""

    trial: Trial
    answer: Answer
    findings: Sequence[Finding]


def prove(subjects: Sequence[Subject], promtool: Promtool, folder: Path, *, keep: bool = True) -> list[Verdict]:
    """A verdict for each of the subjects; the folder is theirs alone.

    `keep`: the tests will be kept, so each is played as it will stand there.
    """
    played = _play(subjects, promtool, folder)
    passed = [[one for one in plays if not one.findings] for plays in played]
    tests = [_tests(subject, plays) for subject, plays in zip(subjects, passed, strict=True)]
    loud = [
        [test for one, test in zip(plays, kept, strict=True) if one.answer != SILENT]
        for plays, kept in zip(passed, tests, strict=True)
    ]
    refused = _again(subjects, loud, promtool, folder) if keep else {}
    return [
        _verdict(subject, plays, kept, refused.get(number, ""))
        for number, (subject, plays, kept) in enumerate(zip(subjects, played, tests, strict=True))
    ]


def _play(subjects: Sequence[Subject], promtool: Promtool, folder: Path) -> list[list[_Played]]:
    """Every trial in a file of its own, in which nothing is expected: promtool tells all that it got."""
    files: list[str] = []
    for number, subject in enumerate(subjects):
        (folder / f"{number}.yml").write_text(subject.text, encoding="utf-8")
        for index, trial in enumerate(subject.trials):
            files.append(f"{number}-{index}_test.yml")
            tests = [testfile.item(subject.rule, trial, SILENT)]
            written = testfile.text(f"{number}.yml", subject.rules, subject.interval, tests)
            (folder / files[-1]).write_text(written, encoding="utf-8")
    ran = iter(promtool.test(files, folder, experimental=True))
    return [[_played(subject, trial, next(ran)) for trial in subject.trials] for subject in subjects]


def _played(subject: Subject, trial: Trial, ran: Ran) -> _Played:
    said = answer.read(ran.said)
    if ran.broken or (said == SILENT and not ran.passed):
        said = replace(said, error=ran.broken or f"says what cannot be read: {ran.said.strip()[:200]!r}")
    return _Played(trial, said, judged(subject.rule, trial, said, subject.recorded))


def _tests(subject: Subject, passed: Sequence[_Played]) -> Sequence[Mapping[str, Tree]]:
    names = _apart([one.trial.case.name for one in passed])
    named = zip(passed, names, strict=True)
    return [testfile.item(subject.rule, one.trial, one.answer, name) for one, name in named]


def _again(
    subjects: Sequence[Subject], tests: Sequence[Sequence[Mapping[str, Tree]]], promtool: Promtool, folder: Path
) -> Mapping[int, str]:
    """What promtool says of tests that it does not pass now that all is expected, by the subject's number.

    Tests in which nothing fires expected that the first time already, and have passed.
    """
    files: dict[int, str] = {}
    for number, (subject, kept) in enumerate(zip(subjects, tests, strict=True)):
        if kept:
            files[number] = f"{number}_test.yml"
            written = testfile.text(f"{number}.yml", subject.rules, subject.interval, kept)
            (folder / files[number]).write_text(written, encoding="utf-8")
    ran = promtool.test(list(files.values()), folder, experimental=True)
    return {
        number: one.broken or answer.read(one.said).error or "what it got the first time"
        for number, one in zip(files, ran, strict=True)
        if not one.passed
    }


def _verdict(subject: Subject, played: Sequence[_Played], tests: Sequence[Mapping[str, Tree]], refused: str) -> Verdict:
    rule = subject.rule
    findings = [*subject.findings, *(finding for one in played for finding in one.findings)]
    passed = [one.trial for one in played if not one.findings]
    if refused:
        findings.append(Finding("failed", f"promtool does not find again: {refused}", rule.at_name()))
        passed, tests = [], ()
    by = _prover(rule, passed)
    failed = [finding for finding in findings if finding.status == "failed"]
    if by == "pack" or failed:  # then it does not matter that nothing was found from the rule
        findings = failed
    elif by is None and not findings:
        findings = [Finding("unproven", _lacking(subject, passed), rule.at_name(), WAY_OUT)]
    kept = Kept(subject.rules, subject.text, subject.interval, tests) if by and tests else None
    return Verdict(rule, subject.pack, by, len(passed), tuple(findings), kept)


def _prover(rule: Rule, passed: Sequence[Trial]) -> By | None:
    """Whose trials prove the rule: an alert must have fired, a record have held a value."""
    telling = [trial.case.author for trial in passed if trial.case.fires or rule.kind == "record"]
    return ("pack" if "pack" in telling else "generated") if telling else None


def _lacking(subject: Subject, passed: Sequence[Trial]) -> str:
    reasons = ["no test of it fires" if passed else "", subject.why]
    return "; ".join(filter(None, reasons)) or "nothing was found that would make it fire"


def _apart(names: Sequence[str]) -> Iterator[str]:
    """The names, the second of two equal ones numbered."""
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name} ({seen[name]})"
