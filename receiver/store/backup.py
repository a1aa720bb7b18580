"""Copies of SQLite's store: taken while the receiver runs, put back into an empty folder."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from receiver.store import sqlite
from tocsin.errors import TocsinError


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
    with _draft(out) as draft, closing(_reader(source)) as connection:
        try:
            connection.execute("VACUUM INTO ?", (str(draft),))  # one read transaction: writers need not wait for it
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
