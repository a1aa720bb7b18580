"""The inbox as a file of its own, beside an embedded store (docs/adr/0010): its commits and the engine's never wait for
one another.

It is a SQLite database that one thread uses by one connection, with plain `sqlite3`: a commit is one call in that
thread, where SQLAlchemy's asyncio would be ten.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.engine.notification import Body
from receiver.engine.origin import Origin
from receiver.store import spool
from receiver.store.schema import EPOCH, MICROSECOND
from receiver.store.spool import Counted, of_one_batch
from tocsin.errors import StoreUnavailable, TocsinError

FILE_NAME = "inbox.db"
DROPPED_AT_ONCE = 500  # processed bodies that one commit takes out: senders wait for it
STATEMENT_ROWS = (64, 16, 4, 1)  # a few sizes: sqlite3 keeps, with each statement, a copy of what was bound to it last
LARGE_BYTES = 2**18  # so much of a body is not bound to a statement, but written beside it
SETTINGS = (
    "page_size=16384",  # a body of a hundred alerts is 30 KB
    "journal_mode=WAL",
    "synchronous=FULL",  # a commit that returned survives a power cut
    "wal_autocheckpoint=2000",
)
TABLE = """CREATE TABLE IF NOT EXISTS inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, received_at INTEGER NOT NULL,
    alerts INTEGER NOT NULL, content BLOB NOT NULL, origin TEXT)"""

T = TypeVar("T")


class InboxFile:
    """Bodies in a SQLite file that belongs to this process alone."""

    def __init__(self, connection: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self._connection = connection
        self._thread = thread
        self._last = 0

    @classmethod
    async def open(cls, folder: Path, busy_timeout_seconds: float) -> InboxFile:
        """Opens the inbox in a folder that is locked for us, or makes it.

        Raises:
            TocsinError: it cannot be used.
        """
        file = folder / FILE_NAME
        thread = ThreadPoolExecutor(1, thread_name_prefix="inbox")
        try:
            connection = await asyncio.get_running_loop().run_in_executor(thread, _connect, file, busy_timeout_seconds)
        except sqlite3.Error as error:
            thread.shutdown()
            raise TocsinError(f"{file}: cannot be opened as Tocsin's inbox: {error}") from error
        return cls(connection, thread)

    async def close(self) -> None:
        await self._run(self._connection.close)
        self._thread.shutdown()

    async def start(self, done: int, behind: int) -> int:
        """Forgets bodies up to a position that the engine has committed; returns the last position that holds one.

        New positions begin behind `behind`, even if this file is a new one: what the engine skips must not be new.
        """
        given, last = await self._run(lambda: self._start(done))
        self._last = max(self._last, behind, given)
        return max(last, done)

    def _start(self, done: int) -> tuple[int, int]:
        with _transaction(self._connection):
            self._connection.execute("DELETE FROM inbox WHERE id <= ?", (done,))
            given = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'inbox'").fetchone()
            last = self._connection.execute("SELECT max(id) FROM inbox").fetchone()
        return given[0] if given else 0, last[0] or 0

    def next_position(self) -> int:
        """A position that no other body will have."""
        self._last += 1
        return self._last

    async def append(self, bodies: Sequence[Counted], done: int) -> list[Counted]:
        placed = [Counted(replace(body, position=self.next_position()), alerts) for body, alerts in bodies]
        await self._run(lambda: self._append(placed, done))
        return placed

    def _append(self, placed: Sequence[Counted], done: int) -> None:
        with _transaction(self._connection):
            self._connection.execute(
                "DELETE FROM inbox WHERE id <= min(?, (SELECT min(id) FROM inbox) + ?)", (done, DROPPED_AT_ONCE)
            )
            small = [one for one in placed if len(one.body.content) < LARGE_BYTES]
            start = 0
            for size in STATEMENT_ROWS:
                while len(small) - start >= size:
                    self._insert(small[start : start + size])
                    start += size
            for one in placed:
                if len(one.body.content) >= LARGE_BYTES:
                    self._insert_large(one)

    def _insert(self, placed: Sequence[Counted]) -> None:
        """One statement: SQLite works on all rows while other threads run Python."""
        rows = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(placed))
        values = [value for one in placed for value in _row(one, one.body.content)]
        self._connection.execute(f"INSERT INTO inbox VALUES {rows}", values)  # noqa: S608  only placeholders

    def _insert_large(self, one: Counted) -> None:
        room = _row(one, len(one.body.content))
        self._connection.execute("INSERT INTO inbox VALUES (?, ?, ?, ?, zeroblob(?), ?)", room)
        with self._connection.blobopen("inbox", "content", one.body.position) as blob:
            blob.write(one.body.content)

    async def read(self, after: int) -> list[Counted]:
        return await self._run(lambda: self._read(after))

    def _read(self, after: int) -> list[Counted]:
        found = self._connection.execute(
            "SELECT length(content), alerts, id FROM inbox WHERE id > ? ORDER BY id LIMIT ?",
            (after, spool.MAX_BATCH_BODIES),
        ).fetchall()
        if not found:
            return []
        last = found[of_one_batch([(size, alerts) for size, alerts, _ in found]) - 1][2]
        rows = self._connection.execute(
            "SELECT id, source, received_at, alerts, content, origin FROM inbox WHERE id > ? AND id <= ? ORDER BY id",
            (after, last),
        )
        return [
            Counted(Body(source, _time(received_at), content, position, Origin.parse(origin)), alerts)
            for position, source, received_at, alerts, content, origin in rows
        ]

    async def waiting(self, after: int) -> tuple[int, datetime | None]:
        return await self._run(lambda: self._waiting(after))

    def _waiting(self, after: int) -> tuple[int, datetime | None]:
        (count,) = self._connection.execute("SELECT count(*) FROM inbox WHERE id > ?", (after,)).fetchone()
        first = self._connection.execute(
            "SELECT received_at FROM inbox WHERE id > ? ORDER BY id LIMIT 1", (after,)
        ).fetchone()
        return count, _time(first[0]) if first else None

    async def taken(self, connection: AsyncConnection, bodies: Sequence[Body]) -> None:
        """Nothing: the position in the engine's transaction says it, and a later `append` drops the bodies."""

    def position_after(self, bodies: Sequence[Body]) -> int | None:
        return bodies[-1].position

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the inbox cannot commit: {error}") from error


def _row(one: Counted, content: object) -> tuple[object, ...]:
    body, alerts = one
    received_at = (body.received_at - EPOCH) // MICROSECOND
    return body.position, body.source, received_at, alerts, content, str(body.origin) or None


class _transaction:  # noqa: N801  reads as the statement that it is
    """Commits at the end of a block, durably, or leaves nothing behind."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def _connect(file: Path, busy_timeout_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        file, timeout=busy_timeout_seconds, isolation_level=None, check_same_thread=False, cached_statements=32
    )
    try:
        for setting in SETTINGS:
            connection.execute(f"PRAGMA {setting}")
        connection.execute(TABLE)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _time(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)


def look_over(folder: Path, done: int) -> tuple[int, str]:
    """How many bodies wait behind a position, and what is wrong with the file; the receiver may run meanwhile."""
    file = folder / FILE_NAME
    if not file.is_file():
        return 0, ""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode=ro", uri=True)) as connection:
            (waiting,) = connection.execute("SELECT count(*) FROM inbox WHERE id > ?", (done,)).fetchone()
            damage = "; ".join(str(row[0]) for row in connection.execute("PRAGMA integrity_check(5)"))
    except sqlite3.Error as error:
        return 0, str(error)
    return waiting, "" if damage == "ok" else damage
