"""Whether the store takes writes, and how far the engine is: what the watchers of ourselves ask."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from receiver.store.database import Database, Lost
from receiver.store.schema import engine, inbox


class Probe:
    """Asks the store about itself, under the epoch of this process."""

    def __init__(self, database: Database, epoch: int) -> None:
        self._database = database
        self._epoch = epoch

    async def write(self) -> None:
        """Commits a change that changes nothing.

        Raises:
            StoreUnavailable: the store takes no writes.
            Lost: another process has taken the engine's turn.
        """
        same = sa.update(engine).where(engine.c.epoch == self._epoch).values(epoch=self._epoch)
        async with self._database.write() as connection:
            if (await connection.execute(same)).rowcount != 1:
                raise Lost("another process has taken the engine's turn")

    async def waiting_since(self) -> datetime | None:
        """When the oldest body that is not processed was received; None if there is none.

        Raises:
            StoreUnavailable: the store cannot be read.
        """
        oldest = sa.select(inbox.c.received_at).order_by(inbox.c.id).limit(1)
        async with self._database.read() as connection:
            found: datetime | None = (await connection.execute(oldest)).scalar_one_or_none()
        return found
