"""Bodies on their way in: what drips is cut off, what is bulky waits or gives way, and a page never waits."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from receiver.config import ReceiverConfig
from receiver.web import uploads
from tests.receiver.bodies import alert, body
from tests.receiver.harness import HOOK, Harness, receiver

HEAD = f"POST {HOOK} HTTP/1.1\r\nHost: x\r\n"
MIB = 2**20


class Wire:
    """A connection on which a test writes what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, *parts: str | bytes) -> None:
        for part in parts:
            self._writer.write(part.encode() if isinstance(part, str) else part)
        await self._writer.drain()

    async def status(self) -> int:
        """The status of the next answer; 0 if the connection ends without one."""
        async with asyncio.timeout(20):
            line = await self._reader.readline()
            while line and (await self._reader.readline()).strip():
                pass
        return int(line.split()[1]) if line else 0

    async def ended(self) -> bool:
        async with asyncio.timeout(20):
            while await self._reader.read(65536):
                pass
        return True

    def close(self) -> None:
        self._writer.close()


@asynccontextmanager
async def wires(tocsin: Harness, count: int) -> AsyncIterator[list[Wire]]:
    """So many connections to a receiver."""
    opened = [Wire(*await asyncio.open_connection("127.0.0.1", tocsin.client.port)) for _ in range(count)]
    try:
        yield opened
    finally:
        for wire in opened:
            wire.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows and patience of a fraction of a second."""
    monkeypatch.setattr(uploads, "WINDOW_SECONDS", 0.2)
    monkeypatch.setattr(uploads, "PATIENCE_SECONDS", 0.2)


async def held(tocsin: Harness, wanted: int) -> None:
    """Waits until bodies on their way in hold so many bytes."""
    async with asyncio.timeout(20):
        while tocsin.receiver.doors.uploads.held != wanted:  # noqa: ASYNC110 - a number, and no event
            await asyncio.sleep(0.005)


def padded(size: int) -> bytes:
    return body(alert()).ljust(size)


@pytest.mark.usefixtures("quick")
async def test_dripping_bodies(tmp_path: Path) -> None:
    """Fifty dripping bodies delay no other, and are cut off with 503, told once."""
    async with receiver(tmp_path) as tocsin, wires(tocsin, 50) as dripping:
        for wire in dripping:
            await wire.send(HEAD, f"Content-Length: {60 * MIB}\r\n\r\n", '{"alerts": [')
        await held(tocsin, 50 * 12)
        async with asyncio.timeout(2):
            assert await tocsin.post(body(alert())) == 200
        with capture_logs() as logs:
            assert {await wire.status() for wire in dripping} == {503}
        assert [line["event"] for line in logs] == ["a body is cut off"]
        await held(tocsin, 0)
        text = await (await tocsin.client.get("/metrics")).text()
        assert 'tocsin_receiver_bodies_refused_total{reason="too_slow"} 50.0' in text.splitlines()


@pytest.mark.usefixtures("quick")
async def test_a_body_that_was_quick_at_first(tmp_path: Path) -> None:
    """The rate counts in every window: what came quickly buys no time for dripping."""
    async with receiver(tmp_path) as tocsin, wires(tocsin, 1) as (wire,):
        await wire.send(HEAD, f"Content-Length: {60 * MIB}\r\n\r\n", b" " * MIB)
        await held(tocsin, MIB)
        assert await wire.status() == 503


async def test_the_time_for_a_whole_body(tmp_path: Path) -> None:
    """However steadily it comes, a body has `upload_timeout` in all."""
    config = ReceiverConfig.model_validate({"upload_timeout": "300ms", "min_upload_rate": 0})
    async with receiver(tmp_path, config) as tocsin, wires(tocsin, 1) as (wire,):
        await wire.send(HEAD, "Content-Length: 1000\r\n\r\n", b" ")
        assert await wire.status() == 503


async def test_chunks(tmp_path: Path) -> None:
    """A body without Content-Length counts as it arrives, and is taken below the bound or refused beyond it."""
    whole = padded(3000)
    async with receiver(tmp_path, ReceiverConfig(max_body_bytes=4096)) as tocsin, wires(tocsin, 2) as (small, large):
        for wire in (small, large):
            await wire.send(HEAD, "Transfer-Encoding: chunked\r\n\r\n", f"{len(whole):x}\r\n", whole, "\r\n")
        await held(tocsin, 6000)
        await small.send("0\r\n\r\n")
        assert await small.status() == 200
        await large.send("1000\r\n", b" " * 4096, "\r\n")
        assert await large.status() == 413


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_too_large_before_it_comes(tmp_path: Path, version: str) -> None:
    """A body that is announced over the bound is refused before a byte of it is read."""
    head = HEAD.replace("1.1", version)
    async with receiver(tmp_path) as tocsin, wires(tocsin, 1) as (wire,):
        await wire.send(head, f"Content-Length: {64 * MIB + 1}\r\nExpect: 100-continue\r\n\r\n")
        assert await wire.status() == 413


async def test_expect(tmp_path: Path) -> None:
    """A sender that waits for an invitation gets it, but only once it has proved itself."""
    whole = body(alert())
    (tmp_path / "token").write_text("t0ken")
    config = ReceiverConfig.model_validate({"sources": {"alertmanager": {"bearer_token_files": [tmp_path / "token"]}}})
    async with receiver(tmp_path, config) as tocsin, wires(tocsin, 2) as (known, unknown):
        await known.send(HEAD, f"Authorization: Bearer t0ken\r\nContent-Length: {len(whole)}\r\n")
        await known.send("Expect: 100-continue\r\n\r\n")
        assert await known.status() == 100
        await known.send(whole)
        assert await known.status() == 200
        await unknown.send(HEAD, f"Content-Length: {len(whole)}\r\nExpect: 100-continue\r\n\r\n")
        assert await unknown.status() == 401


BUDGET = ReceiverConfig(max_body_bytes=2 * MIB, max_inflight_bytes=7 * MIB)  # 4 MiB of it for the copies of one body


async def test_the_youngest_gives_way(tmp_path: Path) -> None:
    """When the budget is full the youngest bulky body gives way, so that older ones end; a small one passes."""
    async with receiver(tmp_path, BUDGET) as tocsin, wires(tocsin, 3) as (oldest, middle, youngest):
        whole = padded(2 * MIB)
        for wire, sent in ((oldest, MIB), (middle, MIB), (youngest, MIB // 2)):
            before = tocsin.receiver.doors.uploads.held
            await wire.send(HEAD, f"Content-Length: {2 * MIB}\r\n\r\n", whole[:sent])
            await held(tocsin, before + sent)
        await middle.send(whole[MIB : MIB + MIB // 2])
        await held(tocsin, 3 * MIB)
        assert await tocsin.post(body(alert())) == 200
        await oldest.send(whole[MIB:])
        assert await youngest.status() == 503
        assert await oldest.status() == 200
        assert await middle.status() == 503
        await held(tocsin, 0)


@pytest.mark.usefixtures("quick")
async def test_waiting_for_room(tmp_path: Path) -> None:
    """A body waits shortly for others to give room: it is taken when they do, else sent away with 503."""
    async with receiver(tmp_path, BUDGET) as tocsin, wires(tocsin, 3) as (first, second, third):
        whole = padded(2 * MIB)
        await first.send(HEAD, f"Content-Length: {2 * MIB}\r\n\r\n", whole[: MIB + MIB // 2])
        await held(tocsin, MIB + MIB // 2)
        for late in (second, third):
            await late.send(HEAD, f"Content-Length: {2 * MIB}\r\n\r\n", whole)
        assert await third.status() == 503
        await first.send(whole[MIB + MIB // 2 :])
        assert await first.status() == 200
        assert await second.status() in (200, 503)
        await held(tocsin, 0)


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "application/x-www-form-urlencoded", "a/b; c=d", ""]
)
async def test_content_types(tmp_path: Path, kind: str) -> None:
    """A body is what it is, whatever its head calls it."""
    async with receiver(tmp_path) as tocsin:
        answer = await tocsin.client.post(HOOK, data=body(alert()), headers={"Content-Type": kind})
        assert answer.status == 200
        await tocsin.settle()
        assert len(await tocsin.alerts()) == 1


@pytest.mark.parametrize(
    ("encoding", "encode", "status"),
    [
        ("gzip", gzip.compress, 200),
        ("deflate", zlib.compress, 200),
        ("identity", bytes, 200),
        ("gzip", bytes, 400),
    ],
)
async def test_encodings(tmp_path: Path, encoding: str, encode: type[bytes], status: int) -> None:
    """Alertmanager never compresses, but a gateway may: gzip and deflate are taken, what is not what it says is not."""
    async with receiver(tmp_path) as tocsin:
        headers = {"Content-Encoding": encoding}
        answer = await tocsin.client.post(HOOK, data=encode(body(alert())), headers=headers)
        assert answer.status == status


async def test_a_bomb(tmp_path: Path) -> None:
    """A compressed body counts by what it unfolds to, as it unfolds."""
    async with receiver(tmp_path, ReceiverConfig(max_body_bytes=MIB)) as tocsin:
        headers = {"Content-Encoding": "gzip"}
        bomb = gzip.compress(b" " * 200 * MIB)
        answer = await tocsin.client.post(HOOK, data=bomb, headers=headers)
        assert answer.status == 413


async def test_a_sender_that_goes(tmp_path: Path) -> None:
    """A connection that breaks in the middle of a body leaves nothing behind."""
    async with receiver(tmp_path) as tocsin, wires(tocsin, 1) as (wire,):
        await wire.send(HEAD, "Content-Length: 1000\r\n\r\n", b" " * 10)
        await held(tocsin, 10)
        wire.close()
        await held(tocsin, 0)
        assert await tocsin.alerts() == []
