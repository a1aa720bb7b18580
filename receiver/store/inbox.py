"""The inbox: raw bodies, committed before they are answered, and taken out when the engine has committed them."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, Self

from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.engine.notification import Body
from receiver.store import spool, sqlite
from receiver.store.database import Database
from receiver.store.inbox_file import InboxFile
from receiver.store.inbox_table import InboxTable
from receiver.store.spool import Batch, Counted, Spool, fitting, of_one_batch
from tocsin.errors import StoreUnavailable

UNSURE = -1  # no position: a commit that failed may have kept bodies all the same


class _Waiting(NamedTuple):
    counted: Counted
    committed: asyncio.Future[None]


class Inbox:
    """Keeps bodies in order. Requests that arrive together share one commit.

    Senders' bodies lie in a file of their own, if there is one, so that they wait for nobody else (docs/adr/0010). Our
    own bodies lie in the store's table, in one transaction with what they are about, and are processed first.
    """

    def __init__(self, table: InboxTable, file: InboxFile | None, *, limit: int) -> None:
        self._table = table
        self._file = file
        self._spool: Spool = file or table
        self.limit = limit
        self._waiting: list[_Waiting] = []
        self._wanted = asyncio.Event()
        self._done = 0
        self._last = 0
        self._held: deque[Counted] = deque()  # the next ones for the engine, without a gap; may end before `_last`
        self._held_bytes = 0
        self._ours = True  # whether the table may hold bodies of our own
        self.arrived = asyncio.Event()
        self.depth = 0

    @classmethod
    async def open(
        cls, database: Database, *, done: int, limit: int, busy_timeout_seconds: float = sqlite.BUSY_SECONDS
    ) -> Self:
        """The inbox of a store; `done` is the position that its engine has committed.

        Raises:
            TocsinError: its file cannot be used.
        """
        file = None if database.folder is None else await InboxFile.open(database.folder, busy_timeout_seconds)
        inbox = cls(InboxTable(database), file, limit=limit)
        await inbox.start(done)
        return inbox

    async def start(self, done: int) -> None:
        """Begins behind the position that the engine has committed, and learns what an earlier run has left."""
        if self._file is not None:
            behind = await self._table.last_position()
            self._last = await self._file.start(done, max(done, behind))
        self._done = done
        self._ours = True
        self._held.clear()
        self._held_bytes = 0
        await self.count()

    async def close(self) -> None:
        if self._file is not None:
            await self._file.close()

    async def count(self) -> None:
        """Learns how many bodies wait: other replicas put in and take out, too."""
        self.depth, _ = await self._count()

    async def waiting_since(self) -> datetime | None:
        """When the oldest body that is not processed was received; None if there is none.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        _, since = await self._count()
        return since

    async def _count(self) -> tuple[int, datetime | None]:
        counts = [await self._table.waiting()]
        if self._file is not None:
            counts.append(await self._file.waiting(self._done))
        return sum(count for count, _ in counts), min((since for _, since in counts if since), default=None)

    async def put(self, body: Body, alerts: int) -> None:
        """Returns when the body is durable.

        Raises:
            StoreUnavailable: it is not, and the sender must try again.
        """
        if self.depth + len(self._waiting) >= self.limit:
            raise StoreUnavailable(f"the inbox holds {self.limit:,} bodies that wait to be processed")
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(Counted(body, alerts), committed))
        self._wanted.set()
        await committed

    @asynccontextmanager
    async def beside(self, body: Body, *, alerts: int = 0) -> AsyncIterator[AsyncConnection]:
        """A transaction of the caller's that also puts in a body of our own, whatever the bound says.

        Raises:
            StoreUnavailable: neither has been committed.
        """
        position = self._file.next_position() if self._file is not None else 0
        async with self._table.transaction() as connection:
            yield connection
            await self._table.put(connection, [Counted(replace(body, position=position), alerts)])
        self.depth += 1
        self._ours = True
        self.arrived.set()

    async def run(self) -> None:
        """Commits what waits, again and again, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._waiting:
                await self._commit(self._next_batch())

    def _next_batch(self) -> list[_Waiting]:
        sizes = [len(waiting.counted.body.content) for waiting in self._waiting]
        count = min(fitting(sizes, spool.MAX_BATCH_BYTES), spool.MAX_BATCH_BODIES)
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        error: StoreUnavailable | None = None
        try:
            self._hold(await self._spool.append([waiting.counted for waiting in batch], self._done))
        except StoreUnavailable as unavailable:
            error = unavailable
            self._last = UNSURE
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

    def _hold(self, kept: Sequence[Counted]) -> None:
        """Remembers what was committed as long as nothing else can lie between, so that it need not be read back."""
        for counted in kept:
            follows = (self._held[-1].body.position if self._held else self._done) == self._last
            size = len(counted.body.content)
            if follows and self._held_bytes + size <= spool.MAX_BATCH_BYTES:
                self._held.append(counted)
                self._held_bytes += size
            self._last = counted.body.position

    async def oldest(self) -> Batch:
        """The bodies whose turn it is; an empty batch if there are none."""
        if self._file is not None and self._ours:
            ours = Batch(await self._table.read(0), self._table)
            if ours.counted:
                return ours
            self._ours = False
        return await self._next(self._done, 0)

    async def following(self, batch: Batch) -> Batch:
        """What comes after a batch that is not committed yet; empty where others may come before it."""
        if self._file is None:
            return Batch([], self._spool)
        if batch.position is None:
            return await self._next(self._done, 0)
        return await self._next(batch.position, len(batch.counted))

    async def _next(self, after: int, held_before: int) -> Batch:
        """The bodies behind a position, before which so many of those that are remembered lie."""
        if len(self._held) <= held_before:
            return Batch(await self._spool.read(after), self._spool)
        found = list(itertools.islice(self._held, held_before, held_before + spool.MAX_BATCH_BODIES))
        return Batch(found[: of_one_batch([(len(body.content), alerts) for body, alerts in found])], self._spool)

    def done(self, batch: Batch) -> None:
        """The engine has committed what these bodies, the oldest ones of their spool, meant."""
        self.depth = max(0, self.depth - len(batch.counted))  # it was perhaps told that some could not be kept
        if batch.position is not None:
            self._done = batch.position
        while self._held and self._held[0].body.position <= self._done:
            self._held_bytes -= len(self._held.popleft().body.content)
