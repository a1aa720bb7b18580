"""A new series played beside those that it borrows from: alone it would be scored otherwise than it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from exporter.models.borrowing import RIPE_SECONDS
from exporter.models.kinship import MOST, NOBODY, by_labels
from exporter.names import Key
from exporter.replaying import choosing
from exporter.replaying.desk import Case, Desk

MOST_KIN = 2 * MOST


async def with_kin(desk: Desk, case: Case) -> Case:
    """A case of one series, which stays the first row; the series that may lend to it follow where it is new.

    Raises:
        QueryError: Prometheus brings nothing.
    """
    there = np.flatnonzero(np.isfinite(case.frame.values[0]))
    before_span = round((case.span.start - case.frame.start) / case.frame.step)
    known_seconds = (before_span - there[0]) * case.frame.step if len(there) else 0.0
    if not len(there) or there[0] == 0 or known_seconds >= RIPE_SECONDS:
        return case
    query, prometheus = desk.source(case.query.name)
    keys = await choosing.choose(prometheus, query, (), case.span, most=query.max_series)
    kin = nearest(case.keys[0], [key for key in keys if key != case.keys[0]])
    if not kin:
        return case
    keys = [case.keys[0], *kin]
    return replace(case, keys=keys, frame=await choosing.history(prometheus, query, keys, case.span))


def nearest(key: Key, others: list[Key]) -> list[Key]:
    """The closest kin of a series, at most `MOST_KIN`."""
    found: dict[Key, None] = {}
    keys = [key, *others]
    for kinship in by_labels(keys, np.array([0]), np.arange(1, len(keys))):
        for way in range(kinship.ways):
            rows = kinship.members(way, np.array([0]))[0]
            found |= dict.fromkeys(keys[row] for row in rows[rows != NOBODY].tolist())
    return list(found)[:MOST_KIN]
