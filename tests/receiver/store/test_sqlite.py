"""SQLite's connections keep nothing of what was large."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.store.database import Database
from receiver.store.schema import inbox
from receiver.store.sqlite import BULKY_BYTES
from tests.receiver.bodies import START


@pytest.mark.parametrize(("size", "renewed"), [(BULKY_BYTES - 1, False), (BULKY_BYTES, True)])
async def test_a_large_body_is_not_kept_by_its_statement(tmp_path: Path, size: int, *, renewed: bool) -> None:
    """A connection that wrote a large body is replaced by another: its statements keep a copy of what they bound."""
    database = await Database.open(tmp_path)
    try:
        row = {"source": "europe", "received_at": START, "alerts": 1, "content": b" " * size}
        async with database.write() as connection:
            first = await own(connection)
            await connection.execute(sa.insert(inbox), [row])
        async with database.write() as connection:
            assert (await own(connection) is not first) == renewed
    finally:
        await database.close()


async def own(connection: AsyncConnection) -> object:
    """The driver's connection."""
    return (await connection.get_raw_connection()).driver_connection
