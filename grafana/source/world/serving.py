"""A Prometheus over blocks, which scrapes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from demo.processes import free_port, running

PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Tools:
    """The programs of one Prometheus release."""

    prometheus: Path
    promtool: Path


@asynccontextmanager
async def serving(folder: Path, tools: Tools) -> AsyncIterator[str]:
    """The address of a Prometheus over the folder's `data`.

    Raises:
        TimeoutError: it was not ready in time; its log lies in the folder.
    """
    (folder / "prometheus.yml").write_text("{}\n", encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    command: list[str | Path] = [
        tools.prometheus,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=1y",
        f"--web.listen-address={address}",
    ]
    async with running("prometheus", command, folder):
        async with asyncio.timeout(PATIENCE_SECONDS):
            await _ready(f"http://{address}/-/ready")
        yield f"http://{address}"


async def _ready(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
