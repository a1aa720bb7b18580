"""One contract, two databases: every test here that takes `open_store` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from receiver.store.database import Database
from tests.receiver import stores

OpenStore = Callable[[], Awaitable[Database]]


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store_url(dialect: str, request: pytest.FixtureRequest) -> str:
    """The URL of a new database of PostgreSQL; nothing for SQLite."""
    return str(request.getfixturevalue("postgres_url")) if dialect == "postgresql" else ""


@pytest.fixture
async def open_store(store_url: str, tmp_path: Path) -> AsyncIterator[OpenStore]:
    """Opens the one store of this test; on PostgreSQL as often as a test has replicas."""
    async with AsyncExitStack() as stack:

        async def opened() -> Database:
            if not store_url:
                stores.lay(tmp_path / "store")
            database = await (Database.connect(store_url) if store_url else Database.open(tmp_path / "store"))
            stack.push_async_callback(database.close)
            return database

        yield opened


@pytest.fixture
async def store(open_store: OpenStore) -> Database:
    return await open_store()


@pytest.fixture
async def replicas(postgres_url: str) -> AsyncIterator[tuple[Database, Database]]:
    """Two processes' connections to one PostgreSQL; SQLite has one process, whose lock on the folder others respect."""
    one, other = await Database.connect(postgres_url), await Database.connect(postgres_url)
    yield one, other
    await one.close()
    await other.close()
