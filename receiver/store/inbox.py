"""The inbox: raw bodies, committed before they are answered, and taken out when the engine has committed them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.engine.notification import Body
from receiver.engine.origin import Origin
from receiver.store.database import Database
from receiver.store.dialect import take_positions_in_order
from receiver.store.schema import inbox
from tocsin.errors import StoreUnavailable

MAX_BATCH_BYTES = 64 * 1024 * 1024  # held in memory at once
MAX_BATCH_ALERTS = 1000  # committed at once; senders wait for their own commit meanwhile


@dataclass(slots=True)
class _Waiting:
    body: Body
    alerts: int
    committed: asyncio.Future[None]


class Inbox:
    """Keeps bodies in order. Requests that arrive together share one commit."""

    def __init__(self, database: Database, *, limit: int) -> None:
        self._database = database
        self.limit = limit
        self._waiting: list[_Waiting] = []
        self._wanted = asyncio.Event()
        self.arrived = asyncio.Event()
        self.depth = 0

    async def count(self) -> None:
        """Learns how many bodies an earlier run has left."""
        async with self._database.read() as connection:
            self.depth = (await connection.execute(sa.select(sa.func.count()).select_from(inbox))).scalar_one()

    async def put(self, body: Body, alerts: int) -> None:
        """Returns when the body is durable.

        Raises:
            StoreUnavailable: it is not, and the sender must try again.
        """
        if self.depth + len(self._waiting) >= self.limit:
            raise StoreUnavailable(f"the inbox holds {self.limit:,} bodies that wait to be processed")
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(body, alerts, committed))
        self._wanted.set()
        await committed

    @asynccontextmanager
    async def beside(self, body: Body, *, alerts: int = 0) -> AsyncIterator[AsyncConnection]:
        """A transaction of the caller's that also puts in a body of our own, whatever the bound says.

        Raises:
            StoreUnavailable: neither has been committed.
        """
        row = {"source": body.source, "received_at": body.received_at, "alerts": alerts, "content": body.content}
        async with self._database.write() as connection:
            yield connection
            await take_positions_in_order(connection)
            await connection.execute(sa.insert(inbox), [row])
        self.depth += 1
        self.arrived.set()

    async def run(self) -> None:
        """Commits what waits, again and again, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._waiting:
                await self._commit(self._next_batch())

    def _next_batch(self) -> list[_Waiting]:
        count = _fitting([len(waiting.body.content) for waiting in self._waiting], MAX_BATCH_BYTES)
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        rows = [
            {
                "source": waiting.body.source,
                "received_at": waiting.body.received_at,
                "alerts": waiting.alerts,
                "content": waiting.body.content,
                "origin": str(waiting.body.origin) or None,
            }
            for waiting in batch
        ]
        error: StoreUnavailable | None = None
        try:
            async with self._database.write() as connection:
                await take_positions_in_order(connection)
                await connection.execute(sa.insert(inbox), rows)
        except StoreUnavailable as unavailable:
            error = unavailable
        else:
            self.depth += len(batch)
            self.arrived.set()
        for waiting in batch:
            if waiting.committed.done():  # the sender has gone; its body is kept all the same
                continue
            if error is None:
                waiting.committed.set_result(None)
            else:
                waiting.committed.set_exception(StoreUnavailable(str(error)))

    async def oldest(self, limit: int) -> list[tuple[Body, int]]:
        """The bodies whose turn it is, with how many alerts each was counted to carry."""
        sizes = sa.select(inbox.c.id, sa.func.length(inbox.c.content), inbox.c.alerts)
        async with self._database.read() as connection:
            found = (await connection.execute(sizes.order_by(inbox.c.id).limit(limit))).all()
            by_size = _fitting([size for _, size, _ in found], MAX_BATCH_BYTES)
            by_alerts = _fitting([alerts for _, _, alerts in found], MAX_BATCH_ALERTS)
            ids = [row[0] for row in found[: min(by_size, by_alerts)]]
            rows = (await connection.execute(sa.select(inbox).where(inbox.c.id.in_(ids)).order_by(inbox.c.id))).all()
        return [
            (Body(row.source, row.received_at, row.content, row.id, Origin.parse(row.origin)), row.alerts)
            for row in rows
        ]


def _fitting(sizes: Sequence[int], limit: int) -> int:
    """How many bodies, from the first, fit into one batch; one always does."""
    return max(1, sum(total <= limit for total in itertools.accumulate(sizes)))
