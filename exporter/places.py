"""Which series of a query are taken when there are more than it may have."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from heapq import nsmallest

import numpy as np

from exporter.names import Key
from exporter.table import Indexes

SHOWN = 3  # of the series that were left out, as examples


@dataclass(frozen=True, slots=True)
class Placed:
    """The series of an answer that are taken; `rows`: each one's row in `keys`, -1 where left out, None: as they come.

    `left_out` counts the others by reason.
    """

    keys: tuple[Key, ...]
    rows: Indexes | None
    left_out: Mapping[str, int]


class Places:
    """At most so many series: who has a place keeps it as long as it is there, free ones go by the order of labels."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._holders: Set[Key] = frozenset()
        self._asked: tuple[tuple[Key, ...], bool] = ((), False)
        self._placed = Placed((), None, {})
        self.examples: tuple[Key, ...] = ()

    def of(self, keys: tuple[Key, ...], *, past: bool = False) -> Placed:
        """The places of an answer's series; one of the past takes no place from those that are there now."""
        if keys is not self._asked[0] or past is not self._asked[1]:
            self._asked, self._placed = (keys, past), self._place(keys, past)
        return self._placed

    def _place(self, keys: tuple[Key, ...], past: bool) -> Placed:
        if not past and len(keys) <= self._most and len(every := set(keys)) == len(keys):
            self._holders = every
            return Placed(keys, None, {"max_series": 0, "duplicate": 0})
        first = {key: row for row, key in reversed(list(enumerate(keys)))}
        staying = self._holders & first.keys()
        free = self._most - len(self._holders if past else staying)
        others = first.keys() - staying
        coming = others if len(others) <= free else set(nsmallest(free, others))
        self._holders = (self._holders if past else staying) | coming
        left_out = {"max_series": len(others) - len(coming), "duplicate": len(keys) - len(first)}
        if not any(left_out.values()):
            return Placed(keys, None, left_out)
        self.examples = tuple(nsmallest(SHOWN, others - coming))
        chosen = tuple(key for row, key in enumerate(keys) if key in self._holders and first[key] == row)
        rows = np.full(len(keys), -1, dtype=np.intp)
        rows[[first[key] for key in chosen]] = np.arange(len(chosen))
        return Placed(chosen, rows, left_out)
