"""The engine's lease: one process at a time has the turn, and its epoch fences whatever it writes.

With SQLite the folder's lock has proven that nobody else lives: the turn is taken at once and lasts. On PostgreSQL it
lasts until `expires_at` by the database's clock, unless the holder renews it. The epoch grows with every change of
hands, so that what a process decided in an earlier turn, its own included, cannot be committed (`hold`).
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.store.database import Database, Lost
from receiver.store.dialect import insert, now
from receiver.store.schema import MICROSECOND, engine

LASTS = timedelta(seconds=5)


class Lease:
    """Takes, renews and gives back the engine's turn, for one process."""

    def __init__(self, database: Database, holder: str, lasts: timedelta = LASTS) -> None:
        """`holder` is for people: which process has it."""
        self._database = database
        self._holder = holder
        self._lasts = lasts
        self.epoch = 0  # of our turn; 0 while it is not ours

    async def take(self) -> bool:
        """Begins a new epoch if the turn is free or has lapsed; whether it is ours now."""
        lapsed = engine.c.expires_at.is_(None) | (engine.c.expires_at <= now())
        async with self._database.write() as connection:
            taken = {"epoch": engine.c.epoch + 1, "holder": self._holder, "expires_at": self._end()}
            statement = (
                insert(connection, engine)
                .values(id=1, epoch=1, position=0, holder=self._holder, expires_at=self._end())
                .on_conflict_do_update(
                    index_elements=["id"], set_=taken, where=lapsed if self._database.shared else None
                )
            )
            epoch = (await connection.execute(statement.returning(engine.c.epoch))).scalar()
        self.epoch = epoch or 0
        return epoch is not None

    async def renew(self) -> None:
        """Keeps the turn.

        Raises:
            Lost: somebody else has it.
        """
        async with self._database.write() as connection:
            kept = await connection.execute(_ours(self.epoch).values(expires_at=self._end()))
        if kept.rowcount != 1:
            self.epoch = 0
            raise Lost("another process has taken the engine's turn")

    async def give_back(self) -> None:
        """Lets another process take the turn at once; nothing, if it is not ours."""
        if not self.epoch:
            return
        async with self._database.write() as connection:
            await connection.execute(_ours(self.epoch).values(expires_at=now()))
        self.epoch = 0

    def _end(self) -> sa.ColumnElement[int]:
        return sa.type_coerce(now(), sa.BigInteger) + sa.literal(self._lasts // MICROSECOND, sa.BigInteger)


async def hold(connection: AsyncConnection, epoch: int, position: int | None = None) -> None:
    """Fences a transaction: until it ends nobody takes the turn; `position` is how far the engine has come by it.

    Raises:
        Lost: the turn has gone to another process.
    """
    held = _ours(epoch).values(position=engine.c.position if position is None else position)
    if (await connection.execute(held)).rowcount != 1:
        raise Lost("another process has taken the engine's turn")


def _ours(epoch: int) -> sa.Update:
    return sa.update(engine).where(engine.c.id == 1, engine.c.epoch == epoch)
