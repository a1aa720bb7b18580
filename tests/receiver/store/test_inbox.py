"""The inbox: what was committed comes out once, in the order of the commits."""

from __future__ import annotations

import asyncio

import sqlalchemy as sa

from receiver.engine.notification import Body
from receiver.store.database import Database
from receiver.store.dialect import take_positions_in_order
from receiver.store.inbox import Inbox
from receiver.store.schema import inbox
from tests.receiver.bodies import START


def _row(content: bytes) -> dict[str, object]:
    return {"source": "alertmanager", "received_at": START, "alerts": 1, "content": content}


async def test_order(store: Database) -> None:
    """Bodies come out as they were put in, and are counted."""
    box = Inbox(store, limit=10)
    commits = asyncio.create_task(box.run())
    for number in range(3):
        await box.put(Body("alertmanager", START, b"%d" % number), 1)
    commits.cancel()
    assert [body.content for body, _ in await box.oldest(10)] == [b"0", b"1", b"2"]
    again = Inbox(store, limit=10)
    await again.count()
    assert again.depth == 3


async def test_no_position_becomes_visible_late(replicas: tuple[Database, Database]) -> None:
    """Whoever sees a body sees all that have a lower position: a slow commit on one replica holds the others' back."""
    slow, quick = replicas
    put_in = asyncio.Event()

    async def second() -> None:
        await put_in.wait()
        async with quick.write() as connection:
            await take_positions_in_order(connection)
            await connection.execute(sa.insert(inbox), [_row(b"second")])

    task = asyncio.create_task(second())
    async with slow.write() as connection:
        await take_positions_in_order(connection)
        await connection.execute(sa.insert(inbox), [_row(b"first")])
        put_in.set()
        await asyncio.wait([task], timeout=0.3)
        assert await Inbox(quick, limit=10).oldest(10) == []
    await task
    assert [body.content for body, _ in await Inbox(quick, limit=10).oldest(10)] == [b"first", b"second"]
