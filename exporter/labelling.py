"""What rows are called when they are published: the texts between our own labels, made once for each series.

A line is `family{` text `horizon="1h"` text `query="q"` text `} ` number: labels stand in the order of their names, as
prometheus_client writes them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from exporter.frame import Bools
from exporter.model import NEW, Rows
from exporter.names import Key, is_usual, label

OURS = ("query", "horizon")  # a source's label of this name is renamed, as Prometheus renames on scraping

EXAMPLES = 3  # series that the log names

Pairs = tuple[tuple[str, str], ...]
Texts = Sequence[bytes]
T = TypeVar("T")


def _no_rows() -> Bools:
    return np.empty(0, dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Prefixes:
    """The labels of each row as they are published; whether no other row has them, and whether all names are usual."""

    query: str = ""
    shown: Sequence[Pairs] = ()
    alone: Bools = field(default_factory=_no_rows)
    usual: Bools = field(default_factory=_no_rows)
    made: dict[tuple[str, ...], Sequence[Texts]] = field(default_factory=dict)

    @property
    def plain(self) -> Bools:
        """The rows that can be written in every version of the format."""
        return self.alone & self.usual

    @property
    def wide(self) -> Bools:
        """The rows that can be written only where UTF-8 names were negotiated."""
        return self.alone & ~self.usual

    @property
    def left_out(self) -> Mapping[str, int]:
        """How many series are not published, or not in every format, by reason."""
        return {"label_name": int(np.count_nonzero(self.wide)), "collision": int(np.count_nonzero(~self.alone))}

    def examples(self, reason: str) -> Sequence[Pairs]:
        """Some of the series that are left out for a reason, by the labels that they would have."""
        chosen = {"label_name": self.wide, "collision": ~self.alone}.get(reason, _no_rows())
        return list(dict.fromkeys(self.shown[row] for row in np.flatnonzero(chosen).tolist()))[:EXAMPLES]

    def texts(self, names: tuple[str, ...]) -> Sequence[Texts]:
        """The texts around labels of ours with these sorted names: one more than names, each of one entry a row."""
        if names not in self.made:
            self.made[names] = _columns([_between(pairs, names) for pairs in self.shown], len(names) + 1)
        return self.made[names]

    def moved(self, rows: Rows, shown: Sequence[Pairs]) -> dict[tuple[str, ...], Sequence[Texts]]:
        """All texts that were made, for other rows: for each its row so far, or `NEW`."""
        new = np.flatnonzero(rows == NEW).tolist()
        found: dict[tuple[str, ...], Sequence[Texts]] = {}
        for names, columns in self.made.items():
            fresh = _columns([_between(shown[at], names) for at in new], len(names) + 1)
            found[names] = [_picked(*both, rows) for both in zip(columns, fresh, strict=True)]
        return found


def prefixes(
    keys: Sequence[Key],
    query: str,
    ours: Sequence[str] = OURS,
    *,
    before: Prefixes | None = None,
    rows: Rows | None = None,
) -> Prefixes:
    """What the rows are called when published; series that would carry one name are all left out.

    `ours` are the labels that the query's samples carry beside those of the source.
    `before` and `rows` are what rows were called so far, and where each row was then: only new ones are looked at.
    """
    if before is None or rows is None:
        before, rows = Prefixes(query), np.full(len(keys), NEW)
    new = np.flatnonzero(rows == NEW).tolist()
    fresh = [_shown(keys[at], ours) for at in new]
    names = _picked(before.shown, fresh, rows)
    usual = np.zeros(len(names), dtype=np.bool_)
    usual[rows != NEW] = before.usual[rows[rows != NEW]]
    usual[new] = [all(is_usual(name) for name, _ in pairs) for pairs in fresh]
    return Prefixes(query, names, _alone(names), usual, before.moved(rows, names))


def _alone(names: Sequence[Pairs]) -> Bools:
    if len(set(names)) == len(names):
        return np.ones(len(names), dtype=np.bool_)
    often = Counter(names)
    return np.fromiter((often[pairs] == 1 for pairs in names), np.bool_, len(names))


def _picked(before: Sequence[T], fresh: Sequence[T], rows: Rows) -> list[T]:
    """For each row what it was before; for `NEW` ones, in their order, what is fresh."""
    coming = iter(fresh)
    return [before[row] if row >= 0 else next(coming) for row in rows.tolist()]


def _columns(rows: Sequence[Sequence[bytes]], count: int) -> list[list[bytes]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(count)]


def _shown(key: Key, ours: Sequence[str]) -> Pairs:
    """A source's labels as they are published: without Prometheus's own, which go on scraping."""
    kept = [pair for pair in key if not pair[0].startswith("__")]
    if not any(name in ours for name, _ in kept):
        return tuple(kept)
    renamed = {f"exported_{name}" if name in ours else name: value for name, value in kept}
    return tuple(sorted(renamed.items()))


def _between(pairs: Pairs, names: Sequence[str]) -> list[bytes]:
    """The text before the first of our labels, between them, and after the last one; with the commas."""
    parts: list[list[str]] = [[] for _ in range(len(names) + 1)]
    for name, value in pairs:
        parts[sum(ours < name for ours in names)].append(label(name, value))
    return [_joined(part, at > 0, at < len(names)).encode() for at, part in enumerate(parts)]


def _joined(part: Sequence[str], after: bool, before: bool) -> str:
    text = ",".join([*[""] * after, *part, *[""] * before])
    return text if part or not (after and before) else ","
