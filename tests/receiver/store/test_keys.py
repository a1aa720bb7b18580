"""Secrets that Tocsin makes for itself, on either store."""

from __future__ import annotations

import asyncio

from receiver.store.database import Database
from receiver.store.keys import KEY_BYTES, key


async def test_a_key_is_made_once(store: Database) -> None:
    """A key is made where there is none, and found ever after; each name has its own."""
    made = await key(store, "answer")
    assert len(made) == KEY_BYTES
    assert await key(store, "answer") == made
    assert await key(store, "other") != made


async def test_replicas_have_one_key(replicas: tuple[Database, Database]) -> None:
    """Replicas that start at once agree on one key."""
    found = await asyncio.gather(*(key(database, "answer") for database in replicas * 5))
    assert len(set(found)) == 1
