"""The first stage: paths to the YAML documents that are rulepacks, tenants and tiers."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from generator.spread import Ahead, ahead
from generator.tenants.scope import Scope
from tocsin import data as shipped
from tocsin import yamltree
from tocsin.errors import UsageError
from tocsin.problem import Position, Problem
from tocsin.yamltree import Document

KIND = "RulePack"
KINDS = (KIND, "Tenant", "Tiers")
OTHERS = {"Runbook": "tocsin runbooks check"}  # Tocsin's, and another component's: what looks at them
SUFFIXES = frozenset({".yml", ".yaml"})

EXAMPLES = "examples"  # a folder of this name is looked into only if it is named itself

# In a folder that is walked, only a file that says one of these is looked at; the rest is somebody else's.
TRACES = (b"RulePack", b"tocsin/v")


@dataclass(frozen=True, slots=True)
class Source:
    """A document that is Tocsin's, and its file as generated files name it.

    One of the `library` was not named on the command line: it ships, and is there for whoever names it. A pack that
    a tenant chose has the tenant's scope.
    """

    document: Document
    name: str
    library: bool = False
    scope: Scope | None = None

    @property
    def kind(self) -> str:
        return str(self.document.data["kind"])

    @property
    def pack(self) -> str:
        """The name under `metadata`; empty where there is none that could be one."""
        metadata = self.document.data.get("metadata")
        return str(metadata.get("name") or "") if isinstance(metadata, dict) else ""


@dataclass(frozen=True, slots=True)
class Loading:
    """Files that are being read, each with the argument that named it or its folder; `problems` are the folders'."""

    files: Sequence[tuple[Path, Path]]
    contents: Ahead[Path, tuple[list[Document], list[Problem]]]
    problems: Sequence[Problem]


def begin(paths: Sequence[Path]) -> Loading:
    """Begins to read the files and folders, on other cores where there are many.

    Raises:
        UsageError: a path does not exist.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise UsageError(f"{', '.join(missing)}: no such file or folder")
    files: list[tuple[Path, Path]] = []
    problems: list[Problem] = []
    seen: set[Path] = set()
    for path in paths:
        found = [file for file in walk(path) if _has_trace(file)] if path.is_dir() else [path]
        if not found:
            problems.append(_nothing(path))
        for file in found:
            if file.resolve() not in seen:
                seen.add(file.resolve())
                files.append((file, path))
    return Loading(files, ahead([file for file, _ in files], yamltree.read), problems)


def finish(loading: Loading) -> tuple[list[Source], list[Problem]]:
    """Every rulepack, tenant and tiers file among them, and what kept others from being read.

    Packs that ship are read where a pack or tenant names one that the files do not hold.
    """
    sources: list[Source] = []
    problems = list(loading.problems)
    silent = dict.fromkeys(argument for _, argument in loading.files if argument.is_dir())
    for (file, argument), (documents, unread) in zip(loading.files, loading.contents.all(), strict=True):
        name = shown(file, argument)
        told = unread or list(_foreign(documents, file, named=file == argument))
        found = [Source(document, name) for document in documents if kind_of(document) in KINDS]
        if told or found:
            silent.pop(argument, None)
        problems += told
        sources += found
    problems += [_nothing(folder) for folder in silent]
    return [*sources, *_shipped(sources)], problems


def load(paths: Sequence[Path]) -> tuple[list[Source], list[Problem]]:
    """Both in one.

    Raises:
        UsageError: a path does not exist.
    """
    return finish(begin(paths))


def named(data: Mapping[str, Any]) -> Iterator[str]:
    """The packs that a pack extends or a tenant chooses."""
    for key in ("extends", "packs"):
        names = data.get(key)
        yield from (name for name in names if isinstance(name, str)) if isinstance(names, list) else ()


def every_pack(paths: Sequence[Path]) -> list[Source]:
    """The packs in the files and folders, and all that ship.

    Raises:
        UsageError: a path does not exist.
    """
    own = [source for source in load(paths)[0] if source.kind == KIND]
    known = {source.pack for source in own}
    ship = [source for source in load([shipped.folder("rulepacks")])[0] if source.pack not in known]
    return [*own, *(replace(source, library=True) for source in ship)]


def _shipped(sources: Sequence[Source]) -> Iterator[Source]:
    """Packs that ship and are named, directly or by one another, but not among the sources."""
    known = {source.pack for source in sources if source.kind == KIND}
    wanted = [name for source in sources for name in named(source.document.data)]
    while wanted:
        name = wanted.pop()
        if name in known or not re.fullmatch(r"[-a-z0-9]+", name):
            continue
        known.add(name)
        folder = shipped.folder("rulepacks")
        file = folder / name / "pack.yml"
        documents = yamltree.read(file)[0] if file.is_file() else ()
        for document in documents:
            if kind_of(document) == KIND:
                wanted += named(document.data)
                yield Source(document, f"rulepacks/{name}/pack.yml", library=True)


def walk(folder: Path) -> Iterator[Path]:
    """The YAML files below, in a stable order; hidden ones and folders of examples are left out."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != EXAMPLES and not name.startswith("."))
        yield from (Path(parent, name) for name in sorted(files) if _is_yaml(name))


def _is_yaml(name: str) -> bool:
    return Path(name).suffix in SUFFIXES and not name.startswith(".")


def _has_trace(file: Path) -> bool:
    try:
        content = file.read_bytes()
    except OSError:
        return True  # reading it again tells why
    return any(trace in content for trace in TRACES)


def shown(file: Path, argument: Path) -> str:
    """The file as the command line named it; an absolute path is cut short: no machine's path remains."""
    here = Path.cwd()
    if file.is_absolute():
        file = file.relative_to(here if file.is_relative_to(here) else argument.parent)
    return "".join(letter if letter.isprintable() else "?" for letter in file.as_posix())


def kind_of(document: Document) -> object:
    return document.data.get("kind") if isinstance(document.data, dict) else None


def _foreign(documents: Sequence[Document], file: Path, *, named: bool) -> Iterable[Problem]:
    """What is no rulepack: a problem where the file was named, or where it claims to be Tocsin's."""
    filled = [document for document in documents if document.data is not None]
    if not filled and named:
        yield Problem("kind", "the file is empty", Position(str(file)), hint="see docs/reference/rulepacks.md")
    for document in filled:
        kind = kind_of(document)
        ours = isinstance(document.data, dict) and str(document.data.get("apiVersion", "")).startswith("tocsin/")
        if kind not in KINDS and (named or (ours and str(kind) not in OTHERS)):
            yield _wrong_kind(document, kind)


def _wrong_kind(document: Document, kind: object) -> Problem:
    hint = "see docs/reference/rulepacks.md"
    if not isinstance(document.data, dict):
        return Problem("kind", "a rulepack is a mapping of keys to values", document.at(), hint=hint)
    if kind is None:
        return Problem("kind", f"the key 'kind' is missing: this is no {KIND}", document.at(), hint=f"add kind: {KIND}")
    near = get_close_matches(str(kind), (*KINDS, *OTHERS), n=1)
    if near:
        hint = f"did you mean {near[0]!r}?"
    if str(kind) in OTHERS:
        hint = f"it is looked at by {OTHERS[str(kind)]}"
    return Problem("kind", f"kind {kind!r} is not {KIND}", document.at("kind"), hint=hint)


def _nothing(folder: Path) -> Problem:
    hint = f"rulepacks are *.yml files that say kind: {KIND}"
    return Problem("kind", "holds no rulepack", Position(str(folder)), hint=hint)
