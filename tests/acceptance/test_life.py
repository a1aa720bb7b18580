"""The receiver's life as a process: reload and stop under load, TLS, huge groups."""

from __future__ import annotations

import asyncio
import io
import re
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from demo.processes import TOCSIN, Died, Process, free_port
from demo.sinks import webhook_sinks
from tests.acceptance.stream import streaming
from tests.acceptance.test_kill import everything_told, nothing_lost, receiver, settled
from tests.receiver.bodies import alert, body
from tests.receiver.harness import HOOK
from tests.tls import Authority

pytestmark = pytest.mark.slow

MIB = 2**20
RELOADS = 15


def peak_bytes(process: Process) -> int:
    """The most memory that a process had resident so far."""
    status = Path(f"/proc/{process._process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


def said(process: Process, what: str) -> int:
    return process.log.read_text(encoding="utf-8").count(what)


async def until(so: Callable[[], bool]) -> None:
    """Waits for what another process does."""
    async with asyncio.timeout(30):
        while not so():  # noqa: ASYNC110 - nobody here could set an event
            await asyncio.sleep(0.02)


async def until_said(process: Process, what: str, times: int = 1) -> None:
    await until(lambda: said(process, what) >= times)


async def test_reload_under_load(tmp_path: Path) -> None:
    """However often it reloads, good configurations and bad ones, no request is refused and nothing is lost."""
    async with webhook_sinks() as (sinks, address), receiver(tmp_path, address) as tocsin:
        file = tmp_path / "receiver.yml"
        good = file.read_text()
        async with streaming(tocsin.http, tocsin.url) as stream:
            for number in range(1, RELOADS + 1):
                file.write_text(good + f"inbox_limit: {9000 + number}\n")
                tocsin.process._signal(signal.SIGHUP)
                await until_said(tocsin.process, "the configuration was read again", number)
                file.write_text(f"inbox_limit: -{number}\n")
                tocsin.process._signal(signal.SIGHUP)
                await until_said(tocsin.process, "the configuration is not taken", number)
        assert stream.retries == 0
        await settled(tocsin, sinks)
        nothing_lost(stream, await tocsin.everything("/api/v1/alerts"), await tocsin.everything("/api/v1/incidents"))
        everything_told(sinks, await tocsin.everything("/api/v1/incidents"))
        assert "Traceback" not in tocsin.process.log.read_text(encoding="utf-8")


@asynccontextmanager
async def slow_sink(release: asyncio.Event, came: list[str]) -> AsyncIterator[str]:
    """A webhook that answers only when it is told to; its address."""

    async def take(request: web.Request) -> web.Response:
        came.append(request.headers["Idempotency-Key"])
        await release.wait()
        return web.Response()

    application = web.Application()
    application.add_routes([web.post("/{name}", take)])
    server = TestServer(application)
    await server.start_server()
    try:
        yield f"127.0.0.1:{server.port}"
    finally:
        release.set()
        await server.close()


async def test_drain(tmp_path: Path) -> None:
    """On SIGTERM an upload that has begun and a message that is being sent may end; the exit code is 0."""
    release, came, whole = asyncio.Event(), list[str](), body(alert("Late"), group="Late")
    async with slow_sink(release, came) as sink, receiver(tmp_path, sink) as tocsin:
        async with tocsin.http.post(tocsin.url + HOOK, data=body(alert())) as answer:
            assert answer.status == 200
        reader, writer = await asyncio.open_connection("127.0.0.1", tocsin.port)
        writer.write(f"POST {HOOK} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(whole)}\r\n\r\n".encode() + whole[:9])
        await until(lambda: len(came) == 1)
        stopping = asyncio.create_task(tocsin.process.stop(within_seconds=40))
        await until_said(tocsin.process, "stopping")
        writer.write(whole[9:])
        async with asyncio.timeout(10):
            assert b"200" in await reader.readline()
        with pytest.raises(ConnectionRefusedError):  # a connection that was open before may still ask
            await asyncio.open_connection("127.0.0.1", tocsin.port)
        release.set()
        assert await stopping == 0
        writer.close()
        assert len(came) == 1
        await tocsin.start()
        await tocsin.ready()
        await until(lambda: len(came) == 2)
        assert max(Counter(came).values()) == 1


async def test_a_second_signal(tmp_path: Path) -> None:
    """A second SIGTERM ends the receiver at once, whatever it waits for; the next start does it again."""
    release, came = asyncio.Event(), list[str]()
    async with slow_sink(release, came) as sink, receiver(tmp_path, sink) as tocsin:
        async with tocsin.http.post(tocsin.url + HOOK, data=body(alert())) as answer:
            assert answer.status == 200
        await until(lambda: len(came) == 1)
        tocsin.process._signal(signal.SIGTERM)
        await until_said(tocsin.process, "stopping")
        began = time.monotonic()
        assert await tocsin.process.stop(within_seconds=10) == -signal.SIGTERM
        assert time.monotonic() - began < 2
        release.set()
        await tocsin.start()
        await tocsin.ready()
        await until(lambda: len(came) == 2)
        assert came[0] == came[1]


async def test_tls(tmp_path: Path) -> None:
    """The receiver speaks TLS, and shows a new certificate from the handshake on that follows its writing."""
    old, new = Authority(tmp_path, "old"), Authority(tmp_path, "new")
    old.server()
    (tmp_path / "web.yml").write_text("tls_server_config: {cert_file: server.pem, key_file: server.key}")
    port = free_port()
    command = [TOCSIN, "receiver", "run", f"--web.config.file={tmp_path / 'web.yml'}", "--web.enable-lifecycle"]
    command += [f"--storage.path={tmp_path / 'store'}", f"--web.listen-address=127.0.0.1:{port}"]
    process = await Process.start("receiver", command, tmp_path / "receiver.log")
    try:
        for authority, other in ((old, new), (new, old)):
            if authority is new:
                new.server()
            connector = aiohttp.TCPConnector(ssl=authority.client())
            async with aiohttp.ClientSession(connector=connector) as http:
                await process.ready(http, f"https://127.0.0.1:{port}/-/ready")
                async with http.post(f"https://127.0.0.1:{port}/-/reload") as answer:
                    assert answer.status == 200
                with pytest.raises(aiohttp.ClientConnectorCertificateError):
                    await http.get(f"https://127.0.0.1:{port}/-/ready", ssl=other.client())
    finally:
        assert await process.stop() == 0


async def test_a_wrong_web_configuration(tmp_path: Path) -> None:
    """A web configuration with a mistake is told with its place, and the receiver does not start."""
    (tmp_path / "web.yml").write_text("basic_auth_users:\n  alice: s3cret\n")
    command = [TOCSIN, "receiver", "run", f"--web.config.file={tmp_path / 'web.yml'}"]
    process = await Process.start("receiver", command, tmp_path / "receiver.log")
    async with aiohttp.ClientSession() as http:
        with pytest.raises(Died, match=r"web\.yml:2:\d+: error: .*is no bcrypt hash"):
            await process.ready(http, "http://127.0.0.1:9/")


async def test_a_huge_group(tmp_path: Path) -> None:
    """A group of 20,000 alerts, tens of MB in one POST, is one incident with all of them, in bounded memory."""
    labels = {f"label_{number}": "x" * 60 for number in range(20)}
    whole = body(*(alert() | {"labels": labels | {"n": str(number)}} for number in range(20_000)))
    assert len(whole) > 30 * MIB
    async with webhook_sinks() as (sinks, address), receiver(tmp_path, address) as tocsin:
        before = peak_bytes(tocsin.process)
        began = time.monotonic()
        async with tocsin.http.post(tocsin.url + HOOK, data=io.BytesIO(whole)) as answer:
            assert (answer.status, (await answer.json())["alerts"]) == (200, 20_000)
        posted = time.monotonic()
        await settled(tocsin, sinks)
        (incident,) = await tocsin.everything("/api/v1/incidents")
        assert (incident["alerts"], incident["firing"]) == (20_000, 20_000)
        grown = peak_bytes(tocsin.process) - before
        print(f"{len(whole) / MIB:.0f} MiB: POST {posted - began:.2f} s, all in {time.monotonic() - began:.1f} s")
        print(f"memory: {before / MIB:.0f} MiB before, {grown / MIB:.0f} MiB more at most")
        assert grown < 16 * len(whole)
