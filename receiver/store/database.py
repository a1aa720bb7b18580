"""The database: one engine, short transactions, and the difference between "not now" and "decide again"."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from tocsin.errors import StoreUnavailable, TocsinError

FILE_NAME = "tocsin.db"
WRITES = "tocsin_writes"


class Conflict(Exception):
    """Somebody else changed the same incident in between: load it again and decide again."""


class Lost(Exception):
    """The job, or the engine's turn, has gone to somebody else: what was done for it counts no more."""


class Database:
    """The store's connections. Writers stand in a line here: SQLite has room for one."""

    def __init__(self, engine: AsyncEngine, lock_file: int) -> None:
        self._engine = engine
        self._lock_file = lock_file
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, folder: Path, *, busy_timeout_seconds: float = 5.0) -> Database:
        """Opens the store in a folder, makes it if need be and brings its tables up to date.

        Raises:
            TocsinError: the folder cannot be used, or another receiver uses it.
        """
        lock_file = _lock(folder)
        file = folder / FILE_NAME
        engine = create_async_engine(f"sqlite+aiosqlite:///{file}", connect_args={"timeout": busy_timeout_seconds})
        sa.event.listen(engine.sync_engine, "connect", _configure)
        sa.event.listen(engine.sync_engine, "begin", _begin)
        database = cls(engine, lock_file)
        try:
            await database._migrate()
        except (DBAPIError, StoreUnavailable) as error:
            await database.close()
            raise TocsinError(f"{file}: cannot be opened as Tocsin's store: {_cause(error)}") from error
        return database

    async def _migrate(self) -> None:
        from receiver.store.migrations import upgrade

        async with self.write() as connection:
            await connection.run_sync(upgrade)

    async def close(self) -> None:
        await self._engine.dispose()
        os.close(self._lock_file)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading, on one consistent state.

        Raises:
            StoreUnavailable: the store cannot answer just now.
        """
        try:
            async with self._engine.connect() as connection:
                yield connection
        except (DBAPIError, PoolTimeout) as error:
            raise StoreUnavailable(f"the store cannot be read: {_cause(error)}") from error

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that commits at the end of the block, durably, or leaves nothing behind.

        Raises:
            StoreUnavailable: the store cannot commit just now.
            Conflict: what was decided rests on a state that has changed since.
        """
        try:
            async with self._turn, self._engine.connect() as connection:
                await connection.execution_options(**{WRITES: True})
                async with connection.begin():
                    yield connection
        except IntegrityError as error:
            raise Conflict(_cause(error)) from error
        except (DBAPIError, PoolTimeout) as error:
            raise StoreUnavailable(f"the store cannot commit: {_cause(error)}") from error


def _configure(connection: Any, _record: object) -> None:
    """WAL and FULL: a commit that returned survives a power cut."""
    connection.isolation_level = None  # transactions begin where `_begin` says, not where sqlite3 guesses
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    """A writer takes its lock at once: waiting for it later could not succeed, only deadlock."""
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _cause(error: Exception) -> str:
    return str(error.orig if isinstance(error, DBAPIError) else error)


def _lock(folder: Path) -> int:
    """Takes the folder for this process alone; the lock goes with the process, however it ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock_file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise TocsinError(
            f"--storage.path {folder}: cannot be written: {error.strerror}; "
            "choose a folder that the receiver's user may write to"
        ) from error
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock_file)
        raise TocsinError(
            f"--storage.path {folder}: another receiver is using it; stop that one or choose another folder"
        ) from error
    return lock_file
