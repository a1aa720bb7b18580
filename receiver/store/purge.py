"""Takes away what is old, in transactions so small that nobody waits for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.store.answered import beyond
from receiver.store.database import Database
from receiver.store.schema import (
    answered,
    events,
    finished_jobs,
    incidents,
    jobs,
    occurrences,
    quarantine,
    remediations,
)

ROWS = 500  # of one transaction
BODIES = 10  # of quarantine, each of which may have max_body_bytes
INCIDENTS = 50


@dataclass(frozen=True, slots=True)
class Limits:
    """What ended before these moments goes; `tenants` have a moment of their own for what was resolved."""

    resolved: datetime
    finished_jobs: datetime
    dead_letters: datetime
    quarantine: datetime
    answered: datetime
    remediations: datetime
    tenants: Mapping[str, datetime] = field(default_factory=dict)


class Purge:
    """One pass over what is old. An incident goes as a whole: alerts, events and at last itself.

    An incident stays as long as one of its alerts still fires (a person resolved it, the alert goes on: without its
    occurrence the next notification would page again) or a job about it waits.
    """

    def __init__(self, database: Database, limits: Limits, *, rows: int = ROWS) -> None:
        self._database = database
        self._limits = limits
        self._rows = rows
        self._kept: set[str] = set()

    async def batch(self) -> Counter[str]:
        """Takes a few rows of one kind away and counts them by kind; empty when nothing is left to do.

        Raises:
            StoreUnavailable: not now.
        """
        for step in (
            self._old_quarantine,
            self._old_jobs,
            self._old_answers,
            self._old_runs,
            self._old_alone,
            self._old_incidents,
        ):
            if removed := +await step():
                return removed
        return Counter()

    async def _old_quarantine(self) -> Counter[str]:
        old = quarantine.c.received_at < self._limits.quarantine
        return Counter(quarantine=await self._remove(quarantine, old, min(BODIES, self._rows)))

    async def _old_jobs(self) -> Counter[str]:
        at, dead = finished_jobs.c.finished_at, finished_jobs.c.state == "dead"
        old = ((at < self._limits.finished_jobs) & ~dead) | ((at < self._limits.dead_letters) & dead)
        return Counter(finished_jobs=await self._remove(finished_jobs, old, self._rows))

    async def _old_answers(self) -> Counter[str]:
        """Those that nobody may ask for again, and those that are too many."""
        old = (answered.c.at < self._limits.answered) | beyond()
        return Counter(answered=await self._remove(answered, old, self._rows))

    async def _old_runs(self) -> Counter[str]:
        """Limits no longer count them; what they did goes with their incident."""
        old = (remediations.c.proposed_at < self._limits.remediations) & (remediations.c.state == "over")
        return Counter(remediations=await self._remove(remediations, old, self._rows))

    async def _old_alone(self) -> Counter[str]:
        """Alerts that ended and never belonged to an incident."""
        alone = occurrences.c.incident.is_(None) & occurrences.c.ends_at.is_not(None)
        old = alone & self._before(occurrences.c.tenant, occurrences.c.ends_at)
        return Counter(occurrences=await self._remove(occurrences, old, self._rows))

    async def _old_incidents(self) -> Counter[str]:
        ids = await self._candidates()
        if not ids:
            return Counter()
        removed: Counter[str] = Counter()
        async with self._database.write() as connection:
            for table, kind in ((occurrences, "occurrences"), (events, "events")):
                left = self._rows - removed.total()
                removed[kind] += await _delete(connection, table, table.c.incident.in_(ids), left)
            if removed.total() < self._rows:
                gone = incidents.c.id.in_(ids) & (incidents.c.status == "resolved")
                removed["incidents"] += (await connection.execute(sa.delete(incidents).where(gone))).rowcount
        return removed

    async def _candidates(self) -> list[str]:
        """Incidents that may go; those that a job keeps are left out for the rest of the pass."""
        fires = sa.exists().where(occurrences.c.incident == incidents.c.id, occurrences.c.ends_at.is_(None))
        query = (
            sa.select(incidents.c.id)
            .where(incidents.c.resolved_at.is_not(None), incidents.c.status == "resolved", ~fires)
            .where(self._before(incidents.c.tenant, incidents.c.resolved_at))
            .order_by(incidents.c.resolved_at)
        )
        while True:
            async with self._database.read() as connection:
                rows = await connection.execute(query.where(incidents.c.id.not_in(self._kept)).limit(INCIDENTS))
                found = set(rows.scalars())
                waiting = sa.select(jobs.c.incident).where(jobs.c.incident.in_(found)).distinct()
                kept = set((await connection.execute(waiting)).scalars()) if found else set()
            self._kept |= kept
            if found - kept or not found:
                return sorted(found - kept)

    def _before(self, tenant: sa.Column[str], at: sa.Column[Any]) -> sa.ColumnElement[bool]:
        """What is past its tenant's moment; a bound on all of it first, which an index can use."""
        latest = max([self._limits.resolved, *self._limits.tenants.values()])
        own = [(tenant == name) & (at < moment) for name, moment in self._limits.tenants.items()]
        others = tenant.not_in(list(self._limits.tenants)) & (at < self._limits.resolved)
        return (at < latest) & sa.or_(others, *own)

    async def _remove(self, table: sa.Table, old: sa.ColumnElement[bool], rows: int) -> int:
        """Looks first: a writer's turn is not asked for in vain."""
        async with self._database.read() as connection:
            if (
                await connection.execute(sa.select(sa.literal(1)).select_from(table).where(old).limit(1))
            ).first() is None:
                return 0
        async with self._database.write() as connection:
            return await _delete(connection, table, old, rows)


async def _delete(connection: AsyncConnection, table: sa.Table, old: sa.ColumnElement[bool], rows: int) -> int:
    key = _key(table.primary_key.columns)
    chosen = sa.select(*table.primary_key.columns).where(old).limit(rows)
    return (await connection.execute(sa.delete(table).where(key.in_(chosen)))).rowcount


def _key(columns: Iterable[sa.Column[Any]]) -> sa.ColumnElement[Any]:
    one, *more = columns
    return sa.tuple_(one, *more) if more else one
