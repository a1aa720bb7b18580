"""Whether the store takes writes, and how far the engine is: what the watchers of ourselves ask."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from receiver.store.database import Database
from receiver.store.inbox import Inbox
from receiver.store.lease import hold
from receiver.store.schema import engine


class Probe:
    """Asks the store about itself, under the epoch of the engine's turn."""

    def __init__(self, database: Database, inbox: Inbox, epoch: int = 0) -> None:
        self._database = database
        self._inbox = inbox
        self.epoch = epoch

    async def write(self) -> None:
        """Commits a change that changes nothing.

        Raises:
            StoreUnavailable: the store takes no writes.
            Lost: another process has taken the engine's turn.
        """
        async with self._database.write() as connection:
            await hold(connection, self.epoch)

    async def takes_writes(self) -> None:
        """Commits nothing, as whoever writes would: quick, and whoever has the turn is not kept waiting.

        Raises:
            StoreUnavailable: the store takes no writes.
        """
        async with self._database.write() as connection:
            await connection.execute(sa.update(engine).where(engine.c.id == 0).values(epoch=0))  # there is none

    async def waiting_since(self) -> datetime | None:
        """When the oldest body that is not processed was received; None if there is none.

        Raises:
            StoreUnavailable: the store cannot be read.
        """
        return await self._inbox.waiting_since()
