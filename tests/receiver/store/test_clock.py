"""The database's clock, which all replicas go by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from receiver.store.clock import DatabaseClock
from receiver.store.database import Database
from receiver.store.dialect import now
from tests.receiver.bodies import START
from tocsin.clock import ManualClock


async def test_machine_that_is_wrong(replicas: tuple[Database, Database]) -> None:
    """However wrong a machine's clock is, it tells the database's time, and goes on by itself."""
    machine = ManualClock(START - timedelta(days=400))
    clock = DatabaseClock(replicas[0], machine)
    await clock.set()
    told = clock.now()
    async with replicas[1].read() as connection:
        theirs: datetime = (await connection.execute(sa.select(now()))).scalar_one()
    assert timedelta() <= theirs - told < timedelta(minutes=1)
    machine.advance(seconds=7)
    assert clock.now() - told == timedelta(seconds=7)


async def test_now(store: Database) -> None:
    """Both databases tell the present, aware and in UTC."""
    async with store.read() as connection:
        theirs: datetime = (await connection.execute(sa.select(now()))).scalar_one()
    assert abs(theirs - datetime.now(UTC)) < timedelta(minutes=1)
