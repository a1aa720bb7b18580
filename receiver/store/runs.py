"""Runs of runbooks as lists show them, and the switch that stops them all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from receiver.access.principal import Tenants
from receiver.store.admission import Admission, Wish, refuse_if_stopped
from receiver.store.database import Database
from receiver.store.queries import Cursor, Page
from receiver.store.schema import remediations, stops


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as lists show it; all of it stands in its incident's events."""

    id: str
    incident: str
    tenant: str
    runbook: str
    target: str
    state: str
    outcome: str | None
    dry_run: bool
    by: str
    plan_hash: str
    proposed_at: datetime
    expires_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """All remediation was stopped; `started_at`: it was let go on."""

    at: datetime
    by: str
    reason: str
    started_at: datetime | None = None
    started_by: str | None = None


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs are asked for; what is empty says nothing."""

    incident: str = ""
    runbook: str = ""
    target: str = ""
    state: str = ""
    outcome: str = ""
    tenants: Tenants = None


class Runs:
    """Reads them, and holds the switch."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, wanted: RunFilter, limit: int, after: Cursor | None = None) -> Page[RunRow]:
        """Those that are asked for, the newest first."""
        row = remediations.c
        query = sa.select(remediations).order_by(row.proposed_at.desc(), row.id.desc()).limit(limit + 1)
        for column in ("incident", "runbook", "target", "state", "outcome"):
            if value := getattr(wanted, column):
                query = query.where(row[column] == value)
        if wanted.tenants is not None:
            query = query.where(row.tenant.in_(sorted(wanted.tenants)))
        if after is not None:
            query = query.where(sa.tuple_(row.proposed_at, row.id) < (after.at, after.id))
        async with self._database.read() as connection:
            found = [_row(one) for one in await connection.execute(query)]
        last = found[limit - 1] if len(found) > limit else None
        return Page(found[:limit], str(Cursor(last.proposed_at, last.id)) if last else None)

    async def get(self, run: str) -> RunRow | None:
        async with self._database.read() as connection:
            found = (await connection.execute(sa.select(remediations).where(remediations.c.id == run))).first()
        return None if found is None else _row(found)

    async def named(self, prefix: str, tenants: Tenants = None) -> list[RunRow]:
        """The runs whose id begins so (at most two: one is an answer, two are a question)."""
        row = remediations.c
        query = sa.select(remediations).where(row.id >= prefix, row.id < prefix + chr(0x10FFFF)).limit(2)
        if tenants is not None:
            query = query.where(row.tenant.in_(sorted(tenants)))
        async with self._database.read() as connection:
            return [_row(one) for one in await connection.execute(query)]

    async def refusal(self, admission: Admission) -> None:
        """Whether a run could begin now; takes nothing.

        Raises:
            Full: it could not.
            Stopped: nothing begins now.
        """
        async with self._database.read() as connection:
            await refuse_if_stopped(connection)
            await admission.ask(connection)

    def admission(self, wish: Wish, at: datetime) -> Admission:
        """What asks for a place for a run."""
        return Admission(wish, at, shared=self._database.shared)

    async def stopped(self) -> Stop | None:
        """The stop that holds now."""
        found = await self.stops(1)
        return found[0] if found and found[0].started_at is None else None

    async def stops(self, most: int = 20) -> list[Stop]:
        """When all was stopped, the newest first."""
        query = sa.select(stops).order_by(stops.c.started_at.is_(None).desc(), stops.c.id.desc()).limit(most)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return [Stop(row.stopped_at, row.stopped_by, row.reason, row.started_at, row.started_by) for row in rows]

    async def stop(self, by: str, reason: str, now: datetime) -> bool:
        """Lets nothing begin any more: no run, no step. False: it was so already."""
        async with self._database.write() as connection:
            if (await connection.execute(sa.select(stops.c.id).where(stops.c.started_at.is_(None)))).first():
                return False
            await connection.execute(sa.insert(stops), [{"stopped_at": now, "stopped_by": by, "reason": reason}])
        return True

    async def start(self, by: str, now: datetime) -> bool:
        """Lets runs begin again. False: nothing had stopped them."""
        stands = sa.update(stops).where(stops.c.started_at.is_(None)).values(started_at=now, started_by=by)
        async with self._database.write() as connection:
            return (await connection.execute(stands)).rowcount > 0


def _row(row: sa.Row[Any]) -> RunRow:
    return RunRow(
        row.id,
        row.incident,
        row.tenant,
        row.runbook,
        row.target,
        row.state,
        row.outcome,
        row.dry_run,
        row.by,
        row.plan_hash,
        row.proposed_at,
        row.expires_at,
        row.admitted_at,
        row.ended_at,
        row.reason,
    )
