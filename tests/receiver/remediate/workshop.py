"""A receiver and workers of their own as processes on one PostgreSQL, with a Prometheus that answers one number.

As a program, `python -m tests.receiver.remediate.workshop CONFIG ADDRESS STORAGE`, it is one worker.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from demo.processes import TOCSIN, Process, free_port
from receiver.config import ReceiverConfig
from tests.receiver.harness import HOOK
from tocsin.config import load
from tocsin.serving import Listen

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Workshop:
    """They run; whoever is killed can be started again."""

    http: aiohttp.ClientSession
    folder: Path
    receiver: Process
    url: str
    workers: dict[str, Process] = field(default_factory=dict)

    async def start(self, name: str) -> Process:
        """A worker, ready."""
        port = free_port()
        arguments = [str(self.folder / "receiver.yml"), f"127.0.0.1:{port}", str(self.folder / name)]
        command = [sys.executable, "-m", __name__, *arguments]
        one = await Process.start(name, command, self.folder / f"{name}.log", {"PYTHONPATH": str(ROOT)})
        self.workers[name] = one
        await one.ready(self.http, f"http://127.0.0.1:{port}/-/ready")
        return one

    async def post(self, content: bytes) -> None:
        async with self.http.post(f"{self.url}{HOOK}", data=content) as answer:
            assert answer.status == 200, await answer.text()

    async def timeline(self) -> list[dict[str, Any]]:
        """What happened to the one incident that there is; empty before there is one."""
        async with self.http.get(f"{self.url}/api/v1/incidents") as answer:
            items = (await answer.json())["items"]
        if not items:
            return []
        async with self.http.get(f"{self.url}/api/v1/incidents/{items[0]['id']}") as answer:
            found: list[dict[str, Any]] = (await answer.json())["timeline"]
        return found


@asynccontextmanager
async def workshop(
    folder: Path, database: str, documents: Sequence[Mapping[str, Any]], remediation: Mapping[str, Any], *names: str
) -> AsyncIterator[Workshop]:
    """A receiver that runs no steps, and a worker of each name; programs may be started from the folder `programs`."""
    async with AsyncExitStack() as stack:
        (folder / "runbooks.yml").write_text(yaml.safe_dump_all(documents))
        prometheus = await stack.enter_async_context(_prometheus())
        settings = {
            "database": {"url": database},
            "remediation": {
                "separate_worker": True,
                "runbook_files": ["runbooks.yml"],
                "prometheus": {"url": prometheus},
                "exec": {"allow": [str(folder / "programs")]},
                **remediation,
            },
        }
        (folder / "receiver.yml").write_text(yaml.safe_dump(settings))
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)))
        port = free_port()
        command = [TOCSIN, "receiver", "run", f"--config.file={folder / 'receiver.yml'}"]
        command += [f"--storage.path={folder / 'store'}", f"--web.listen-address=127.0.0.1:{port}"]
        receiver = await Process.start("receiver", command, folder / "receiver.log")
        stack.push_async_callback(receiver.kill)
        made = Workshop(http, folder, receiver, f"http://127.0.0.1:{port}")
        stack.push_async_callback(_kill, made)
        await receiver.ready(http, f"{made.url}/-/ready")
        for name in names:
            await made.start(name)
        yield made


async def _kill(made: Workshop) -> None:
    for one in made.workers.values():
        await one.kill()


@asynccontextmanager
async def _prometheus() -> AsyncIterator[str]:
    """Every expression gives 0."""

    async def answer(request: web.Request) -> web.Response:
        result = [{"metric": {}, "value": [0, "0"]}]
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": result}})

    application = web.Application()
    application.add_routes([web.post("/api/v1/query", answer), web.get("/api/v1/query", answer)])
    server = TestServer(application)
    await server.start_server()
    try:
        yield str(server.make_url("")).rstrip("/")
    finally:
        await server.close()


def _work(config: str, address: str, storage: str) -> None:
    from receiver.worker import run

    file = Path(config)
    asyncio.run(run(load(file, ReceiverConfig), Listen.parse(address), Path(storage), config_file=file))


if __name__ == "__main__":
    _work(*sys.argv[1:])
