"""Rule files inside ConfigMaps of Kubernetes: each key of `data` that is called like one, at its own place.

Source: Kubernetes core/v1 ConfigMap; a text of YAML that is written as a block (`|`) stands there line by line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tocsin import yamltree
from tocsin.problem import Position, Problem
from tocsin.yamltree import Document, Written, YamlPath

SUFFIXES = (".yml", ".yaml", ".rules")
RULES = re.compile(r"^[\s-]*(alert|record):", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Inner:
    """A text with rules in a ConfigMap: under which key of which, its documents at their places in the source."""

    holder: Document
    path: YamlPath
    documents: Sequence[Document]
    problems: Sequence[Problem]


def rule_files(documents: Sequence[Document], source: str) -> tuple[list[Document], list[Problem]]:
    """The rule files in the documents of a source, as documents whose places are those of the source."""
    found = list(inner(documents, source))
    return [document for one in found for document in one.documents], [told for one in found for told in one.problems]


def inner(documents: Sequence[Document], source: str) -> Iterator[Inner]:
    """The same, each with where it stands."""
    lines = source.split("\n")
    for document in documents:
        for path, text in _texts(document.data):
            at = document.at(*path)
            found, amiss = yamltree.parse(text, document.file)
            shift = _shift(at, text, lines)
            problems = [replace(problem, at=shift(problem.at)) for problem in amiss]
            yield Inner(document, path, [_shifted(one, shift) for one in found], problems)


def _texts(data: Any) -> Iterator[tuple[YamlPath, str]]:
    """Where texts with rules stand in a ConfigMap, or in those of a List."""
    if not isinstance(data, dict):
        return
    if data.get("kind") == "List" and isinstance(data.get("items"), list):
        for index, item in enumerate(data["items"]):
            yield from ((("items", index, *path), text) for path, text in _texts(item))
    files = data.get("data")
    if data.get("kind") == "ConfigMap" and isinstance(files, dict):
        for key, text in files.items():
            if key.endswith(SUFFIXES) and isinstance(text, str) and RULES.search(text):
                yield ("data", key), text


def _shift(at: Position, text: str, lines: Sequence[str]) -> Callable[[Position], Position]:
    """From a place in the text to one in the source; all at the text's beginning where it is no block."""
    if not (0 < at.line <= len(lines) and lines[at.line - 1][at.column - 1 :].startswith("|")):
        return lambda _: at
    margin = 0
    for number, line in enumerate(text.split("\n")):
        if line and at.line + number < len(lines):
            margin = len(lines[at.line + number]) - len(line)
            break

    def shifted(inner: Position) -> Position:
        return replace(at, line=at.line + inner.line, column=inner.column + margin) if inner.line else at

    return shifted


def _shifted(document: Document, shift: Callable[[Position], Position]) -> Document:
    marks, key_marks = (
        {path: shift(at) for path, at in places.items()} for places in (document.marks, document.key_marks)
    )
    return replace(document, marks=marks, key_marks=key_marks, written=lambda: _moved(document, shift))


def _moved(document: Document, shift: Callable[[Position], Position]) -> Written:
    written = document.written()
    places = [(one, shift(Position(document.file, one.line, one.column))) for one in written.comments]
    return replace(written, comments=[replace(one, line=at.line, column=at.column) for one, at in places])
