"""Secrets that Tocsin makes for itself: beside an embedded store in files that only their owner reads, else in it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import sqlalchemy as sa

from receiver.store.database import Database
from receiver.store.dialect import insert
from receiver.store.schema import keys
from tocsin.errors import TocsinError

KEY_BYTES = 32


async def key(database: Database, name: str) -> bytes:
    """A key of this name, made where there is none; every replica on one store has the same.

    Raises:
        StoreUnavailable: the store cannot be asked just now.
        TocsinError: the file cannot be used.
    """
    if database.folder is not None:
        return _in_file(database.folder / f"{name}.key")
    async with database.write() as connection:
        made = {"name": name, "secret": secrets.token_bytes(KEY_BYTES)}
        await connection.execute(insert(connection, keys).values(made).on_conflict_do_nothing())
        query = sa.select(keys.c.secret).where(keys.c.name == name)
        return bytes((await connection.execute(query)).scalar_one())


def _in_file(file: Path) -> bytes:
    try:
        if not file.exists():
            _make(file)
        found = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise TocsinError(f"{file}: the key cannot be read: {error}; remove it, and a new one is made") from error
    if len(found) != KEY_BYTES:
        raise TocsinError(f"{file}: holds no key of {KEY_BYTES} bytes; remove it, and a new one is made")
    return found


def _make(file: Path) -> None:
    """Whole or not at all: a key of which a part was written would be refused for ever."""
    draft = file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(secrets.token_hex(KEY_BYTES) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)
