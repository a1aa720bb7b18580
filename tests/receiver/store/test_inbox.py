"""The contract of the inbox's spools, on each of them, and the inbox over both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from receiver.engine.notification import Body
from receiver.engine.origin import Origin
from receiver.store import spool as spool_module
from receiver.store.database import Conflict, Database
from receiver.store.inbox import Inbox
from receiver.store.inbox_file import LARGE_BYTES, InboxFile
from receiver.store.inbox_table import InboxTable
from receiver.store.schema import engine, inbox, quarantine
from receiver.store.spool import Batch, Counted, Spool
from tests.receiver.bodies import START
from tocsin.errors import StoreUnavailable, TocsinError

Open = Callable[[], AbstractAsyncContextManager[Spool]]


@pytest.fixture(params=["file", "table"])
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the spool of one kind in a folder, again and again; it goes on where the engine is."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Spool]:
        database = await Database.open(tmp_path)
        try:
            if request.param == "table":
                yield InboxTable(database)
            else:
                file = await InboxFile.open(tmp_path, 5)
                await file.start(request.node.done, request.node.done)
                yield file
                await file.close()
        finally:
            await database.close()

    request.node.done = 0
    return opened


def counted(*contents: bytes) -> list[Counted]:
    return [
        Counted(Body("alertmanager", START, content, origin=Origin(("acme",))), len(content)) for content in contents
    ]


def contents(found: list[Counted]) -> list[bytes]:
    return [body.content for body, _ in found]


async def test_bodies_come_back_as_they_were(opening: Open) -> None:
    """A body comes back in order, with its source, time, origin, count and a position, also after a restart."""
    async with opening() as spool:
        assert await spool.waiting(0) == (0, None)
        await spool.append(counted(b"a", b"bb"), 0)
        await spool.append(counted(b"ccc"), 0)
    async with opening() as spool:
        assert await spool.waiting(0) == (3, START)
        found = await spool.read(0)
    positions = [body.position for body, _ in found]
    assert positions == sorted(set(positions))
    sent = counted(b"a", b"bb", b"ccc")
    assert [(body.source, body.content, body.received_at, body.origin, alerts) for body, alerts in found] == [
        (body.source, body.content, body.received_at, body.origin, alerts) for body, alerts in sent
    ]


@pytest.mark.parametrize(
    ("bodies", "size", "alerts", "read"),
    [(2, 1000, 1000, 2), (9, 101, 1000, 2), (9, 1, 1000, 1), (9, 1000, 101, 2), (9, 1000, 1, 1)],
)
async def test_limits_of_a_read(
    opening: Open, monkeypatch: pytest.MonkeyPatch, bodies: int, size: int, alerts: int, read: int
) -> None:
    """A read ends at its limits of bodies, bytes and alerts, but gives one body however large."""
    for name, value in (("BODIES", bodies), ("BYTES", size), ("ALERTS", alerts)):
        monkeypatch.setattr(spool_module, f"MAX_BATCH_{name}", value)
    sent = (b"x" * 100, b"y", b"z")
    async with opening() as spool:
        await spool.append(counted(*sent), 0)
        assert contents(await spool.read(0)) == list(sent[:read])


async def test_append_is_all_or_nothing(opening: Open) -> None:
    """Bodies that cannot be committed leave nothing behind, and later ones are taken in."""
    async with opening() as spool:
        with pytest.raises((StoreUnavailable, Conflict)):
            await spool.append([*counted(b"a"), Counted(Body(None, START, b"a"), 1)], 0)  # type: ignore[arg-type]
        await spool.append(counted(b"b"), 0)
        assert contents(await spool.read(0)) == [b"b"]


async def test_large_and_many(opening: Open) -> None:
    """Large bodies among many small ones keep their places and their bytes."""
    sent = [bytes([number]) * (LARGE_BYTES + number if number % 40 == 7 else number + 1) for number in range(200)]
    async with opening() as spool:
        await spool.append([Counted(Body("alertmanager", START, content), 1) for content in sent], 0)
        assert contents(await spool.read(0)) == sent


async def test_dropping_keeps_up(tmp_path: Path) -> None:
    """Bodies that the engine is done with leave the file as new ones come, never those that wait."""
    file = await InboxFile.open(tmp_path, 5)
    await file.start(0, 0)
    placed = await file.append(counted(*[b"x"] * 1200), 0)
    for _ in range(3):
        await file.append(counted(b"y"), placed[999].body.position)
    assert (await file.waiting(0))[0] == 203
    assert (await file.waiting(placed[-1].body.position))[0] == 3
    await file.close()


async def test_a_file_that_is_no_inbox(tmp_path: Path) -> None:
    """A file that SQLite cannot read is left alone and named."""
    (tmp_path / "inbox.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(TocsinError, match=r"inbox\.db: cannot be opened"):
        await InboxFile.open(tmp_path, 5)


async def finish(store: Database, inbox_: Inbox, batch: Batch) -> None:
    """Does as the engine does when it has committed what bodies meant."""
    async with store.write() as connection:
        await batch.taken(connection)
        if batch.position is not None:
            await connection.execute(sa.delete(engine))
            await connection.execute(sa.insert(engine), [{"id": 1, "epoch": 1, "position": batch.position}])
    inbox_.done(batch)


async def done(store: Database) -> int:
    async with store.read() as connection:
        return (await connection.execute(sa.select(engine.c.position))).scalar_one_or_none() or 0


@asynccontextmanager
async def running(store: Database, limit: int = 1000, busy_seconds: float = 5.0) -> AsyncIterator[Inbox]:
    """The inbox of a store, going on where the engine is."""
    opened = await Inbox.open(store, done=await done(store), limit=limit, busy_timeout_seconds=busy_seconds)
    commits = asyncio.create_task(opened.run())
    try:
        yield opened
    finally:
        commits.cancel()
        await asyncio.gather(commits, return_exceptions=True)
        await opened.close()


def ours(content: bytes) -> Body:
    return Body("tocsin/ours", START, content)


async def test_every_body_once_and_in_order(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether bodies are remembered, must be read back or come from ourselves: the engine gets each once, in order."""
    monkeypatch.setattr(spool_module, "MAX_BATCH_BYTES", 40)  # four bodies are remembered, the rest is read back
    monkeypatch.setattr(spool_module, "MAX_BATCH_BODIES", 3)
    sent = [b"%010d" % number for number in range(60)]
    got: list[bytes] = []
    left = iter(sent)
    for _ in range(2):  # and after a restart
        async with running(store) as inbox_:
            for count in (1, 9, 0, 2, 10, 0, 0, 0, 8):
                await asyncio.gather(*(inbox_.put(Body("a", START, next(left)), 1) for _ in range(count)))
                if count == 2:
                    async with inbox_.beside(ours(b"ours")):
                        pass
                batch = await inbox_.oldest()
                assert await inbox_.oldest() == batch  # until it is done with
                await finish(store, inbox_, batch)
                got += contents(batch.counted)
    async with running(store) as inbox_:
        while (batch := await inbox_.oldest()).counted:
            await finish(store, inbox_, batch)
            got += contents(batch.counted)
        assert inbox_.depth == 0
        assert await inbox_.waiting_since() is None
    assert [content for content in got if content != b"ours"] == sent
    assert got.count(b"ours") == 2


async def test_what_follows(store: Database) -> None:
    """What comes after a batch that is not committed yet is known without reading, where nobody else puts bodies in."""
    async with running(store) as inbox_:
        await asyncio.gather(*(inbox_.put(Body("a", START, b"%d" % number), 3000) for number in range(2)))
        first = await inbox_.oldest()
        assert contents(first.counted) == [b"0"]
        following = [] if store.shared else [b"1"]
        assert contents((await inbox_.following(first)).counted) == following
        async with inbox_.beside(ours(b"ours")):
            pass
        assert contents((await inbox_.following(await inbox_.oldest())).counted) == ([] if store.shared else [b"0"])


def lose_file(folder: Path) -> None:
    for file in folder.glob("inbox.db*"):
        file.unlink()


async def test_positions_go_on(tmp_path: Path) -> None:
    """Even with a new file none is given that the engine has passed, or under which a body is in quarantine."""
    store = await Database.open(tmp_path)
    positions = [0]
    for quarantined in (0, 0, 1000):
        lose_file(tmp_path)
        async with running(store) as inbox_, inbox_.beside(ours(b"ours")) as connection:
            if quarantined:
                row = {"source": "a", "received_at": START, "reason": "", "content": b""}
                await connection.execute(sa.insert(quarantine), [{"id": quarantined} | row])
        async with running(store) as inbox_:
            await inbox_.put(Body("a", START, b"theirs"), 1)
            await finish(store, inbox_, await inbox_.oldest())
            batch = await inbox_.oldest()
            assert contents(batch.counted) == [b"theirs"]
            await finish(store, inbox_, batch)
            assert batch.bodies[0].position > max(positions[-1], quarantined)
            positions.append(batch.bodies[0].position)
    await store.close()


async def test_a_body_that_commits_late(replicas: tuple[Database, Database]) -> None:
    """A body whose position was given before, and committed after the engine went on, is not passed over."""
    slow, quick = replicas
    async with running(quick) as inbox_:
        async with slow.write() as connection:
            await InboxTable(slow).put(connection, counted(b"late"))
            await inbox_.put(Body("a", START, b"quick"), 1)
            batch = await inbox_.oldest()
            assert contents(batch.counted) == [b"quick"]
            await finish(quick, inbox_, batch)
        assert contents((await inbox_.oldest()).counted) == [b"late"]


async def test_beside_is_all_or_nothing(store: Database) -> None:
    """A body of our own is there if what it is about was committed, and only then; the bound does not keep it out."""
    async with running(store, limit=1) as inbox_:
        await inbox_.put(Body("a", START, b"theirs"), 1)
        with pytest.raises(StoreUnavailable, match="holds 1 bodies"):
            await inbox_.put(Body("a", START, b"theirs"), 1)
        with pytest.raises(RuntimeError):
            async with inbox_.beside(ours(b"never")):
                raise RuntimeError
        async with inbox_.beside(ours(b"ours")) as connection:
            await connection.execute(sa.delete(inbox).where(inbox.c.source == "nobody"))
        assert inbox_.depth == 2
        found = []
        while (batch := await inbox_.oldest()).counted:
            await finish(store, inbox_, batch)
            found += contents(batch.counted)
    assert sorted(found) == [b"ours", b"theirs"]


async def test_a_failed_commit_fails_every_sender_in_it(tmp_path: Path) -> None:
    """Senders that shared a commit which failed all hear so, and the inbox goes on."""
    store = await Database.open(tmp_path)
    other = await InboxFile.open(tmp_path, 5)
    async with running(store, busy_seconds=0.01) as inbox_:
        other._connection.execute("BEGIN IMMEDIATE")
        puts: list[Awaitable[None]] = [inbox_.put(Body("a", START, b"{}"), 1) for _ in range(3)]
        answers = await asyncio.gather(*puts, return_exceptions=True)
        assert [type(answer) for answer in answers] == [StoreUnavailable] * 3
        other._connection.execute("ROLLBACK")
        await inbox_.put(Body("a", START, b"{}"), 1)
        assert inbox_.depth == len((await inbox_.oldest()).counted) == 1
    await other.close()
    await store.close()


@pytest.mark.parametrize("remembered", [0, 1])
async def test_what_a_failed_commit_has_kept(store: Database, remembered: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sender was told that it failed, but what is durable is not skipped for what came after it."""
    async with running(store) as inbox_:
        for number in range(remembered):
            await inbox_.put(Body("a", START, b"remembered %d" % number), 1)
        real = inbox_._spool.append

        async def durable_but_failed(bodies: list[Counted], done: int) -> list[Counted]:
            await real(bodies, done)
            raise StoreUnavailable("who knows")

        with monkeypatch.context() as patch:
            patch.setattr(inbox_._spool, "append", durable_but_failed)
            with pytest.raises(StoreUnavailable, match="who knows"):
                await inbox_.put(Body("a", START, b"kept"), 1)
        for number in range(2):
            await inbox_.put(Body("a", START, b"later %d" % number), 1)
        got: list[bytes] = []
        while (batch := await inbox_.oldest()).counted:
            await finish(store, inbox_, batch)
            got += contents(batch.counted)
        assert got == [*[b"remembered 0"][:remembered], b"kept", b"later 0", b"later 1"]
