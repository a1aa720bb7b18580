"""What `/metrics` asks the store for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.store.database import Database
from receiver.store.schema import inbox, incidents

SIZE = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "postgresql": "SELECT pg_database_size(current_database())",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """How many incidents there are of each status and severity, since when the oldest body waits, the size in bytes."""

    incidents: list[tuple[str, str, int]]
    oldest: datetime | None
    size_bytes: int


async def figures(database: Database) -> Figures:
    """The figures of this moment.

    Raises:
        StoreUnavailable: the store cannot be read.
    """
    async with database.read() as connection:
        return Figures(await _incidents(connection), await _oldest(connection), await _size(connection))


async def _incidents(connection: AsyncConnection) -> list[tuple[str, str, int]]:
    kinds = (incidents.c.status, incidents.c.severity)
    rows = await connection.execute(sa.select(*kinds, sa.func.count()).group_by(*kinds))
    return [(row[0], row[1], row[2]) for row in rows]


async def _oldest(connection: AsyncConnection) -> datetime | None:
    first = sa.select(inbox.c.received_at).order_by(inbox.c.id).limit(1)
    return (await connection.execute(first)).scalar_one_or_none()


async def _size(connection: AsyncConnection) -> int:
    return int((await connection.exec_driver_sql(SIZE[connection.dialect.name])).scalar_one())
