"""The first stage: paths to the YAML documents that are rulepacks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from tocsin import yamltree
from tocsin.errors import UsageError
from tocsin.problem import Position, Problem
from tocsin.yamltree import Document

KIND = "RulePack"
OTHER_KINDS = frozenset({"Tenant"})  # Tocsin's too, and met in the same folders; not for this stage
SUFFIXES = frozenset({".yml", ".yaml"})

# In a folder that is walked, only a file that says one of these is looked at; the rest is somebody else's.
TRACES = (b"RulePack", b"tocsin/v")


@dataclass(frozen=True, slots=True)
class Source:
    """A document that is a rulepack, and its file as generated files name it."""

    document: Document
    name: str


def load(paths: Sequence[Path]) -> tuple[list[Source], list[Problem]]:
    """Every rulepack in the files and folders, each once, and what kept others from being read.

    Raises:
        UsageError: a path does not exist.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise UsageError(f"{', '.join(missing)}: no such file or folder")
    sources: list[Source] = []
    problems: list[Problem] = []
    seen: set[Path] = set()
    for path in paths:
        files = [file for file in _walk(path) if _has_trace(file)] if path.is_dir() else [path]
        if not files:
            problems.append(_nothing(path))
        for file in files:
            if file.resolve() not in seen:
                seen.add(file.resolve())
                found, unread = _read(file, path)
                sources += found
                problems += unread
    return sources, problems


def _read(file: Path, argument: Path) -> tuple[list[Source], list[Problem]]:
    documents, problems = yamltree.read(file)
    problems = problems or list(_foreign(documents, file, named=file == argument))
    name = _name(file, argument)
    return [Source(document, name) for document in documents if _kind(document) == KIND], problems


def _walk(folder: Path) -> Iterator[Path]:
    """The YAML files below, in a stable order; hidden ones are left out."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent, name) for name in sorted(files) if _is_yaml(name))


def _is_yaml(name: str) -> bool:
    return Path(name).suffix in SUFFIXES and not name.startswith(".")


def _has_trace(file: Path) -> bool:
    try:
        content = file.read_bytes()
    except OSError:
        return True  # reading it again tells why
    return any(trace in content for trace in TRACES)


def _name(file: Path, argument: Path) -> str:
    """The file as the command line named it; an absolute path is cut short: no machine's path remains."""
    here = Path.cwd()
    if file.is_absolute():
        file = file.relative_to(here if file.is_relative_to(here) else argument.parent)
    return "".join(letter if letter.isprintable() else "?" for letter in file.as_posix())


def _kind(document: Document) -> object:
    return document.data.get("kind") if isinstance(document.data, dict) else None


def _foreign(documents: Sequence[Document], file: Path, *, named: bool) -> Iterable[Problem]:
    """What is no rulepack: a problem where the file was named, or where it claims to be Tocsin's."""
    filled = [document for document in documents if document.data is not None]
    if not filled and named:
        yield Problem("kind", "the file is empty", Position(str(file)), hint="see docs/reference/rulepacks.md")
    for document in filled:
        kind = _kind(document)
        ours = isinstance(document.data, dict) and str(document.data.get("apiVersion", "")).startswith("tocsin/")
        if kind != KIND and (named or (ours and str(kind) not in OTHER_KINDS)):
            yield _wrong_kind(document, kind)


def _wrong_kind(document: Document, kind: object) -> Problem:
    hint = "see docs/reference/rulepacks.md"
    if not isinstance(document.data, dict):
        return Problem("kind", "a rulepack is a mapping of keys to values", document.at(), hint=hint)
    if kind is None:
        return Problem("kind", f"the key 'kind' is missing: this is no {KIND}", document.at(), hint=f"add kind: {KIND}")
    if get_close_matches(str(kind), [KIND]):
        hint = f"did you mean {KIND!r}?"
    return Problem("kind", f"kind {kind!r} is not {KIND}", document.at("kind"), hint=hint)


def _nothing(folder: Path) -> Problem:
    hint = f"rulepacks are *.yml files that say kind: {KIND}"
    return Problem("kind", "holds no rulepack", Position(str(folder)), hint=hint)
