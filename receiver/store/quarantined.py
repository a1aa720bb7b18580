"""Bodies in quarantine: listed, looked into, and put back into the inbox once what broke on them is mended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from receiver.engine.counting import count
from receiver.engine.notification import Body
from receiver.engine.origin import Origin
from receiver.store.database import Database
from receiver.store.inbox import Inbox
from receiver.store.schema import quarantine

SHOWN_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A body that could not be understood; `content` is its beginning, empty in lists."""

    id: int
    source: str
    received_at: datetime
    reason: str
    size_bytes: int
    content: bytes = b""


class _Gone(Exception):
    """Somebody else was quicker."""


class Quarantine:
    """The bodies that wait for a person."""

    def __init__(self, database: Database, inbox: Inbox) -> None:
        self._database = database
        self._inbox = inbox

    async def list(self, *, limit: int, before: int | None) -> list[Quarantined]:
        """The newest first, those below an id; their content is left out."""
        query = _select().order_by(quarantine.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(quarantine.c.id < before)
        async with self._database.read() as connection:
            return [_of(row) for row in await connection.execute(query)]

    async def one(self, number: int) -> Quarantined | None:
        """One body, with its beginning."""
        beginning = sa.func.substr(quarantine.c.content, 1, SHOWN_BYTES).label("beginning")
        query = _select().add_columns(beginning).where(quarantine.c.id == number)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else _of(row, row.beginning)

    async def retry(self, number: int) -> bool:
        """Puts a body back into the inbox and takes it out of quarantine, both or neither. False: it is not there."""
        async with self._database.read() as connection:
            row = (await connection.execute(sa.select(quarantine).where(quarantine.c.id == number))).first()
        if row is None:
            return False
        body = Body(row.source, row.received_at, row.content, origin=Origin.parse(row.origin))
        try:
            async with self._inbox.beside(body, alerts=count(row.content)) as connection:
                taken = await connection.execute(sa.delete(quarantine).where(quarantine.c.id == number))
                if taken.rowcount != 1:
                    raise _Gone
        except _Gone:
            return False
        return True


def _select() -> sa.Select[Any]:
    size = sa.func.length(quarantine.c.content).label("size_bytes")
    return sa.select(quarantine.c.id, quarantine.c.source, quarantine.c.received_at, quarantine.c.reason, size)


def _of(row: sa.Row[Any], content: bytes = b"") -> Quarantined:
    return Quarantined(row.id, row.source, row.received_at, row.reason, row.size_bytes, content)
