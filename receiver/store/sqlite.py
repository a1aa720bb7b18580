"""SQLite: the store of one receiver, in a folder that it holds alone."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tocsin.errors import TocsinError

FILE_NAME = "tocsin.db"
LOCK_NAME = "lock"
WRITES = "tocsin_writes"


def connect(file: Path, busy_timeout_seconds: float) -> AsyncEngine:
    """An engine over a file; it is made when the first connection is."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{file}", connect_args={"timeout": busy_timeout_seconds})
    sa.event.listen(engine.sync_engine, "connect", _configure)
    sa.event.listen(engine.sync_engine, "begin", _begin)
    return engine


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
