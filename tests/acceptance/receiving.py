"""A receiver as people run it, for tests that look at what it makes of real Alertmanagers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from demo.processes import TOCSIN, Process, free_port
from demo.sinks import Sinks, webhook_sinks

WITHIN_SECONDS = 60.0  # for busy machines; what is there sooner is waited for no longer
POLL_SECONDS = 0.1


@dataclass
class Receiving:
    """A receiver that runs, and whom it told."""

    http: aiohttp.ClientSession
    url: str
    process: Process
    sinks: Sinks

    @property
    def hook(self) -> str:
        return f"{self.url}/api/v2/hooks/alertmanager"

    @property
    def told(self) -> list[str]:
        """The kinds of the messages that went out, in order."""
        return [arrival.kind for arrival in self.sinks.arrivals]

    async def items(self, what: str) -> list[dict[str, Any]]:
        async with self.http.get(f"{self.url}/api/v1/{what}?limit=1000") as answer:
            found: list[dict[str, Any]] = (await answer.json())["items"]
        return found

    async def alerts(self) -> dict[str, list[str]]:
        """The statuses of each alert's occurrences, oldest first, by its label `n`."""
        found: dict[str, list[str]] = {}
        for alert in sorted(await self.items("alerts"), key=lambda one: str(one["starts_at"])):
            found.setdefault(alert["labels"].get("n", ""), []).append(alert["status"])
        return found

    async def until(self, alerts: Mapping[str, list[str]], incidents: list[str], told: list[str]) -> None:
        """Returns when alerts, statuses of incidents (oldest first) and messages are as wanted, all at once."""

        async def look() -> object:
            statuses = [one["status"] for one in reversed(await self.items("incidents"))]
            return await self.alerts(), statuses, self.told

        await self.eventually(look, (dict(alerts), incidents, told))

    async def eventually(self, look: Callable[[], Awaitable[object]], wanted: object) -> None:
        """Returns when something looks as wanted; fails with what was there instead."""
        seen: object = None
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                while (seen := await look()) != wanted:
                    self.process.check()
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise AssertionError(f"wanted {wanted}, saw {seen}\n{self.process.tail()}") from None

    async def stays(self, seconds: float, look: Callable[[], object]) -> None:
        """Something does not change for so long."""
        before = (look(), await self.alerts(), len(await self.items("incidents")))
        await asyncio.sleep(seconds)
        assert (look(), await self.alerts(), len(await self.items("incidents"))) == before


@asynccontextmanager
async def receiving(folder: Path, config: Mapping[str, Any], *, port: int | None = None) -> AsyncIterator[Receiving]:
    """A receiver that pages one webhook at once, for the length of a block."""
    port = port or free_port()
    async with webhook_sinks() as (sinks, address), aiohttp.ClientSession() as http:
        told = {
            "channels": {"hook": {"webhook": {"url": f"http://{address}/hook"}}},
            "escalation": {"steps": [{"notify": ["hook"]}]},
        }
        (folder / "receiver.yml").write_text(json.dumps(told | dict(config)))
        command = [TOCSIN, "receiver", "run", f"--config.file={folder / 'receiver.yml'}"]
        command += [f"--storage.path={folder / 'store'}", f"--web.listen-address=127.0.0.1:{port}"]
        process = await Process.start("receiver", command, folder / "receiver.log")
        try:
            url = f"http://127.0.0.1:{port}"
            await process.ready(http, f"{url}/-/ready")
            yield Receiving(http, url, process, sinks)
            assert "Traceback" not in process.log.read_text(encoding="utf-8")
        finally:
            await process.kill()
