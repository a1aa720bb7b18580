"""A real Prometheus over blocks that promtool made: it scrapes nothing, evaluates nothing and forgets nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from demo.processes import free_port, running

# What is in the blocks stays as it is: no time passes here, and blocks that overlap are read side by side.
FLAGS = (
    "--storage.tsdb.retention.time=100y",
    "--no-storage.tsdb.allow-overlapping-compaction",
    "--query.max-samples=200000000",
    "--log.level=warn",
)


@asynccontextmanager
async def serving(binaries: Path, folder: Path) -> AsyncIterator[str]:
    """The address of a Prometheus over the blocks of `folder`/data, for the length of a block."""
    config = folder / "prometheus.yml"
    config.write_text("global: {evaluation_interval: 1m}\n", encoding="utf-8")
    port = free_port()
    command: list[str | Path] = [
        binaries / "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        *FLAGS,
    ]
    url = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as http, running("prometheus", command, folder) as process:
        await process.ready(http, f"{url}/-/ready")
        yield url
