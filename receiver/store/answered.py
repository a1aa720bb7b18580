"""What requests with an Idempotency-Key were answered, so that the same request gets the same answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
import tenacity

from receiver.store.database import Conflict, Database
from receiver.store.schema import answered

KEPT_FOR = timedelta(hours=24)
CLAIM_LASTS = timedelta(minutes=2)  # after that whoever worked on it has died
MOST = 100_000  # answers that are kept; the oldest go first


@dataclass(frozen=True, slots=True)
class Kept:
    """What a key was used for, and the answer; a status of None: it is still being worked on."""

    request: str
    status: int | None
    headers: Mapping[str, str]
    content: bytes


class Answered:
    """Claims keys and keeps answers, by who asked and the key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def free(self) -> None:
        """Lets go what an earlier process had begun, where the store is ours alone."""
        if not self._database.shared:
            async with self._database.write() as connection:
                await connection.execute(sa.delete(answered).where(answered.c.status.is_(None)))

    @tenacity.retry(retry=tenacity.retry_if_exception_type(Conflict), stop=tenacity.stop_after_attempt(10))
    async def claim(self, who: str, key: str, request: str, now: datetime) -> Kept | None:
        """What this key was used for already; None: it is ours now, until it is kept or let go.

        Raises:
            StoreUnavailable: not now.
        """
        mine = _of(who, key)
        async with self._database.write() as connection:
            row = (await connection.execute(sa.select(answered).where(mine))).first()
            if row is not None and not _lapsed(row, now):
                return Kept(row.request, row.status, msgspec.json.decode(row.headers or b"{}"), row.content or b"")
            if row is not None:
                await connection.execute(sa.delete(answered).where(mine))
            await connection.execute(sa.insert(answered).values(who=who, key=key, request=request, at=now))
        return None

    async def keep(self, who: str, key: str, kept: Kept) -> None:
        """Keeps the answer for whoever asks again."""
        said = {"status": kept.status, "headers": msgspec.json.encode(kept.headers), "content": kept.content}
        async with self._database.write() as connection:
            await connection.execute(sa.update(answered).where(_of(who, key)).values(said))

    async def let_go(self, who: str, key: str) -> None:
        """Nothing came of it: the key is free again."""
        async with self._database.write() as connection:
            await connection.execute(sa.delete(answered).where(_of(who, key), answered.c.status.is_(None)))


def _of(who: str, key: str) -> sa.ColumnElement[bool]:
    return sa.and_(answered.c.who == who, answered.c.key == key)


def _lapsed(row: sa.Row[Any], now: datetime) -> bool:
    return bool(row.at <= now - (CLAIM_LASTS if row.status is None else KEPT_FOR))


def beyond(most: int = MOST) -> sa.ColumnElement[bool]:
    """The answers that are too many, the oldest of all."""
    newest = sa.select(answered.c.at).order_by(answered.c.at.desc()).offset(most).limit(1).scalar_subquery()
    return answered.c.at <= newest
