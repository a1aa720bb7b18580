"""API tokens in the store, and the store as a command on the same machine opens it, beside a running receiver."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from receiver.access.tokens import Token
from receiver.store.database import Conflict, Database
from receiver.store.schema import tokens
from receiver.store.settings import DatabaseSettings

USED_EVERY = timedelta(minutes=1)  # how exactly it is known when a token was last used
KEPT = timedelta(days=90)  # what has expired is still listed for so long


class Tokens:
    """Keeps, finds and revokes tokens. Nothing is held in memory: what is revoked is refused from the next request."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, token: Token) -> None:
        """Keeps a new token, and forgets those that expired long ago."""
        async with self._database.write() as connection:
            await connection.execute(sa.delete(tokens).where(tokens.c.expires_at < token.created_at - KEPT))
            await connection.execute(sa.insert(tokens), [_row(token)])

    async def one(self, name: str) -> Token | None:
        """The token of an id."""
        async with self._database.read() as connection:
            row = (await connection.execute(sa.select(tokens).where(tokens.c.id == name))).first()
        return None if row is None else _token(row)

    async def all(self, user: str | None = None) -> list[Token]:
        """Every token, or a user's, the newest first."""
        query = sa.select(tokens).order_by(tokens.c.created_at.desc(), tokens.c.id)
        if user is not None:
            query = query.where(tokens.c.user == user)
        async with self._database.read() as connection:
            return [_token(row) for row in await connection.execute(query)]

    async def revoke(self, name: str, by: str, now: datetime) -> bool:
        """Revokes a token for good; False: it had been revoked before."""
        mine = (tokens.c.id == name) & tokens.c.revoked_at.is_(None)
        async with self._database.write() as connection:
            done = await connection.execute(sa.update(tokens).where(mine).values(revoked_at=now, revoked_by=by))
        return done.rowcount == 1

    async def used(self, token: Token, now: datetime) -> None:
        """Notes that a token was used, at most once a minute."""
        if token.used_at is not None and now - token.used_at < USED_EVERY:
            return
        with suppress(Conflict):  # another replica notes the same
            async with self._database.write() as connection:
                await connection.execute(sa.update(tokens).where(tokens.c.id == token.id).values(used_at=now))


@asynccontextmanager
async def tokens_beside(settings: DatabaseSettings, folder: Path) -> AsyncIterator[Tokens]:
    """The tokens of the store that is configured, also while receivers use it.

    Raises:
        TocsinError: it cannot be opened, or written by another release.
    """
    url = settings.read_url() if settings.is_postgresql else None
    database = await (Database.beside(folder) if url is None else Database.connect(url))
    try:
        yield Tokens(database)
    finally:
        await database.close()


def _row(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "digest": token.digest,
        "user": token.user,
        "scopes": " ".join(sorted(token.scopes)),
        "tenants": None if token.tenants is None else json.dumps(sorted(token.tenants)),
        "note": token.note,
        "created_at": token.created_at,
        "created_by": token.created_by,
        "expires_at": token.expires_at,
    }


def _token(row: sa.Row[Any]) -> Token:
    kept = Token(
        id=row.id,
        user=row.user,
        scopes=frozenset(row.scopes.split()),
        tenants=None if row.tenants is None else frozenset(json.loads(row.tenants)),
        note=row.note,
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        digest=row.digest,
        used_at=row.used_at,
    )
    return kept if row.revoked_at is None else replace(kept, revoked_at=row.revoked_at, revoked_by=row.revoked_by or "")
