"""The database: one engine, short transactions, and the difference between "not now" and "decide again"."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, nullcontext
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from receiver.store import postgres, sqlite
from receiver.store.dialect import is_about_data, is_worth_another_decision
from tocsin.errors import StoreUnavailable, TocsinError

# What a driver raises for a moment that passes. OSError: asyncpg, when nobody answers at all.
_NOT_NOW = (DBAPIError, PoolTimeout, TimeoutError, OSError)


class Conflict(Exception):
    """Somebody else changed the same incident in between: load it again and decide again."""


class Lost(Exception):
    """The job, or the engine's turn, has gone to somebody else: what was done for it counts no more."""


class Database:
    """The store's connections. With SQLite, which has room for one, writers stand in a line here."""

    def __init__(
        self, engine: AsyncEngine, writer: AsyncEngine, *, where: str, folder: Path | None, close: Callable[[], None]
    ) -> None:
        """`where`: for people, without a secret; `folder`: SQLite's, which is ours alone; None: others share the store.

        `writer` may be `engine`.
        """
        self.shared = folder is None
        self._engine = engine
        self._reader = engine.execution_options(**postgres.READING) if self.shared else engine
        self._writer = writer
        self._turn: AbstractAsyncContextManager[object] = nullcontext() if self.shared else asyncio.Lock()
        self._closing = ExitStack()
        self._closing.callback(close)
        self.where = where
        self.folder = folder

    @classmethod
    async def open(cls, folder: Path, *, busy_timeout_seconds: float = sqlite.BUSY_SECONDS) -> Database:
        """Opens SQLite in a folder, makes it if need be and brings its tables up to date.

        Raises:
            TocsinError: the folder cannot be used, or another receiver uses it.
        """
        unlock = sqlite.lock(folder)
        file = folder / sqlite.FILE_NAME
        reader, writer = sqlite.readers(file, busy_timeout_seconds), sqlite.writer(file, busy_timeout_seconds)
        database = cls(reader, writer, where=str(file), folder=folder, close=unlock)
        return await database._migrated(f"{file}: cannot be opened as Tocsin's store")

    @classmethod
    async def beside(cls, folder: Path) -> Database:
        """Opens SQLite for a short write while a receiver may hold the folder; makes the store where there is none.

        Raises:
            TocsinError: it cannot be used, or a receiver of another release holds it.
        """
        file = folder / sqlite.FILE_NAME
        if not sqlite.is_of_this_release(file):
            return await cls.open(folder)
        engine = sqlite.readers(file, sqlite.BUSY_SECONDS)
        return cls(engine, engine, where=str(file), folder=folder, close=lambda: None)

    @classmethod
    async def connect(cls, url: str) -> Database:
        """Connects to PostgreSQL and brings the tables up to date.

        Raises:
            TocsinError: it cannot be reached or used.
            MissingExtra: the driver is not installed.
        """
        engine, where = postgres.connect(url), postgres.shown(url)
        database = cls(engine, engine, where=where, folder=None, close=lambda: None)
        return await database._migrated(f"{where}: cannot be used as Tocsin's store")

    @property
    def dialect(self) -> sa.Dialect:
        return self._engine.dialect

    async def _migrated(self, or_else: str) -> Database:
        from receiver.store.migrations import upgrade

        try:
            async with self.write() as connection:
                await connection.run_sync(upgrade)
        except (DBAPIError, StoreUnavailable, Conflict) as error:
            await self.close()
            raise TocsinError(f"{or_else}: {_cause(error.__cause__ or error)}") from error
        except BaseException:
            await self.close()
            raise
        return self

    async def close(self) -> None:
        await self._engine.dispose()
        await self._writer.dispose()
        self._closing.close()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading, on one consistent state.

        Raises:
            StoreUnavailable: the store cannot answer just now.
        """
        try:
            async with self._reader.connect() as connection:
                yield connection
        except DBAPIError as error:
            if is_about_data(error):
                raise
            raise StoreUnavailable(f"the store cannot be read: {_cause(error)}") from error
        except _NOT_NOW as error:
            raise StoreUnavailable(f"the store cannot be read: {_cause(error)}") from error

    def read_to_write(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Like `read`, for who writes next: SQLite's writer has the pages at hand that it will change."""
        return self.read() if self.shared else self.write()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that commits at the end of the block, durably, or leaves nothing behind.

        Raises:
            StoreUnavailable: the store cannot commit just now.
            Conflict: what was decided rests on a state that has changed since.
        """
        try:
            async with self._turn, self._writer.connect() as connection:
                await connection.execution_options(**{sqlite.WRITES: True})
                async with connection.begin():
                    yield connection
        except IntegrityError as error:
            raise Conflict(_cause(error)) from error
        except DBAPIError as error:
            if is_about_data(error):
                raise  # it would be refused for ever: whoever wrote it must know
            if is_worth_another_decision(error):
                raise Conflict(_cause(error)) from error
            raise StoreUnavailable(f"the store cannot commit: {_cause(error)}") from error
        except _NOT_NOW as error:
            raise StoreUnavailable(f"the store cannot commit: {_cause(error)}") from error


def _cause(error: BaseException) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return " ".join(str(cause).split()) or type(cause).__name__
