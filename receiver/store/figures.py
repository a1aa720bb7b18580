"""What `/metrics` asks the store for."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.store.database import Database
from receiver.store.inbox import Inbox
from receiver.store.schema import finished_jobs, incidents, jobs, remediations

SLOW_SECONDS = 0.05  # figures that took as long are kept for a while
KEPT_SECONDS = 10.0

SIZE = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "postgresql": "SELECT pg_database_size(current_database())",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """How many incidents there are of each status and severity, since when the oldest body waits, the size in bytes.

    `jobs_due` could begin now, the oldest of them since `jobs_since`.
    """

    incidents: list[tuple[str, str, int]]
    oldest: datetime | None
    size_bytes: int
    jobs_due: int = 0
    jobs_since: datetime | None = None
    dead: int = 0  # letters
    approvals: int = 0  # runs of runbooks that wait for somebody's
    unresolved: list[tuple[str, str, str, int]] = field(default_factory=list)  # tenant, status, severity, how many


async def figures(database: Database, inbox: Inbox, now: datetime) -> Figures:
    """The figures of this moment.

    Raises:
        StoreUnavailable: the store cannot be read.
    """
    async with database.read() as connection:
        found, size, due = await _incidents(connection), await _size(connection), await _due(connection, now)
        dead, approvals = await _dead(connection), await _approvals(connection)
        unresolved = await _unresolved(connection)
    return Figures(found, await inbox.waiting_since(), size, *due, dead, approvals, unresolved)


class KeptFigures:
    """Asks for figures, and gives them again for a while where asking takes long: a scrape must cost little."""

    def __init__(self, ask: Callable[[], Awaitable[Figures]], seconds: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._seconds = seconds
        self._kept: Figures | None = None
        self._kept_until = 0.0

    async def __call__(self) -> Figures:
        """The figures of this moment, or at most KEPT_SECONDS old.

        Raises:
            StoreUnavailable: the store cannot be read.
        """
        began = self._seconds()
        if self._kept is not None and began < self._kept_until:
            return self._kept
        self._kept = await self._ask()
        ended = self._seconds()
        self._kept_until = ended + KEPT_SECONDS if ended - began >= SLOW_SECONDS else ended
        return self._kept


async def _incidents(connection: AsyncConnection) -> list[tuple[str, str, int]]:
    kinds = (incidents.c.status, incidents.c.severity)
    rows = await connection.execute(sa.select(*kinds, sa.func.count()).group_by(*kinds))
    return [(row[0], row[1], row[2]) for row in rows]


async def _unresolved(connection: AsyncConnection) -> list[tuple[str, str, str, int]]:
    kinds = (incidents.c.tenant, incidents.c.status, incidents.c.severity)
    is_open = incidents.c.status != sa.literal_column("'resolved'")  # as the index of open keys says
    rows = await connection.execute(sa.select(*kinds, sa.func.count()).where(is_open).group_by(*kinds))
    return [(row[0], row[1], row[2], row[3]) for row in rows]


async def _due(connection: AsyncConnection, now: datetime) -> tuple[int, datetime | None]:
    due = sa.select(sa.func.count(), sa.func.min(jobs.c.due_at)).where(jobs.c.state == "pending", jobs.c.due_at <= now)
    row = (await connection.execute(due)).one()
    return row[0], row[1]


async def _dead(connection: AsyncConnection) -> int:
    is_dead = finished_jobs.c.state == sa.literal_column("'dead'")  # as its index says
    return (await connection.execute(sa.select(sa.func.count()).where(is_dead))).scalar_one()


async def _approvals(connection: AsyncConnection) -> int:
    awaits = remediations.c.state == sa.literal_column("'awaiting'")  # as its index says
    return (await connection.execute(sa.select(sa.func.count()).where(awaits))).scalar_one()


async def _size(connection: AsyncConnection) -> int:
    return int((await connection.exec_driver_sql(SIZE[connection.dialect.name])).scalar_one())
