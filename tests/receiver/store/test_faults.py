"""A store that cannot: 5xx and patience while it lasts, never 4xx, and everything goes on afterwards."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from demo.timeline import NotSeen, Want
from receiver.config import ReceiverConfig
from receiver.store.database import Database
from receiver.store.settings import DatabaseSettings
from tests import postgres
from tests.acceptance.telling import told
from tests.receiver.bodies import alert, body
from tests.receiver.faults import Faults
from tests.receiver.harness import HOOK, Harness, escalation, receiver
from tests.receiver.test_web import locked
from tocsin.errors import MissingExtra, StoreUnavailable, TocsinError

CONFIG = escalation(("0s", ("alice",)))


@contextmanager
def full_disk(database: Database) -> Iterator[None]:
    """No connection may make the file larger than it is."""

    def limit(pages: int) -> None:
        def set_limit(connection: Any, *_: object) -> None:
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA max_page_count={pages}")
            cursor.close()

        sa.event.listen(database._writer.sync_engine, "checkout", set_limit)

    limit(1)  # SQLite takes what the file has for anything smaller
    try:
        yield
    finally:
        limit(2**30)


async def _limit_inbox(tocsin: Harness, pages: int) -> None:
    file = tocsin.inbox_file
    await file._run(lambda: file._connection.execute(f"PRAGMA max_page_count={pages}").fetchall())


async def _status(tocsin: Harness, content: bytes) -> int:
    return (await tocsin.client.post(HOOK, data=content)).status


async def test_full_disk_at_the_door(tmp_path: Path) -> None:
    """What does not fit is answered 503, time after time; with room again the same body is taken and understood."""
    big = body(alert(filler="x" * 100_000))
    async with receiver(tmp_path, CONFIG) as tocsin:
        await _limit_inbox(tocsin, 1)
        assert [await _status(tocsin, big) for _ in range(3)] == [503, 503, 503]
        await _limit_inbox(tocsin, 2**30)
        assert await tocsin.post(big) == 200
        assert len(await tocsin.incidents()) == 1
        assert tocsin.phones["alice"].keys == ["page/0/alice"]


async def test_full_disk_behind_the_door(tmp_path: Path) -> None:
    """A disk that is full when the engine commits leaves the body where it was; nothing is lost or quarantined."""
    async with receiver(tmp_path, CONFIG) as tocsin:
        assert await _status(tocsin, body(*(alert(n=str(n), filler="x" * 3000) for n in range(40)))) == 200
        with full_disk(tocsin.database):
            with pytest.raises(StoreUnavailable, match="full"):
                await tocsin.settle()
            assert await tocsin.incidents() == []
        await tocsin.settle()
        assert len(await tocsin.alerts()) == 40
        assert tocsin.phones["alice"].keys == ["page/0/alice"]
        assert "bodies_quarantined_total 0.0" in await (await tocsin.client.get("/metrics")).text()


async def test_locked_behind_the_door(tmp_path: Path) -> None:
    """A store that is locked when the engine commits is asked again; until then the receiver is not ready."""
    async with receiver(tmp_path, CONFIG) as tocsin:

        async def ready() -> str:
            status = (await tocsin.client.get("/-/ready")).status
            if status != 200:
                raise NotSeen(str(status))
            return "ready"

        async def one_incident() -> str:
            if not await tocsin.incidents():
                raise NotSeen("none")
            return "one"

        async def not_ready() -> str:
            try:
                await ready()
            except NotSeen as seen:
                return str(seen)
            raise NotSeen("ready")

        assert await _status(tocsin, body(alert())) == 200
        engine = asyncio.create_task(tocsin.receiver.turns.run())
        with locked(tmp_path, "tocsin.db"):
            await told([Want("it is not ready", "/-/ready", not_ready, between=(0, 20))])
        await told([Want("it is ready again", "/-/ready", ready, between=(0, 20))])
        await told([Want("the body is processed", "the list of incidents", one_incident, between=(0, 20))])
        engine.cancel()
        await asyncio.gather(engine, return_exceptions=True)


async def test_postgresql_away(tmp_path: Path) -> None:
    """While PostgreSQL is away bodies get 503 and lists do too; when it is back both go on, with nothing lost."""
    with postgres.server() as server:
        async with receiver(tmp_path, escalation(("0s", ("alice",)), database={"url": server.url})) as tocsin:
            assert await _status(tocsin, body(alert(instance="a"))) == 200
            await asyncio.to_thread(server.stop)
            assert await _status(tocsin, body(alert(instance="b"))) == 503
            assert (await tocsin.client.get("/api/v1/incidents")).status == 503
            with pytest.raises(StoreUnavailable):
                await tocsin.settle()
            await asyncio.to_thread(server.start)
            assert await tocsin.post(body(alert(instance="b"))) == 200
            assert len(await tocsin.alerts()) == 2
            assert tocsin.phones["alice"].keys == ["page/0/alice"]


CANNOT = {
    "nobody answers": ("postgresql://u:hidden@127.0.0.1:1/d", "postgresql://127.0.0.1:1/d: cannot be used as Tocsin's"),
    "no such database": ("{server}none", "/none: cannot be used as Tocsin's store: database .*none.* does not exist"),
}


@pytest.mark.parametrize("case", CANNOT)
async def test_cannot_be_opened(postgres_server: str, case: str) -> None:
    """A PostgreSQL that cannot be used is one sentence with its address and the reason, without the password."""
    url, reason = CANNOT[case]
    with pytest.raises(TocsinError, match=reason) as refused:
        await Database.connect(url.format(server=postgres_server.rpartition("/")[0] + "/"))
    assert "hidden" not in str(refused.value)


async def test_driver_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the message names it."""
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(MissingExtra, match=r"asyncpg .* is not installed: pip install 'tocsin\[postgres\]'"):
        await Database.connect("postgresql://127.0.0.1/d")


SETTINGS = {
    "both": ({"url": "postgresql://h/d", "url_file": "f"}, "give either url or url_file"),
    "another database": ({"url": "mysql://h/d"}, "is no URL of PostgreSQL"),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_settings(case: str) -> None:
    """What is no URL of PostgreSQL is refused before anything starts."""
    given, reason = SETTINGS[case]
    with pytest.raises(ValueError, match=reason):
        DatabaseSettings.model_validate(given)
    assert not ReceiverConfig().database.is_postgresql


async def test_a_commit_that_was_done_although_it_failed(tmp_path: Path) -> None:
    """Bodies are not taken a second time when their commit succeeded and only its answer was lost."""
    async with receiver(tmp_path) as tocsin:
        for one in (alert(start=10), alert(start=10, end=20), alert(start=30)):
            assert await _status(tocsin, body(one)) == 200
        faults = Faults()
        faults.watch(tocsin)
        with faults.armed("after", 1), pytest.raises(StoreUnavailable):  # the first is that of reading
            await tocsin.receiver.loop.run_once()
        assert len(await tocsin.alerts()) == 2
        await tocsin.settle()
        told = [(one["starts_at"][14:19], one["status"]) for one in await tocsin.alerts()]
        assert told == [("00:30", "firing"), ("00:10", "resolved")]
