"""promtool's test files that people wrote: found, run where they stand, and which alerts they prove.

A rule file that they name and that is not there may be one that a pack becomes: then the pack as it is now stands in.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from generator.emit import HEADER, TESTS_HEADER
from generator.load import SUFFIXES, walk
from generator.proof.promtool import Promtool, Ran
from generator.proof.verdict import OwnVerdict
from generator.rule import Pack, Rule
from tocsin import yamltree
from tocsin.yamltree import Document

TRACES = (b"rule_files", b"tests")
MOST_TOLD = 12  # lines of what promtool says of one file


@dataclass(frozen=True, slots=True)
class OwnTests:
    """A test file; `alerts` are the names of those that it lets fire."""

    file: Path
    document: Document
    alerts: frozenset[str]

    @property
    def rule_files(self) -> list[str]:
        return [name for name in self.document.data["rule_files"] if isinstance(name, str)]

    def found(self, pattern: str) -> list[Path]:
        """The files that the pattern names from the test's own folder."""
        return [Path(name) for name in sorted(glob.glob(os.path.join(self.file.parent, pattern)))]


def find(paths: Sequence[Path]) -> tuple[list[OwnTests], list[Path]]:
    """The test files among the paths and in folders, each once, and the paths that may hold rules."""
    found: dict[Path, OwnTests] = {}
    others: list[Path] = []
    for path in paths:
        files = list(walk(path)) if path.is_dir() else [path]
        own = [tests for file in files if (tests := _read(file, named=file == path))]
        found.update({tests.file.resolve(): tests for tests in own})
        if not own or (path.is_dir() and len(own) < len(files)):
            others.append(path)
    return list(found.values()), others


def _read(file: Path, *, named: bool) -> OwnTests | None:
    """A test file; those that `tocsin rules test` wrote are run where they are named alone."""
    if file.suffix not in SUFFIXES or not file.is_file():
        return None
    try:
        content = file.read_bytes()
    except OSError:
        return None  # whoever reads it for rules says why
    if not all(trace in content for trace in TRACES) or (not named and content.startswith(TESTS_HEADER.encode())):
        return None
    for document in yamltree.read(file)[0][:1]:
        data = document.data
        if isinstance(data, dict) and isinstance(data.get("tests"), list) and isinstance(data.get("rule_files"), list):
            return OwnTests(file, document, frozenset(_fired(data["tests"])))
    return None


def _fired(tests: Iterable[Any]) -> Iterator[str]:
    for test in tests:
        cases = test.get("alert_rule_test") if isinstance(test, dict) else None
        for case in cases if isinstance(cases, list) else ():
            if isinstance(case, dict) and case.get("exp_alerts"):
                yield str(case.get("alertname"))


@dataclass(frozen=True, slots=True)
class Standing:
    """What test files may ask for: the packs, and the rule files that they become, written to a folder."""

    packs: Sequence[Pack]
    built: Mapping[str, Path]

    def of(self, name: str) -> Path | None:
        """The file that a pack becomes under that name, in whatever folder."""
        return self.built.get(Path(name).name)


def run(tests: OwnTests, standing: Standing, promtool: Promtool, folder: Path) -> tuple[OwnVerdict, list[Rule]]:
    """Runs the file, where it stands if all that it names is there; and the alerts that it proves.

    The folder is for a copy of it.
    """
    missing = [name for name in tests.rule_files if not tests.found(name)]
    stand_in = any(standing.of(name) for name in missing)
    if stand_in:
        copy = folder / tests.file.name
        copy.write_text(_redirected(tests, standing), encoding="utf-8")
        [ran] = promtool.test([copy.name], folder)
    else:
        [ran] = promtool.test([tests.file.name], tests.file.parent)
    verdict = _verdict(tests, ran, [name for name in missing if not standing.of(name)])
    return verdict, [] if verdict.why else list(_proven(tests, standing))


def _redirected(tests: OwnTests, standing: Standing) -> str:
    """The file with its rule files where they are."""
    files: list[str] = []
    for name in tests.rule_files:
        found = [str(file.resolve()) for file in tests.found(name)] or [str(standing.of(name) or name)]
        files += map(glob.escape, found)
    return yaml.safe_dump({**tests.document.data, "rule_files": files}, allow_unicode=True, sort_keys=False)


def _verdict(tests: OwnTests, ran: Ran, missing: Sequence[str]) -> OwnVerdict:
    if ran.passed:
        return OwnVerdict(tests.file)
    lines = [line for line in ran.said.splitlines() if line.strip() and not line.startswith("Unit Testing:")]
    told = lines[:MOST_TOLD] + (["…"] if len(lines) > MOST_TOLD else [])
    hint = ""
    if missing:
        hint = f"{missing[0]} is not there: build it (tocsin rules build PATH... -o DIR), or name its pack here too"
    return OwnVerdict(tests.file, ran.broken or "\n".join(told), hint)


def _proven(tests: OwnTests, standing: Standing) -> Iterator[Rule]:
    """The alerts of packs, and of rule files that are looked at, that the file lets fire."""
    read: set[Path] = set()
    built: set[str] = set()
    for name in tests.rule_files:
        found = tests.found(name)
        read.update(file.resolve() for file in found)
        built.update(file.name for file in found if _is_built(file))
        built.update({Path(name).name} if not found and standing.of(name) else ())
    for pack in standing.packs:
        is_built = pack.verbatim or not pack.foreign
        if f"{pack.name}.yml" in built if is_built else Path(pack.origin.document.file).resolve() in read:
            yield from (rule for rule in pack.rules if rule.kind == "alert" and rule.name in tests.alerts)


def _is_built(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return stream.read(len(HEADER)) == HEADER.encode()
    except OSError:
        return False
