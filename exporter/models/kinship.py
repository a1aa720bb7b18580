"""Which series are most like a new one, by their labels alone: those that share all of them but one, or but a few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Self

import numpy as np
from numpy.typing import NDArray

from exporter.frame import Bools
from exporter.model import Rows
from exporter.names import Key

MOST = 9  # members of a group that are looked at, evenly over all that there are
NOBODY = -1  # in a list of members: a free place
MOST_LABELS = 16  # label sets with more have no kin
MOST_WAYS = 10  # are tried
METRIC = "__name__"  # never differs among kin


@dataclass(frozen=True, slots=True)
class Kinship:
    """New series and those that may be their kin, all with as many labels.

    A label set's hash is the sum of its pairs' hashes (int64, wrapping round), so that leaving a pair out is a
    subtraction; `order` names each newcomer's labels by how few others share their value, fewest first.
    """

    keys: Sequence[Key]
    newcomers: Rows  # (new,)
    others: Rows  # (others,)
    new_pairs: NDArray[np.int64]  # (new, labels)
    other_pairs: NDArray[np.int64]  # (others, labels)
    order: Rows  # (new, labels)

    @classmethod
    def of(cls, keys: Sequence[Key], newcomers: Rows, others: Rows) -> Self:
        labels = len(keys[newcomers[0]])
        new_pairs, other_pairs = _pairs(keys, newcomers, labels), _pairs(keys, others, labels)
        shared = np.empty(new_pairs.shape, dtype=np.intp)
        for label in range(labels):
            values = np.sort(other_pairs[:, label])
            first, after = (np.searchsorted(values, new_pairs[:, label], side=side) for side in ("left", "right"))
            shared[:, label] = after - first
        order = np.argsort(shared, axis=1, kind="stable")
        return cls(keys, newcomers, others, new_pairs, other_pairs, order)

    @property
    def ways(self) -> int:
        """In how many ways labels can be left out: each alone, then the two rarest, the three rarest, and so on."""
        return min(2 * int(self.order.shape[1]) - 1, MOST_WAYS)

    def members(self, way: int, asking: Rows) -> Rows:
        """The kin of some newcomers when labels are left out in one way, (asking, MOST) rows or `NOBODY`.

        `asking` are places among the newcomers.
        """
        labels = self.order.shape[1]
        left_out = np.sort(
            self.order[asking, way : way + 1] if way < labels else self.order[asking, : way - labels + 2]
        )
        found = np.full((len(asking), MOST), NOBODY, dtype=np.intp)
        for without in np.unique(left_out, axis=0):
            here = np.flatnonzero((left_out == without).all(axis=1))
            found[here] = self._sharing(asking[here], without)
        return found

    def _sharing(self, asking: Rows, without: Rows) -> Rows:
        """The same where all leave out the same labels."""
        wanted, place = np.unique(_rest(self.new_pairs[asking], without), return_inverse=True)
        rest = _rest(self.other_pairs, without)
        matching = np.flatnonzero(np.isin(rest, wanted))
        matching = matching[np.argsort(rest[matching], kind="stable")]
        first, after = (np.searchsorted(rest[matching], wanted, side=side) for side in ("left", "right"))
        found = np.full((len(asking), MOST), NOBODY, dtype=np.intp)
        for group, (begin, end) in enumerate(zip(first.tolist(), after.tolist(), strict=True)):
            members = self.others[matching[np.unique(np.linspace(begin, end - 1, min(MOST, end - begin)).astype(int))]]
            here = np.flatnonzero(place == group)
            kin = [row for row in members.tolist() if self._alike(int(self.newcomers[asking[here[0]]]), row, without)]
            found[here, : len(kin)] = kin
        return found

    def _alike(self, one: int, other: int, without: Rows) -> bool:
        """Whether two rows have labels of the same names, and differ in those that were left out alone."""
        left_out = set(without.tolist())
        pairs = enumerate(zip(self.keys[one], self.keys[other], strict=True))
        return all(
            mine == theirs or (place in left_out and mine[0] == theirs[0] != METRIC)
            for place, (mine, theirs) in pairs
        )  # fmt: skip


def by_labels(keys: Sequence[Key], newcomers: Rows, others: Rows) -> list[Kinship]:
    """The kinships of newcomers, one for each number of labels that they have."""
    mine, theirs = (np.array([len(keys[row]) for row in rows.tolist()], dtype=np.intp) for rows in (newcomers, others))
    found = []
    for labels in np.unique(mine).tolist():
        same = theirs == labels
        if 0 < labels <= MOST_LABELS and same.any():
            found.append(Kinship.of(keys, newcomers[mine == labels], others[same]))
    return found


def _pairs(keys: Sequence[Key], rows: Rows, labels: int) -> NDArray[np.int64]:
    """The hashes of label pairs, (rows, labels)."""
    pairs = chain.from_iterable(keys[row] for row in rows.tolist())
    return np.fromiter(map(hash, pairs), np.int64, len(rows) * labels).reshape(-1, labels)


def _rest(pairs: NDArray[np.int64], without: Rows) -> NDArray[np.int64]:
    """The hash of each label set without some of its labels, (rows,)."""
    kept: Bools = np.ones(pairs.shape[1], dtype=np.bool_)
    kept[without] = False
    rest: NDArray[np.int64] = pairs[:, kept].sum(axis=1)
    return rest
