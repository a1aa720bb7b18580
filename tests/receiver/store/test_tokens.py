"""Tokens in the store, on both databases, and beside a receiver that holds it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from receiver.store.database import Database
from receiver.store.settings import DatabaseSettings
from receiver.store.tokens import KEPT, Tokens, tokens_beside
from tests.receiver.access.people import minted
from tests.receiver.bodies import START
from tocsin.errors import TocsinError


async def test_round_trip(store: Database) -> None:
    """What is kept comes back as it was, tokens of every tenant and of some."""
    kept = Tokens(store)
    wide, _ = minted("alice", "incidents:read", "rules:read", note="böth 'quoted'")
    narrow, _ = minted("anna", "incidents:read", tenants=frozenset({"acme"}))
    for token in (wide, narrow):
        await kept.add(token)
    assert await kept.one(wide.id) == wide
    assert await kept.one(narrow.id) == narrow
    assert await kept.one("aaaaaaaaaaaa") is None
    assert await kept.all("anna") == [narrow]
    assert {token.id for token in await kept.all()} == {wide.id, narrow.id}


async def test_revoked_once(store: Database) -> None:
    """The first to revoke a token is the one who did it."""
    kept = Tokens(store)
    token, _ = minted("alice", "incidents:read")
    await kept.add(token)
    assert await kept.revoke(token.id, "root", START)
    assert not await kept.revoke(token.id, "mallory", START + timedelta(hours=1))
    assert await kept.one(token.id) == replace(token, revoked_at=START, revoked_by="root")
    assert not await kept.revoke("aaaaaaaaaaaa", "root", START)


async def test_long_expired_ones_go(store: Database) -> None:
    """Expired tokens are listed for a while, and then forgotten: the table does not grow without end."""
    kept = Tokens(store)
    old, _ = minted("alice", "incidents:read", life=timedelta(hours=1))
    await kept.add(old)
    for after, there in ((KEPT, True), (KEPT + timedelta(hours=2), False)):
        new, _ = minted("alice", "incidents:read")
        await kept.add(replace(new, created_at=START + after))
        assert (await kept.one(old.id) is not None) is there


async def test_beside_a_receiver(tmp_path: Path) -> None:
    """A token is kept and found while a receiver holds the store, which it sees at once."""
    held = await Database.open(tmp_path)
    try:
        token, _ = minted("alice", "incidents:read")
        async with tokens_beside(DatabaseSettings(), tmp_path) as beside:
            await beside.add(token)
            async with held.write():
                assert await beside.all() == [token]
        assert await Tokens(held).one(token.id) == token
        with pytest.raises(TocsinError, match="another receiver is using it"):
            await Database.open(tmp_path)
    finally:
        await held.close()


async def test_before_there_is_a_receiver(tmp_path: Path) -> None:
    """The first token makes the store, and leaves it free for the receiver."""
    token, _ = minted("alice", "incidents:read")
    async with tokens_beside(DatabaseSettings(), tmp_path / "new") as beside:
        await beside.add(token)
    opened = await Database.open(tmp_path / "new")
    assert await Tokens(opened).all() == [token]
    await opened.close()


async def test_on_postgresql(postgres_url: str, tmp_path: Path) -> None:
    """With PostgreSQL the configuration's URL says where tokens are."""
    token, _ = minted("alice", "incidents:read")
    for _ in range(2):
        async with tokens_beside(DatabaseSettings(url=postgres_url), tmp_path / "unused") as beside:
            if not await beside.all():
                await beside.add(token)
            assert await beside.all() == [token]
    assert not (tmp_path / "unused").exists()


async def test_a_file_that_is_no_store(tmp_path: Path) -> None:
    """What is none of our stores is refused by name and left as it is."""
    (tmp_path / "tocsin.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(TocsinError, match=r"tocsin\.db: cannot be opened"):
        async with tokens_beside(DatabaseSettings(), tmp_path):
            pass
    assert (tmp_path / "tocsin.db").read_bytes() == b"this is no database" * 100
