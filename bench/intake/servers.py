"""The two servers that are measured, and what one can see of them from outside."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from demo.processes import TOCSIN, Process, free_port, running

SENDERS = 8
POLL_SECONDS = 0.05  # a scrape takes the receiver 1 to 2 ms of its own
QUIET = "route: {receiver: nobody, group_wait: 1h}\nreceivers: [{name: nobody}]\n"
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Receiver:
    """A running receiver."""

    http: aiohttp.ClientSession
    url: str
    process: Process

    @property
    def hook(self) -> str:
        return f"{self.url}/api/v2/hooks/alertmanager"

    async def processed(self) -> float:
        """How many alerts the engine has taken in for good since the start."""
        async with self.http.get(f"{self.url}/metrics") as answer:
            lines = (line.rpartition(" ") for line in (await answer.text()).splitlines())
            return next(float(value) for name, _, value in lines if name == "tocsin_receiver_alerts_processed_total")

    async def until_processed(self, wanted: float) -> None:
        while True:
            if await self.processed() >= wanted:
                return
            await asyncio.sleep(POLL_SECONDS)

    def cpu_seconds(self) -> float:
        """Processor time used so far, by all threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self) -> int:
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def receiver(http: aiohttp.ClientSession, folder: Path, config: Path | None = None) -> AsyncIterator[Receiver]:
    """A receiver on a store in a folder, once it is ready."""
    port = free_port()
    command: list[str | Path] = [TOCSIN, "receiver", "run", f"--web.listen-address=127.0.0.1:{port}"]
    command += ["--storage.path", folder / "tocsin"]
    command += [f"--config.file={config}"] if config else []
    async with running("receiver", command, folder) as process:
        tocsin = Receiver(http, f"http://127.0.0.1:{port}", process)
        await process.ready(http, f"{tocsin.url}/-/ready")
        yield tocsin


@asynccontextmanager
async def alertmanager(http: aiohttp.ClientSession, folder: Path, binaries: Path) -> AsyncIterator[str]:
    """An Alertmanager that tells nobody; gives its URL for alerts."""
    _configure(folder)
    port = free_port()
    command: list[str | Path] = [
        binaries / "alertmanager",
        f"--config.file={folder}/alertmanager.yml",
        f"--storage.path={folder}/am",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    async with running("alertmanager", command, folder) as process:
        await process.ready(http, f"http://127.0.0.1:{port}/-/ready")
        yield f"http://127.0.0.1:{port}/api/v2/alerts"


async def post_all(http: aiohttp.ClientSession, url: str, contents: Sequence[bytes]) -> float:
    """Posts every body, a few senders at a time; gives the seconds it took."""
    left = iter(contents)

    async def send() -> None:
        for content in left:
            async with http.post(url, data=content, headers=JSON) as answer:
                answer.raise_for_status()

    began = time.perf_counter()
    await asyncio.gather(*(send() for _ in range(SENDERS)))
    return time.perf_counter() - began


def _configure(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "alertmanager.yml").write_text(QUIET)
