"""Copies of SQLite's store: taken while the receiver runs, put back into an empty folder."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from receiver.store import inbox_file, sqlite
from tocsin.errors import TocsinError

COLUMNS = "id, source, received_at, alerts, content, origin"


def backup(folder: Path, out: Path) -> None:
    """Writes a copy of the store as it is at this moment; the receiver may go on. The file appears whole or not at all.

    Raises:
        TocsinError: there is no store, or the copy cannot be written.
    """
    source = folder / sqlite.FILE_NAME
    if not source.is_file():
        raise TocsinError(f"--storage.path {folder}: holds no {sqlite.FILE_NAME} to back up")
    if out.exists():
        raise TocsinError(f"{out}: exists already; a backup never replaces anything, choose another name")
    with _draft(out) as draft, _waiting(folder) as bodies, closing(_reader(source)) as connection:
        try:
            connection.execute("VACUUM INTO ?", (str(draft),))  # one read transaction: writers need not wait for it
            _put_into(draft, bodies)
        except sqlite3.Error as error:
            raise TocsinError(f"{source}: cannot be copied to {out}: {error}") from error


def restore(file: Path, folder: Path) -> None:
    """Puts a copy into a folder that holds nothing yet.

    Raises:
        TocsinError: the folder is in use or not empty, or the copy cannot be written there.
    """
    unlock = sqlite.lock(folder)
    try:
        there = sorted(entry.name for entry in folder.iterdir() if entry.name != sqlite.LOCK_NAME)
        if there:
            raise TocsinError(
                f"--storage.path {folder}: is not empty (it holds {there[0]}); "
                "restore into a new folder, or move away what is there"
            )
        with _draft(folder / sqlite.FILE_NAME) as draft:
            shutil.copyfile(file, draft)
    finally:
        unlock()


@contextmanager
def _waiting(folder: Path) -> Iterator[sqlite3.Connection | None]:
    """The inbox's file as it is now, before the store is copied: what is processed and dropped meanwhile stays here."""
    if not (folder / inbox_file.FILE_NAME).is_file():
        yield None
        return
    with closing(_reader(folder / inbox_file.FILE_NAME)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM inbox").fetchone()
        yield connection


def _put_into(draft: Path, bodies: sqlite3.Connection | None) -> None:
    """Adds the bodies that the copied engine has not processed; a restored receiver takes them from its table."""
    if bodies is None:
        return
    with closing(sqlite3.connect(draft)) as copy, copy:
        (position,) = copy.execute("SELECT coalesce(max(position), 0) FROM engine").fetchone()
        waiting = bodies.execute(f"SELECT {COLUMNS} FROM inbox WHERE id > ? ORDER BY id", (position,))  # noqa: S608
        copy.executemany(f"INSERT INTO inbox ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", waiting)  # noqa: S608


@contextmanager
def _draft(file: Path) -> Iterator[Path]:
    """A file beside the wanted one, which takes its name when it is whole and safe on the disk."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        yield draft
        _sync(draft)
        draft.rename(file)
        _sync(file.parent)
    except OSError as error:
        raise TocsinError(f"{file}: cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reader(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode=ro", uri=True, isolation_level=None)
