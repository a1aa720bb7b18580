"""Which of several exporters watches what: queries by rendezvous hash, one very large query by the values of a label.

Rendezvous hashing (Thaler and Ravishankar, 1998): each shard draws a number for a name, the highest has it. One shard
more or less moves only what it takes or leaves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Self

from exporter.config import SHARD_PLACE, QuerySettings, ShardSettings
from tocsin.errors import UsageError

REST = ""  # the part of a query that no pattern matches


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` exporters that read the same configuration; `index` from 0."""

    index: int = 0
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Self:
        """`I/N`, I from 1 to N; 0 is the same as N, so that ordinals from 0 will do.

        Raises:
            UsageError: it is something else.
        """
        found = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text)
        if not found or not int(found[2]) or int(found[1]) > int(found[2]):
            raise UsageError(f"--shard {text!r} is not I/N with I from 1 to N: write 1/3, 2/3 and 3/3")
        return cls(int(found[1]) % int(found[2]), int(found[2]))

    def has(self, name: str) -> bool:
        """Whether what is called so belongs here."""
        return max(range(self.count), key=lambda index: _drawn(index, name)) == self.index

    def part_of(self, queries: Iterable[QuerySettings]) -> Iterator[QuerySettings]:
        """The queries that are watched here; of those that are divided, our part."""
        for query in queries:
            if query.shard_by is None:
                if self.has(query.name):
                    yield query
            elif matcher := self._matcher(query.name, query.shard_by):
                yield query.model_copy(update={"expr": query.expr.replace(SHARD_PLACE, matcher), "shard_by": None})

    def _matcher(self, name: str, by: ShardSettings) -> str:
        """What selects our part of a query; nothing where we have none. The rest is all but others' parts."""
        ours = [pattern for pattern in by.patterns if self.has(f"{name}\0{pattern}")]
        if not self.has(f"{name}\0{REST}"):
            return f"{by.label}=~{_quoted(ours)}" if ours else ""
        others = [pattern for pattern in by.patterns if pattern not in ours]
        return f"{by.label}!~{_quoted(others)}" if others else f'{by.label}=~".*"'


def _drawn(index: int, name: str) -> bytes:
    return blake2b(f"{index}\0{name}".encode(), digest_size=8).digest()


def _quoted(patterns: Sequence[str]) -> str:
    text = "|".join(f"(?:{pattern})" for pattern in patterns)
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'
