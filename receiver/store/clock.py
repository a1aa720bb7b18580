"""One time for all replicas: the database's."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from receiver.store.database import Database
from receiver.store.dialect import now
from tocsin.clock import Clock
from tocsin.errors import StoreUnavailable

log = structlog.get_logger("receiver.store")

EVERY_SECONDS = 30.0
WORTH_TELLING = timedelta(seconds=1)


class DatabaseClock:
    """Tells the database's time by the machine's clock and their difference, which is measured now and then.

    A timer that one replica sets is due at the same moment for every other, however wrong their machines' clocks are.
    """

    def __init__(self, database: Database, machine: Clock) -> None:
        self._database = database
        self._machine = machine
        self._ahead = timedelta()  # the database of the machine

    def now(self) -> datetime:
        return self._machine.now() + self._ahead

    async def set(self) -> None:
        """Measures the difference, give or take half the time that asking takes. SQLite's clock is the machine's.

        Raises:
            StoreUnavailable: it stays as it was.
        """
        if not self._database.shared:
            return
        async with self._database.read() as connection:
            before = self._machine.now()
            theirs: datetime = (await connection.execute(sa.select(now()))).scalar_one()
            after = self._machine.now()
        if after - before > WORTH_TELLING:
            return  # too slow to tell anything: a busy or paused machine; the next time will do
        ahead = theirs - (before + (after - before) / 2)
        if abs(ahead - self._ahead) > WORTH_TELLING:
            log.warning(
                "this machine's clock and the database's differ; the database's counts",
                database_ahead_seconds=round(ahead.total_seconds(), 3),
            )
        self._ahead = ahead

    async def run(self) -> None:
        """Measures again and again, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                await self.set()
            except StoreUnavailable as error:
                log.info("the database's clock cannot be asked", reason=str(error))
