"""Where rules are brought to, as whoever compares and applies sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from generator.rule import Group


@dataclass(frozen=True, slots=True)
class Piece:
    """What a destination takes in one request: a rule file, a PrometheusRule, a group of a ruler.

    `name` tells it from all others there: a file's name, `namespace/name` of an object, `namespace/group` of a ruler.
    `text` is what is written; `groups` are the rules in it, read back from the text. `labels` are those of the whole,
    where a place has such: who selects by them must find them there.
    """

    name: str
    text: str
    groups: tuple[Group, ...]
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Held:
    """What a destination holds: the `pieces` that Tocsin owns, and the names of those that are somebody else's."""

    pieces: Mapping[str, Piece] = field(default_factory=dict)
    strangers: frozenset[str] = frozenset()


class Destination(Protocol):
    """A place that holds rules. Only what Tocsin owns may be replaced or removed.

    Raises (each method):
        DeliveryError: it did not happen; the message says what the place answered and how to mend it.
    """

    @property
    def where(self) -> str:
        """The place in words: `the ruler at http://…`, `rules/`, `namespace monitoring of cluster …`."""

    async def held(self) -> Held:
        """What is there now."""

    async def put(self, piece: Piece) -> None:
        """Writes one, new or in the place of the one of its name."""

    async def remove(self, piece: Piece) -> None:
        """Takes one away; it is no error if it is gone already."""

    async def finish(self) -> str:
        """Makes what was written count (a reload, say), and tells what it did; nothing where nothing is to be done."""
