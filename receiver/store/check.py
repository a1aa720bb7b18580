"""Looks a store over: its file, its revision, whether its rows fit together, and how many there are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from receiver.store import inbox_file, migrations, postgres, sqlite
from receiver.store.dialect import is_postgresql, now
from receiver.store.schema import engine, events, finished_jobs, inbox, incidents, jobs, occurrences, quarantine
from tocsin.errors import TocsinError

NO_FILE_CHECK = "not checked here: PostgreSQL's own pg_amcheck does it"

COUNTED: dict[str, sa.Select[int]] = {
    "bodies_waiting": sa.select(sa.func.count()).select_from(inbox),
    "bodies_in_quarantine": sa.select(sa.func.count()).select_from(quarantine),
    "incidents": sa.select(sa.func.count()).select_from(incidents),
    "incidents_not_resolved": sa.select(sa.func.count()).where(incidents.c.status != "resolved"),
    "alerts": sa.select(sa.func.count()).select_from(occurrences),
    "alerts_firing": sa.select(sa.func.count()).where(occurrences.c.ends_at.is_(None)),
    "events": sa.select(sa.func.count()).select_from(events),
    "jobs": sa.select(sa.func.count()).select_from(jobs),
    "finished_jobs": sa.select(sa.func.count()).select_from(finished_jobs),
}

_last_event = sa.select(sa.func.max(events.c.version)).where(events.c.incident == incidents.c.id).scalar_subquery()
_its_incident = sa.exists().where(incidents.c.id == occurrences.c.incident)

# What must never be found, and the rows that would show it.
RULES: dict[str, sa.Select[str]] = {
    "incidents that are not what their events add up to": sa.select(incidents.c.id).where(
        incidents.c.status != "resolved", incidents.c.version != sa.func.coalesce(_last_event, 0)
    ),
    "firing alerts whose incident is gone": sa.select(occurrences.c.id).where(
        occurrences.c.ends_at.is_(None), occurrences.c.incident.is_not(None), ~_its_incident
    ),
}
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in a store.

    `file` is SQLite's own word on its file: `ok`, or what is wrong; `engine` who runs it, where several could.
    """

    store: str
    revision: str
    file: str
    counts: dict[str, int]
    problems: tuple[str, ...]
    engine: str


async def check(where: Path | str) -> Report:
    """Looks a store over without changing it: SQLite's file, or PostgreSQL's URL; the receiver may run meanwhile.

    Raises:
        TocsinError: there is none, or it cannot be read.
    """
    shown = str(where) if isinstance(where, Path) else postgres.shown(where)
    async with _reading(where, shown) as connection:
        revision = await connection.run_sync(migrations.revision)
        if revision is None:
            raise TocsinError(f"{shown}: holds no store of Tocsin's")
        file = await _file(connection)
        problems = [] if file in ("ok", NO_FILE_CHECK) else [f"the file is damaged: {file}"]
        problems += [problem for name, rows in RULES.items() if (problem := await _broken(connection, name, rows))]
        counts = {name: (await connection.execute(query)).scalar_one() for name, query in COUNTED.items()}
        position = (await connection.execute(sa.select(sa.func.max(engine.c.position)))).scalar_one() or 0
        holder = await _holder(connection)
    if isinstance(where, Path) and where.name == sqlite.FILE_NAME:
        waiting, damage = inbox_file.look_over(where.parent, position)
        counts["bodies_waiting"] += waiting
        problems += [f"{inbox_file.FILE_NAME} is damaged: {damage}"] if damage else []
    return Report(shown, revision, file, counts, tuple(problems), holder)


@asynccontextmanager
async def _reading(where: Path | str, shown: str) -> AsyncIterator[AsyncConnection]:
    engine_ = _engine(where)
    try:
        async with engine_.connect() as connection:
            yield connection
    except (DBAPIError, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise TocsinError(f"{shown}: cannot be read as Tocsin's store: {cause}") from error
    finally:
        await engine_.dispose()


def _engine(where: Path | str) -> AsyncEngine:
    if isinstance(where, Path):
        if not where.is_file():
            raise TocsinError(f"{where}: there is no such file; --storage.path names the folder that holds it")
        return create_async_engine(f"sqlite+aiosqlite:///file:{quote(str(where.absolute()))}?mode=ro&uri=true")
    return postgres.connect(where).execution_options(**postgres.READING)


async def _file(connection: AsyncConnection) -> str:
    if is_postgresql(connection):
        return NO_FILE_CHECK
    rows = (await connection.exec_driver_sql("PRAGMA integrity_check(5)")).scalars()
    return "; ".join(str(row) for row in rows)


async def _holder(connection: AsyncConnection) -> str:
    """Who runs the engine, where several could; the turn of a dead replica stands until another takes it."""
    if not is_postgresql(connection):
        return ""
    row = (await connection.execute(sa.select(engine.c.holder, engine.c.expires_at >= now()))).first()
    return "nobody" if row is None else f"{row[0]}" if row[1] else f"nobody (last: {row[0]})"


async def _broken(connection: AsyncConnection, name: str, rows: sa.Select[str]) -> str:
    found = list((await connection.execute(rows.limit(SHOWN + 1))).scalars())
    more = " and more" if len(found) > SHOWN else ""
    return f"{name}: {', '.join(found[:SHOWN])}{more}" if found else ""
