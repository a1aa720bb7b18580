"""Rules of other formats to files of packs: read, named, written as text; nothing is put into a folder here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from generator.emit import File
from generator.importing import FORMATS, Format, packtext
from generator.importing.imported import Imported
from generator.importing.naming import names
from generator.importing.reading import read
from generator.importing.remarks import Remarks, remarks
from generator.layers import RULE_KINDS
from generator.templates import TEMPLATES
from tocsin.problem import Problem


@dataclass(frozen=True, slots=True)
class Adopted:
    """What became of one source, which stands at a path: its pack, and how many of its rules are what.

    `kinds` counts records, SLOs, and alerts by the template that says them.
    """

    path: Path
    source: str
    file: File
    kinds: Mapping[str, int]
    left_out: int


def adopt(paths: Sequence[Path], formats: Mapping[str, Format] = FORMATS) -> tuple[list[Adopted], list[Problem]]:
    """The packs to be of all rules in the files and folders, and what is wrong with the others.

    Raises:
        UsageError: a path does not exist.
    """
    entries, problems = read(paths, formats)
    packs = [entry.imported for entry in entries]
    adopted: list[Adopted] = []
    for entry, name, said in zip(entries, names(packs), _remarks(packs), strict=True):
        kinds = Counter(_kinds(entry.imported))
        file = File(f"{name}.yml", packtext.text(entry.imported, said, name, entry.source), kinds.total())
        adopted.append(Adopted(entry.file, entry.source, file, kinds, entry.imported.left_out))
    return adopted, problems


def _remarks(packs: Sequence[Imported]) -> Iterator[Remarks]:
    """The comments of each, those of one document looked at together."""
    for _, same in groupby(packs, key=lambda pack: id(pack.document)):
        group = list(same)
        yield from remarks(group[0].document, group)


def _kinds(imported: Imported) -> Iterator[str]:
    items: Iterator[Mapping[str, Any]] = (rule for group in imported.groups for rule in group.get("rules", ()))
    for item in items:
        kind = next((kind for kind in RULE_KINDS if kind in item), "rule")
        yield next((key for key in item if key in TEMPLATES), kind) if kind == "alert" else kind
