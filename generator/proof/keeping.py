"""Proofs to keep: of each rule that is proven its rule file and its tests, which promtool passes by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from generator.emit import TESTS_HEADER, File
from generator.output import Written, write
from generator.proof import testfile
from generator.proof.verdict import Report, Verdict

LONGEST_NAME = 120
HOW = {
    "generated": "The series were found from the rule",
    "pack": "The series stand in the pack, or were found from the rule",
}


def keep(report: Report, folder: Path) -> Written:
    """Writes what proves the rules: `<pack>-<rule>.yml` and `<pack>-<rule>_test.yml`.

    Raises:
        UsageError: the folder cannot be written, or a file in the way was not generated.
    """
    return write(list(files(report)), folder, header=TESTS_HEADER)


def files(report: Report) -> Iterator[File]:
    """The files of every proof; rules of one name are numbered."""
    taken: set[str] = set()
    for verdict in (*report.verdicts, *report.given):
        if verdict.kept and verdict.status == "proven":
            name = _name(verdict, taken)
            taken.add(name)
            yield from _files(verdict, name)


def _files(verdict: Verdict, name: str) -> Iterator[File]:
    kept = verdict.kept
    assert kept is not None, "asked for what is kept"
    source = verdict.pack.source if not Path(verdict.pack.source).is_absolute() else Path(verdict.pack.source).name
    head = f"{TESTS_HEADER} from {source}; do not edit.\n"
    how = f"# {HOW[str(verdict.by)]}; labels and annotations are as promtool rendered them.\n"
    yield File(f"{name}.yml", head + kept.rules_text, len(kept.rules.rules))
    tests = testfile.text(f"{name}.yml", kept.rules, kept.interval, kept.tests)
    yield File(f"{name}_test.yml", head + how + tests, 0)


def _name(verdict: Verdict, taken: set[str]) -> str:
    pack = verdict.pack
    source = Path(pack.name).stem if pack.foreign and not pack.verbatim else pack.name
    stem = re.sub(r"[^A-Za-z0-9_]+", "-", f"{source}-{verdict.rule.name}").strip("-")[:LONGEST_NAME]
    names = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
    return next(name for name in names if name not in taken)
