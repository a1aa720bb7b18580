"""Whether the store takes writes, and how far the engine is: what the watchers of ourselves ask."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from receiver.store.database import Database
from receiver.store.lease import hold
from receiver.store.schema import inbox


class Probe:
    """Asks the store about itself, under the epoch of the engine's turn."""

    def __init__(self, database: Database, epoch: int = 0) -> None:
        self._database = database
        self.epoch = epoch

    async def write(self) -> None:
        """Commits a change that changes nothing.

        Raises:
            StoreUnavailable: the store takes no writes.
            Lost: another process has taken the engine's turn.
        """
        async with self._database.write() as connection:
            await hold(connection, self.epoch)

    async def waiting_since(self) -> datetime | None:
        """When the oldest body that is not processed was received; None if there is none.

        Raises:
            StoreUnavailable: the store cannot be read.
        """
        oldest = sa.select(inbox.c.received_at).order_by(inbox.c.id).limit(1)
        async with self._database.read() as connection:
            found: datetime | None = (await connection.execute(oldest)).scalar_one_or_none()
        return found
