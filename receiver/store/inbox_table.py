"""Bodies in a table of the store: all of them where several processes share it, else those that are our own.

What the engine has committed is deleted row by row in the same transaction. So a body that another process commits
late, under a position that was given earlier, is not passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.engine.notification import Body
from receiver.engine.origin import Origin
from receiver.store import spool
from receiver.store.database import Database
from receiver.store.schema import inbox, quarantine
from receiver.store.spool import Counted, of_one_batch


class InboxTable:
    """The table `inbox`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, bodies: Sequence[Counted], done: int) -> list[Counted]:
        """Gives nothing back: what other processes put in lies between, so that all must be read."""
        async with self._database.write() as connection:
            await self.put(connection, bodies)
        return []

    async def put(self, connection: AsyncConnection, bodies: Sequence[Counted]) -> None:
        """Adds bodies within a transaction; one that has a position already keeps it."""
        await connection.execute(sa.insert(inbox), [_row(*one) for one in bodies])

    def transaction(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction of the store."""
        return self._database.write()

    async def read(self, after: int) -> list[Counted]:
        sizes = sa.select(inbox.c.id, sa.func.length(inbox.c.content), inbox.c.alerts)
        async with self._database.read() as connection:
            found = (await connection.execute(sizes.order_by(inbox.c.id).limit(spool.MAX_BATCH_BODIES))).all()
            ids = [row[0] for row in found[: of_one_batch([(size, alerts) for _, size, alerts in found])]]
            rows = (await connection.execute(sa.select(inbox).where(inbox.c.id.in_(ids)).order_by(inbox.c.id))).all()
        return [
            Counted(Body(row.source, row.received_at, row.content, row.id, Origin.parse(row.origin)), row.alerts)
            for row in rows
        ]

    async def waiting(self, after: int = 0) -> tuple[int, datetime | None]:
        first = sa.select(inbox.c.received_at).order_by(inbox.c.id).limit(1)
        async with self._database.read() as connection:
            count = (await connection.execute(sa.select(sa.func.count()).select_from(inbox))).scalar_one()
            return count, (await connection.execute(first)).scalar_one_or_none()

    async def taken(self, connection: AsyncConnection, bodies: Sequence[Body]) -> None:
        await connection.execute(sa.delete(inbox).where(inbox.c.id.in_([body.position for body in bodies])))

    def position_after(self, bodies: Sequence[Body]) -> None:
        return None

    async def last_position(self) -> int:
        """The highest position that stands anywhere in the store."""
        highest = [sa.select(sa.func.max(table.c.id)).scalar_subquery() for table in (inbox, quarantine)]
        async with self._database.read() as connection:
            found = (await connection.execute(sa.select(*highest))).one()
        return max(int(position or 0) for position in found)


def _row(body: Body, alerts: int) -> dict[str, Any]:
    row = {
        "source": body.source,
        "received_at": body.received_at,
        "alerts": alerts,
        "content": body.content,
        "origin": str(body.origin) or None,
    }
    return row | {"id": body.position} if body.position else row
