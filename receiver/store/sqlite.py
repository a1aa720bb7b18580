"""SQLite: the store of one receiver, in a folder that it holds alone."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tocsin.errors import TocsinError

FILE_NAME = "tocsin.db"
LOCK_NAME = "lock"
WRITES = "tocsin_writes"
BUSY_SECONDS = 5.0  # how long a commit waits for somebody else's lock
BULKY = "tocsin_bulky"
BULKY_BYTES = 2**20
WITH_BODIES = ("INSERT INTO inbox", "INSERT INTO quarantine")


def readers(file: Path, busy_timeout_seconds: float) -> AsyncEngine:
    """An engine over a file; it is made when the first connection is."""
    return _engine(file, busy_timeout_seconds, pool_use_lifo=True)


def writer(file: Path, busy_timeout_seconds: float) -> AsyncEngine:
    """An engine of one connection, whose cache stays valid: nobody else writes."""
    engine = _engine(file, busy_timeout_seconds, pool_size=1, max_overflow=0)
    sa.event.listen(engine.sync_engine, "connect", _configure_writer)
    return engine


def _engine(file: Path, busy_timeout_seconds: float, **pool: int) -> AsyncEngine:
    engine = create_async_engine(f"sqlite+aiosqlite:///{file}", connect_args={"timeout": busy_timeout_seconds}, **pool)
    sa.event.listen(engine.sync_engine, "connect", _configure)
    sa.event.listen(engine.sync_engine, "begin", _begin)
    sa.event.listen(engine.sync_engine, "after_cursor_execute", _note_bulk)
    sa.event.listen(engine.sync_engine, "checkin", _renew)
    return engine


def _configure(connection: Any, _record: object) -> None:
    """WAL and FULL: a commit that returned survives a power cut."""
    connection.isolation_level = None  # transactions begin where `_begin` says, not where sqlite3 guesses
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _configure_writer(connection: Any, _record: object) -> None:
    """Room for the indexes of some hundred thousand open alerts; pages that change often go to the file less often."""
    cursor = connection.cursor()
    for pragma in ("cache_size=-32768", "wal_autocheckpoint=8000"):  # 32 MiB; 32 MiB of pages of 4 KiB
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    """A writer takes its lock at once: waiting for it later could not succeed, only deadlock."""
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _note_bulk(
    connection: sa.Connection, _cursor: object, statement: str, parameters: Any, _context: object, many: bool
) -> None:
    if statement.startswith(WITH_BODIES) and _is_bulky(parameters if many else [parameters]):
        connection.info[BULKY] = True


def _is_bulky(rows: Sequence[Sequence[object]]) -> bool:
    return any(isinstance(value, bytes | memoryview) and len(value) >= BULKY_BYTES for row in rows for value in row)


def _renew(_connection: object, record: sa.pool.ConnectionPoolEntry) -> None:
    """sqlite3 keeps statements for use again, and with each a copy of what was bound last: not of a large body."""
    if record.info.pop(BULKY, False):
        record.invalidate(soft=True)  # closed when it is wanted next, which is soon: the last one in is the first out


def is_of_this_release(file: Path) -> bool:
    """Whether a store is there whose tables are those of this release: then nothing need be made of it first."""
    from receiver.store.migrations import head

    try:
        with closing(sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode=ro", uri=True)) as connection:
            return bool(connection.execute("SELECT 1 FROM alembic_version WHERE version_num = ?", [head()]).fetchone())
    except sqlite3.Error:  # none there, or none of ours: whoever opens it tells
        return False


def lock(folder: Path) -> Callable[[], None]:
    """Takes the folder for this process alone, until the result is called; the lock goes with the process, too.

    Raises:
        TocsinError: the folder cannot be written, or another receiver uses it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock_file = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
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
    return partial(os.close, lock_file)
