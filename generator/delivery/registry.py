"""The kinds of places by name. A new one is a module, this line, a test and a section in docs/reference/delivery.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from generator.delivery import directory, kubernetes, mimir
from generator.delivery.destination import Destination, Piece
from generator.delivery.options import Options
from generator.emit import File


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of place: the target that rules are built for, built files in its pieces, and how it is opened.

    Both raise UsageError where an option that it needs is missing or unusable.
    """

    target: str
    pieces: Callable[[Sequence[File], Options], list[Piece]]
    opened: Callable[[Options], AbstractAsyncContextManager[Destination]]


KINDS: Mapping[str, Kind] = {
    "directory": Kind("rulefile", directory.pieces, directory.opened),
    "kubernetes": Kind("prometheusrule", kubernetes.pieces, kubernetes.opened),
    "mimir": Kind("mimir", mimir.pieces, mimir.opened),
}
