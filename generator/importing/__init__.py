"""Rules of other formats as packs. A new format is a module, its line here, a test and a page in docs/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from generator.importing import openslo, prometheusrule, rulefile, sloth
from generator.importing.imported import Imported
from tocsin.problem import Problem
from tocsin.yamltree import Document


class Format(Protocol):
    """How rules of a format are read: one document at a time, knowing those beside it in the file."""

    def is_meant(self, document: Document) -> bool:
        """Whether the document is of this format, right or wrong."""
        ...

    def read(self, document: Document, beside: Sequence[Document], /) -> tuple[list[Imported], list[Problem]]:
        """The packs to be, and what is wrong: with an error for each rule that is left out."""
        ...


FORMATS: Mapping[str, Format] = {
    "rulefile": rulefile,
    "prometheusrule": prometheusrule,
    "sloth": sloth,
    "openslo": openslo,
}
