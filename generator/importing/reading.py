"""Files to packs to be: what each document is, read by the format that it is of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from generator import configmaps, rulefiles
from generator.importing import FORMATS, Format
from generator.importing.imported import Imported
from generator.load import KIND, kind_of, shown, walk
from tocsin import yamltree
from tocsin.errors import UsageError
from tocsin.problem import Position, Problem
from tocsin.yamltree import Document


@dataclass(frozen=True, slots=True)
class Entry:
    """A pack to be, the file that it comes from, and that as the pack names it: no path of this machine."""

    imported: Imported
    file: Path
    source: str


def read(paths: Sequence[Path], formats: Mapping[str, Format] = FORMATS) -> tuple[list[Entry], list[Problem]]:
    """The rules in the files and folders; of a single format where only that is given, whatever a document looks like.

    In a folder that is walked, what holds no rules is passed over; a file that is named must hold some.

    Raises:
        UsageError: a path does not exist.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise UsageError(f"{', '.join(missing)}: no such file or folder")
    entries: list[Entry] = []
    problems: list[Problem] = []
    seen: set[Path] = set()
    for path in paths:
        found = [file for file in (walk(path) if path.is_dir() else [path]) if file.resolve() not in seen]
        seen |= {file.resolve() for file in found}
        read = [_file(file, path, formats) for file in found]
        entries += (entry for got, _ in read for entry in got)
        problems += (problem for _, amiss in read for problem in amiss)
        if path.is_dir() and not any(got or amiss for got, amiss in read):
            hint = "name the files, and their format by --format"
            problems.append(Problem("kind", "holds no rules that could be imported", Position(str(path)), hint))
    return entries, list(dict.fromkeys(problems))


def _file(file: Path, argument: Path, formats: Mapping[str, Format]) -> tuple[list[Entry], list[Problem]]:
    texts, problems = _documents(file, named=file == argument)
    documents = [document for beside in texts for document in beside]
    read = [
        formats[name].read(document, beside)
        for beside in texts
        for document, name in _meant(beside, formats, named=file == argument)
    ]
    packs = [imported for got, _ in read for imported in got]
    problems = [*problems, *(problem for _, amiss in read for problem in amiss)]
    if any(rulefiles.is_brace(problem) for problem in problems):
        template = rulefiles.template_in(file, named=file == argument)
        if template:
            return [], [template]
    if file == argument and not packs and not problems:
        problems = [_no_rules(file, documents)]
    return [Entry(imported, file, shown(file, argument)) for imported in packs], problems


def _documents(file: Path, *, named: bool) -> tuple[list[Sequence[Document]], list[Problem]]:
    """The documents of a file, and of each that lies in one of its ConfigMaps; none where it must be mended first."""
    if file.suffix in rulefiles.JSONNET:
        return [], [rulefiles.jsonnet(file)]
    documents, problems = yamltree.read(file)
    if problems:
        ours = named or rulefiles.mentions_rules(file) or any(_format(document, FORMATS) for document in documents)
        template = rulefiles.template_in(file, named=named)
        return [], ([template] if template else problems) if ours else []
    if any(_format(document, FORMATS) for document in documents) and rulefiles.says(file, rulefiles.HELM):
        return [], [rulefiles.unrendered(file, "a template", rulefiles.RENDER, "error" if named else "warning")]
    if any(rulefiles.is_configmap(document.data) for document in documents):
        inner = list(configmaps.inner(documents, file.read_text(encoding="utf-8")))
        texts = [[_named(document, one) for document in one.documents] for one in inner if not one.problems]
        return [documents, *texts], [problem for one in inner for problem in one.problems]
    return [documents], []


def _named(document: Document, inner: configmaps.Inner) -> Document:
    """The document of a ConfigMap, called by its key, in the folder that its ConfigMap is."""
    holder = inner.holder.data
    for step in inner.path[:-2]:
        holder = holder[step]
    metadata = holder.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return replace(document, file=f"{name or 'configmap'}/{inner.path[-1]}")


def _format(document: Document, formats: Mapping[str, Format]) -> str | None:
    return next((name for name, one in formats.items() if one.is_meant(document)), None)


def _meant(
    documents: Iterable[Document], formats: Mapping[str, Format], *, named: bool
) -> Iterator[tuple[Document, str]]:
    for document in documents:
        name = _format(document, formats)
        if name is None and named and len(formats) == 1 and document.data is not None:
            name = next(iter(formats))  # somebody said so
        if name is not None:
            yield document, name


def _no_rules(file: Path, documents: Sequence[Document]) -> Problem:
    if any(kind_of(document) == KIND for document in documents):
        hint = "tocsin rules build takes it as it is"
        return Problem("kind", "is a rulepack already", Position(str(file), 1, 1), hint)
    return rulefiles.old_format(file) or rulefiles.no_rules(file, documents)
