"""Queries in files of their own: whose are which, and which stand there twice."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from tocsin import data, named_files, yamltree
from tocsin.config import Fault, Settings, validate
from tocsin.problem import Problem, has_errors
from tocsin.yamltree import Document

F = TypeVar("F", bound=Settings)

FILE = "queries.yml"  # beside a pack that ships: the queries that its alerts need


@dataclass(frozen=True, slots=True)
class QueriesFrom(Generic[F]):
    """What one file holds, and the file."""

    settings: F
    document: Document


def read(patterns: Sequence[str], folder: Path, model: type[F]) -> tuple[list[QueriesFrom[F]], list[Problem]]:
    """Every file that the patterns mean, each once, and what is wrong with them; `builtin:NAME` are those of a pack."""
    found: list[QueriesFrom[F]] = []
    problems: list[Problem] = []
    for file in named_files.named(patterns, folder, _of_packs(), "pack with queries", problems):
        documents, wrong = yamltree.read(file)
        problems += wrong
        for document in () if has_errors(wrong) else documents or (Document(str(file), {}, {}, {}),):
            settings, wrong = validate(document, model, os.environ)
            problems += wrong
            if settings is not None:
                found.append(QueriesFrom(settings, document))
    return found, problems


def twice(own: Sequence[str], others: Sequence[tuple[Document, Sequence[str]]]) -> Iterator[Fault]:
    """Names of queries that stand in two files; `own` are those of the configuration itself."""
    known: Mapping[str, str] = {}
    for document, names in others:
        for number, name in enumerate(names):
            at = ("queries", number, "name")
            if name in own:
                place = document.at(*at)
                yield _fault(name, ("queries", own.index(name), "name"), str(place), None)
            elif name in known:
                yield _fault(name, at, known[name], document)
        known = {**{name: str(document.at("queries", at, "name")) for at, name in enumerate(names)}, **known}


def _fault(name: str, at: tuple[str | int, ...], other: str, document: Document | None) -> Fault:
    hint = f"the other one: {other}; the name stands in the label `query`: give each query its own"
    return Fault(at, f"the name {name} stands there twice", hint, document)


def _of_packs() -> dict[str, Path]:
    """The files that ship, by pack."""
    return {file.parent.name: file for file in sorted(data.folder("rulepacks").glob(f"*/{FILE}"))}
