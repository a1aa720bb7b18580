"""How the model hears what was said of a query's series; and how its evidence is overheard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from exporter.feedback.lessons import Evidence, Lessons
from exporter.feedback.verdict import Verdict
from exporter.frame import Floats
from exporter.models.evidence import PIECES
from exporter.models.hearing import Hear
from exporter.reading import Key, key_of
from tocsin.model import Labels


class QueryEar:
    """Keeps the promise of `exporter.models.hearing.Ear`, from the verdicts on one query."""

    def __init__(self, query: str, verdicts: Callable[[], Sequence[Verdict]], pieces: Sequence[str] = PIECES) -> None:
        """`verdicts` gives all that are in force: the same object as long as none changes; `pieces` are the model's."""
        self._query = query
        self._pieces = pieces
        self._verdicts = verdicts
        self._heard: Sequence[Verdict] | None = None
        self._hear: Hear | None = None

    def moved(self) -> None:
        self._heard = None

    def listen(self, labels: Sequence[Labels]) -> Hear | None:
        """Looks for the rows only when verdicts or rows have changed."""
        verdicts = self._verdicts()
        if verdicts is not self._heard:
            self._hear = self._rows([one for one in verdicts if one.query == self._query], labels)
            self._heard = verdicts
        return self._hear

    def _rows(self, verdicts: Sequence[Verdict], labels: Sequence[Labels]) -> Hear | None:
        wanted = {one.key for one in verdicts}
        if not wanted:
            return None
        rows = {key: row for row, one in enumerate(labels) if (key := key_of(one)) in wanted}
        return _hear([one for one in verdicts if one.key in rows], rows, self._pieces)


def _hear(verdicts: Sequence[Verdict], rows: dict[Key, int], pieces: Sequence[str]) -> Hear | None:
    if not verdicts:
        return None
    places = {key: place for place, key in enumerate(rows)}
    lessons = Lessons.of([(places[one.key], one) for one in verdicts], pieces)
    taught = np.array(list(rows.values()), dtype=np.intp)

    def hear(shares: Floats, sizes: Floats, scores: Floats) -> Floats:
        counting = scores.copy()
        counting[taught] = lessons.score(Evidence(shares[:, taught], sizes[:, taught]))
        return counting

    return hear


class Overhearing:
    """An ear that notes the evidence of each column, as it is before anybody's word is heard."""

    def __init__(self, other: Any = None) -> None:
        """`other` is the ear that the model had."""
        self._other = other
        self.columns: list[Evidence] = []

    def moved(self) -> None:
        if self._other:
            self._other.moved()

    def listen(self, labels: Sequence[Labels]) -> Hear | None:
        other = self._other.listen(labels) if self._other else None

        def hear(shares: Floats, sizes: Floats, scores: Floats) -> Floats:
            self.columns.append(Evidence(shares, sizes))
            return scores if other is None else other(shares, sizes, scores)

        return hear
