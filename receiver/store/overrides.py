"""Overrides and swaps of on-call schedules that people add at run time; who added and who removed one is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from receiver.engine.occurrence import new_id
from receiver.oncall.shift import Override
from receiver.store.database import Database
from receiver.store.schema import MICROSECOND, overrides


@dataclass(frozen=True, slots=True)
class StoredOverride:
    """An override of a schedule, with who added it, and who took it away again."""

    schedule: str
    override: Override
    created_at: datetime
    removed_at: datetime | None = None
    removed_by: str | None = None


class Overrides:
    """Adds, removes and lists them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, schedule: str, wanted: Override, now: datetime) -> StoredOverride:
        """Keeps an override; it counts before all that were added earlier."""
        about = (schedule, wanted.start, wanted.end, wanted.user, wanted.swap_with, wanted.by, now.isoformat())
        row: dict[str, Any] = {
            "id": new_id("override", *about),
            "schedule": schedule,
            "starts_at": wanted.start,
            "ends_at": wanted.end,
            "person": wanted.user,
            "swap_with": wanted.swap_with,
            "created_by": wanted.by,
        }
        last = sa.select(sa.func.max(overrides.c.created_at)).where(overrides.c.schedule == schedule)
        async with self._database.write() as connection:
            before = (await connection.execute(last)).scalar()
            row["created_at"] = now if before is None else max(now, before + MICROSECOND)
            await connection.execute(sa.insert(overrides), [row])
        kept = Override(wanted.start, wanted.end, wanted.user, wanted.by, str(row["id"]), wanted.swap_with)
        return StoredOverride(schedule, kept, row["created_at"])

    async def remove(self, override: str, by: str, now: datetime) -> bool:
        """Takes an override away, once. False: it had been removed before, or is not there."""
        mine = (overrides.c.id == override) & overrides.c.removed_at.is_(None)
        async with self._database.write() as connection:
            done = await connection.execute(sa.update(overrides).where(mine).values(removed_at=now, removed_by=by))
        return done.rowcount == 1

    async def of(self, schedule: str) -> list[StoredOverride]:
        """Every override of a schedule, those that were removed included, in the order in which they were added."""
        return await self._read(overrides.c.schedule == schedule)

    async def ending_after(self, moment: datetime) -> Mapping[str, tuple[Override, ...]]:
        """What counts and ends later than a moment, by schedule, in the order in which it was added."""
        found: dict[str, tuple[Override, ...]] = {}
        for stored in await self._read((overrides.c.ends_at > moment) & overrides.c.removed_at.is_(None)):
            found[stored.schedule] = (*found.get(stored.schedule, ()), stored.override)
        return found

    async def _read(self, where: sa.ColumnElement[bool]) -> list[StoredOverride]:
        query = sa.select(overrides).where(where).order_by(overrides.c.created_at, overrides.c.id)
        async with self._database.read() as connection:
            return [_stored(row) for row in await connection.execute(query)]


def _stored(row: sa.Row[Any]) -> StoredOverride:
    kept = Override(row.starts_at, row.ends_at, row.person, row.created_by, row.id, row.swap_with)
    return StoredOverride(row.schedule, kept, row.created_at, row.removed_at, row.removed_by)
