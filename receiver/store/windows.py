"""Maintenance windows that people add at run time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.engine.held import marker
from receiver.engine.maintenance import MaintenanceSettings, Window
from receiver.engine.occurrence import new_id
from receiver.store.database import Database
from receiver.store.inbox import Inbox
from receiver.store.schema import maintenance

log = structlog.get_logger("receiver.store")


@dataclass(frozen=True, slots=True)
class StoredWindow:
    """A window with who added it, and who ended it before its time."""

    id: str
    settings: MaintenanceSettings
    created_at: datetime
    created_by: str
    ended_at: datetime | None = None
    ended_by: str | None = None


class Windows:
    """Adds, ends and lists windows. Each change puts a marker into the inbox, so that the engine hears in order."""

    def __init__(self, database: Database, inbox: Inbox) -> None:
        self._database = database
        self._inbox = inbox

    async def add(self, settings: MaintenanceSettings, by: str, now: datetime) -> StoredWindow:
        """Keeps a window; it holds for every body that is taken in from now on."""
        window = StoredWindow(new_id("window", settings.model_dump_json(), by, now.isoformat()), settings, now, by)
        row = {
            "id": window.id,
            "created_at": now,
            "created_by": by,
            "settings": settings.model_dump_json(by_alias=True, exclude_none=True).encode(),
        }
        async with self._inbox.beside(marker(now)) as connection:
            await connection.execute(sa.insert(maintenance), [row])
        return window

    async def end(self, window: str, by: str, now: datetime) -> bool:
        """Ends a window now, once; what it holds back is looked at again. False: it had been ended before."""
        mine = (maintenance.c.id == window) & maintenance.c.ended_at.is_(None)
        async with self._inbox.beside(marker(now, by=window)) as connection:
            done = await connection.execute(sa.update(maintenance).where(mine).values(ended_at=now, ended_by=by))
        return done.rowcount == 1

    async def all(self) -> list[StoredWindow]:
        """Every window that was added, the newest first."""
        async with self._database.read() as connection:
            return await _all(connection)


async def stored_windows(connection: AsyncConnection) -> tuple[Window, ...]:
    """The windows that nobody has ended, as the engine wants them."""
    return tuple(one.settings.window(one.id) for one in await _all(connection, maintenance.c.ended_at.is_(None)))


async def _all(connection: AsyncConnection, *where: sa.ColumnElement[bool]) -> list[StoredWindow]:
    query = sa.select(maintenance).where(*where).order_by(maintenance.c.created_at.desc(), maintenance.c.id)
    read = [_window(row) for row in await connection.execute(query)]
    return [window for window in read if window is not None]


def _window(row: sa.Row[Any]) -> StoredWindow | None:
    try:
        settings = MaintenanceSettings.model_validate_json(row.settings)
    except ValidationError as error:  # written by another version; the engine must go on
        log.error("a stored maintenance window cannot be used", id=row.id, reason=str(error))
        return None
    return StoredWindow(row.id, settings, row.created_at, row.created_by, row.ended_at, row.ended_by)
