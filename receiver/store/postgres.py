"""PostgreSQL: the store of several receivers at once."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tocsin.errors import MissingExtra

READING = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}  # one state for all of a reader's queries

CONNECT_SECONDS = 5.0
STATEMENT_SECONDS = 30.0
CONNECTIONS = 10  # of one replica at once

# A replica that is stopped in the middle of a transaction keeps its locks; this long, and then others go on without it.
STOPPED_SECONDS = 3


def connect(url: str) -> AsyncEngine:
    """An engine over a database; nothing is connected before the first use.

    Raises:
        MissingExtra: asyncpg is not installed.
    """
    asyncpg = _driver()

    async def connection() -> Any:
        try:
            made = await asyncpg.connect(
                re.sub(r"^postgres\w*\+asyncpg:", "postgresql:", url),
                timeout=CONNECT_SECONDS,
                command_timeout=STATEMENT_SECONDS,
                server_settings={
                    "application_name": "tocsin",
                    "idle_in_transaction_session_timeout": f"{STOPPED_SECONDS}s",
                },
            )
            if await made.fetchval("SHOW synchronous_commit") == "off":  # a commit that returned survives a power cut
                await made.execute("SET synchronous_commit = on")
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise _NoConnection("connect", None, error) from error
        return made

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connection,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=CONNECT_SECONDS,
    )


class _NoConnection(DBAPIError):
    """Refused by the server (starting, stopping, full, a wrong password); SQLAlchemy wraps only what comes later."""


def _driver() -> ModuleType:
    try:
        import asyncpg
    except ImportError as error:
        raise MissingExtra("asyncpg (database.url: PostgreSQL)", "postgres") from error
    return asyncpg  # type: ignore[no-any-return]


def shown(url: str) -> str:
    """A database's address without user, password and parameters."""
    parts = urlsplit(url)
    hosts = parts.netloc.rpartition("@")[2]
    return f"postgresql://{hosts}{parts.path}"
