"""Real Alertmanagers for tests: one, or peers of a cluster, on free loopback ports."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from demo.processes import Process, free_port
from tests.real import Binaries


@dataclass
class RunningAlertmanager:
    """An Alertmanager that runs, and what a Prometheus and people would say to it."""

    url: str
    process: Process
    http: aiohttp.ClientSession = field(repr=False)
    config: Path

    async def fire(self, *alerts: Mapping[str, str], for_seconds: float = 3600, since: datetime | None = None) -> None:
        """Tells it of alerts, by their labels, that fire for so long unless told again."""
        now = datetime.now(UTC)
        times = {"startsAt": (since or now).isoformat(), "endsAt": (now + timedelta(seconds=for_seconds)).isoformat()}
        await self._post("alerts", [{"labels": labels} | times for labels in alerts])

    async def resolve(self, *alerts: Mapping[str, str]) -> None:
        """Tells it that alerts have ended."""
        ended = datetime.now(UTC).isoformat()
        await self._post("alerts", [{"labels": labels, "endsAt": ended} for labels in alerts])

    async def reload(self, config: Mapping[str, Any]) -> None:
        """Gives it another configuration."""
        self.config.write_text(json.dumps(config))
        async with self.http.post(f"{self.url}/-/reload") as answer:
            assert answer.status == 200, await answer.text()

    async def silence(self, alertname: str, *, for_seconds: float = 3600) -> str:
        """Silences an alert by name; gives the silence's id."""
        now = datetime.now(UTC)
        matcher = {"name": "alertname", "value": alertname, "isRegex": False, "isEqual": True}
        silence = {"matchers": [matcher], "createdBy": "test", "comment": "test"}
        times = {"startsAt": now.isoformat(), "endsAt": (now + timedelta(seconds=for_seconds)).isoformat()}
        return str((await self._post("silences", silence | times))["silenceID"])

    async def _post(self, path: str, content: Any) -> Any:
        async with self.http.post(f"{self.url}/api/v2/{path}", json=content) as answer:
            said = await answer.text()
            assert answer.status == 200, said
            return json.loads(said) if said else None


def tells(url: str, *, receiver: str = "tocsin", **webhook: Any) -> dict[str, Any]:
    """A configuration that tells one webhook of everything, quickly."""
    route = {"receiver": receiver, "group_by": ["alertname"], "group_wait": "0s", "group_interval": "1s"}
    return {"route": route, "receivers": [{"name": receiver, "webhook_configs": [{"url": url} | webhook]}]}


@dataclass
class Address:
    """Where an Alertmanager listens, for people and for its peers."""

    web: int = field(default_factory=free_port)
    cluster: int = field(default_factory=free_port)


@asynccontextmanager
async def alertmanager(
    binaries: Binaries,
    folder: Path,
    config: Mapping[str, Any],
    *,
    name: str = "alertmanager",
    address: Address | None = None,
    peers: Sequence[Address] = (),
) -> AsyncIterator[RunningAlertmanager]:
    """A real Alertmanager for the length of a block: alone, or with peers that it knows."""
    address = address or Address()
    file = folder / f"{name}.yml"
    file.write_text(json.dumps(config))  # JSON is YAML
    joined = [f"--cluster.peer=127.0.0.1:{peer.cluster}" for peer in peers]
    listen = [f"--cluster.listen-address=127.0.0.1:{address.cluster}", "--cluster.peer-timeout=2s"]
    command: list[str | Path] = [
        binaries.alertmanager,
        f"--config.file={file}",
        f"--storage.path={folder / name}",
        f"--web.listen-address=127.0.0.1:{address.web}",
        *([*listen, "--cluster.settle-timeout=1s", *joined] if peers else ["--cluster.listen-address="]),
    ]
    url = f"http://127.0.0.1:{address.web}"
    process = await Process.start(name, command, folder / f"{name}.log")
    async with aiohttp.ClientSession() as http:
        try:
            await process.ready(http, f"{url}/-/ready")
            yield RunningAlertmanager(url, process, http, file)
        finally:
            await process.kill()


@asynccontextmanager
async def alertmanagers(
    binaries: Binaries, folder: Path, config: Mapping[str, Any], *, count: int, joined: bool
) -> AsyncIterator[list[RunningAlertmanager]]:
    """Several real Alertmanagers with one configuration: peers of one cluster, or torn apart."""
    addresses = [Address() for _ in range(count)]
    async with AsyncExitStack() as stack:
        starting = [
            alertmanager(
                binaries, folder, config, name=f"am-{number}", address=address, peers=addresses if joined else ()
            )
            for number, address in enumerate(addresses)
        ]
        yield [await stack.enter_async_context(one) for one in starting]
