"""The objects of OpenSLO in a file: where each stands, and how one names another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator.importing.spec import Reader
from tocsin.problem import Level, Problem
from tocsin.yamltree import Document, YamlPath

VERSIONS = ("openslo/v1", "openslo.com/v1", "openslo/v1alpha")
KINDS = ("SLO", "SLI", "DataSource", "AlertPolicy", "AlertCondition", "AlertNotificationTarget", "Service")


@dataclass(frozen=True, slots=True)
class Placed:
    """A part of a document, with its place and who reads there."""

    reader: Reader
    path: YamlPath

    @property
    def data(self) -> Any:
        return self.reader.below(self.path)

    def below(self, *path: str | int) -> Placed:
        """The part below."""
        return Placed(self.reader, (*self.path, *path))

    def name(self) -> str:
        """What the object is called; nothing where it has no name."""
        name = self.below("metadata", "name").data
        return name if isinstance(name, str) else ""

    def note(self, message: str, *path: str | int, hint: str) -> None:
        """A problem at a place below."""
        self.reader.note(message, (*self.path, *path), hint)

    def warn(self, message: str, *path: str | int, hint: str, level: Level = "warning") -> None:
        """Something of less weight at a place below."""
        self.reader.note(message, (*self.path, *path), hint, level)


@dataclass(frozen=True, slots=True)
class Objects:
    """All objects of a file, by kind and name."""

    by_name: Mapping[tuple[str, str], Placed]

    def find(self, kind: str, ref: Any, at: Placed, key: str) -> Placed | None:
        """The object that is named at a place; None, with a problem there, where there is none."""
        found = self.by_name.get((kind, str(ref)))
        if found is None:
            there = [name for other, name in self.by_name if other == kind]
            known = f"there are {', '.join(there)}" if there else f"there is no {kind} in this file"
            at.note(f"there is no {kind} {ref!r}", key, hint=f"write it into this file, divided by ---; {known}")
        return found


def of(document: Document, reader: Reader) -> Iterator[Placed]:
    """The objects of a document, which may be one, or a list of several."""
    data = document.data
    several = isinstance(data, list)
    for path in [(index,) for index in range(len(data))] if several else [()]:
        placed = Placed(reader, path)
        if is_object(placed.data):
            yield placed


def is_object(data: Any) -> bool:
    """Whether it says that it is OpenSLO's."""
    return isinstance(data, dict) and str(data.get("apiVersion")).startswith(("openslo/", "openslo.com/"))


def objects(documents: Iterable[Document], problems: list[Problem]) -> Objects:
    """The objects of all documents; what is wrong with one of them goes to the problems."""
    found = [placed for document in documents for placed in of(document, Reader(document, problems))]
    return Objects({(str(placed.data.get("kind")), placed.name()): placed for placed in reversed(found)})


def used(objects: Objects, kind: str, keys: Sequence[str]) -> set[str]:
    """The names of a kind that something refers to, by any of the keys."""
    names: set[str] = set()
    waiting: list[Any] = [placed.data for placed in objects.by_name.values()]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            names |= {str(part[key]) for key in keys if key in part}
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
            if kind == "AlertPolicy":
                names |= {one for one in part if isinstance(one, str)}
    return names
