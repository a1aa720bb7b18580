"""Runs of evaluations: the first index and the last one, both included; in order, with a gap from each to the next."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise

Run = tuple[int, int]


def joined(runs: Iterable[Run]) -> list[Run]:
    """The runs in order, those that touch or overlap as one."""
    found: list[Run] = []
    for first, last in sorted(runs):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def shared(runs: Iterable[Run]) -> list[Run]:
    """Where two at least of the runs overlap."""
    found, until = [], -1
    for first, last in sorted(runs):
        if first <= until:
            found.append((first, min(last, until)))
        until = max(until, last)
    return joined(found)


def most(runs: Iterable[Run]) -> int:
    """The most runs at one index."""
    changes = sorted(change for first, last in runs for change in ((first, 1), (last + 1, -1)))
    count = highest = 0
    for _, change in changes:
        count += change
        highest = max(highest, count)
    return highest


def between(runs: Sequence[Run], count: int) -> list[Run]:
    """What of `count` indices the runs leave out; they are joined."""
    edges = [(0, -1), *runs, (count, count)]
    return [(before[1] + 1, after[0] - 1) for before, after in pairwise(edges) if before[1] + 1 < after[0]]


def within(runs: Iterable[Run], kept: Sequence[Run]) -> list[Run]:
    """The runs as they are where nothing but the kept indices exists, which are counted anew; `kept` is joined."""
    firsts, lasts = [first for first, _ in kept], [last for _, last in kept]
    before = [0]
    for first, last in kept:
        before.append(before[-1] + last - first + 1)

    def kept_up_to(index: int) -> int:
        """How many of the kept lie below the index."""
        place = bisect_left(lasts, index)
        return before[place] + (max(0, index - firsts[place]) if place < len(kept) else 0)

    moved = ((kept_up_to(first), kept_up_to(last + 1) - 1) for first, last in runs)
    return joined((first, last) for first, last in moved if first <= last)
