"""The topology of a configuration file, with the places of its names."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from receiver.config import ReceiverConfig
from receiver.engine.topology import TopologySettings
from tocsin import yamltree
from tocsin.config import validate
from tocsin.errors import InputError, TocsinError
from tocsin.problem import Position, has_errors
from tocsin.yamltree import Document

EDGES = ("topology", "edges")


@dataclass(frozen=True, slots=True)
class Declared:
    """What a file declares."""

    topology: TopologySettings
    document: Document

    def place(self, caller: str, index: int | None = None) -> Position:
        """Where a caller stands in the file, or one of its dependencies."""
        return self.document.at_key(*EDGES, caller) if index is None else self.document.at(*EDGES, caller, index)

    def place_of(self, name: str) -> Position:
        """Where a name stands first."""
        if name in self.topology.edges:
            return self.place(name)
        for caller, found in self.topology.edges.items():
            if name in found:
                return self.place(caller, found.index(name))
        return self.document.at_key(*EDGES)


def declared(file: Path) -> Declared:
    """The topology in a receiver's configuration.

    Raises:
        InputError: with every problem of the file.
    """
    documents, problems = yamltree.read(file)
    if has_errors(problems):
        raise InputError(problems)
    document = documents[0] if documents else Document(str(file), {}, {}, {})
    config, problems = validate(document, ReceiverConfig, os.environ)
    if config is None:
        raise InputError(problems)
    return Declared(config.topology, document)


def with_edges(file: Path) -> Declared:
    """The same, of a file that declares edges.

    Raises:
        InputError: with every problem of the file.
        TocsinError: it declares none.
    """
    found = declared(file)
    if not found.topology.edges:
        way_out = "write them, or find them out: tocsin topology discover --prometheus.url …"
        raise TocsinError(f"{file}: declares no topology.edges; {way_out}")
    return found
