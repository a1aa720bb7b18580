"""What happens while a fault goes on, as it becomes known: at Prometheus, Alertmanager, the receiver and the sinks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec

from demo.sinks import Arrival
from demo.sources import Sources
from demo.stack import Stack
from demo.timeline import NotSeen

POLL_SECONDS = 0.5
QUIET_SECONDS = 90.0  # within which everything is scraped and evaluated for the first time

# What a label says of many alerts alike, or what the line says anyway.
UNTOLD = frozenset({"alertname", "severity", "category", "owner", "tenant", "cluster", "query", "job", "horizon"})


@dataclass(frozen=True, slots=True)
class News:
    """One thing that has become known; `fires` names the alert if that is what happened."""

    text: str
    fires: str = ""


@dataclass(slots=True)
class Watching:
    """Looks around again and again, and tells what was not so before."""

    stack: Stack
    _firing: dict[str, str] = field(default_factory=dict)  # an alert's labels, and how it is called
    _passed_on: set[str] = field(default_factory=set)
    _incidents: dict[str, str] = field(default_factory=dict)  # status by id
    _arrived: int = 0

    async def settled(self) -> list[str]:
        """Waits until Prometheus scrapes everything; returns what fires already (as a heartbeat does): that is no news.

        Raises:
            NotSeen: some targets do not come up.
        """
        see = Sources(self.stack)
        loop = asyncio.get_running_loop()
        end = loop.time() + QUIET_SECONDS
        while True:
            try:
                await see.targets_up()
                break
            except NotSeen:
                self.stack.check()
                if loop.time() > end:
                    raise
            await asyncio.sleep(POLL_SECONDS)
        return sorted({one.fires async for one in self.news() if one.fires})

    async def news(self) -> AsyncIterator[News]:
        """What has become known since the last look. A server that does not answer has none."""
        for look in (self._alerts, self._alertmanager, self._told_of, self._messages):
            try:
                for one in await look():
                    yield one
            except (aiohttp.ClientError, TimeoutError):
                self.stack.check()

    async def _alerts(self) -> list[News]:
        found = (await self._get("prometheus", "/api/v1/alerts"))["data"]["alerts"]
        firing = {_key(one["labels"]): one["labels"] for one in found if one["state"] == "firing"}
        news = [
            News(f"{called(labels)} fires ({subject(labels)})", labels["alertname"])
            for key, labels in firing.items()
            if key not in self._firing
        ]
        news += [News(f"{name} fires no more") for key, name in self._firing.items() if key not in firing]
        self._firing = {key: called(labels) for key, labels in firing.items()}
        return news

    async def _alertmanager(self) -> list[News]:
        found = await self._get("alertmanager", "/api/v2/alerts?active=true")
        names = sorted({str(one["labels"]["alertname"]) for one in found} - self._passed_on)
        self._passed_on.update(names)
        return [News(f"Alertmanager passes on {', '.join(names)}")] if names else []

    async def _told_of(self) -> list[News]:
        found = (await self._get("receiver", "/api/v1/incidents?limit=1000"))["items"]
        news = list(self._changed(reversed(found)))
        self._incidents.update({one["id"]: one["status"] for one in found})
        return news

    def _changed(self, incidents: Any) -> Iterator[News]:
        for one in incidents:
            before = self._incidents.get(one["id"])
            if before is None:
                yield News(f"incident {one['id']} opens: {one['title']}")
            elif before != one["status"]:
                yield News(f"incident {one['id']} is {one['status']}: {one['title']}")

    async def _messages(self) -> list[News]:
        arrivals = msgspec.convert(await self._get("sinks", "/messages"), list[Arrival], strict=False)
        fresh, self._arrived = arrivals[self._arrived :], len(arrivals)
        return [News(f"{one.sink} is told ({one.kind}): {one.subject}") for one in fresh]

    async def _get(self, server: str, path: str) -> Any:
        async with self.stack.http.get(self.stack.urls[server] + path) as response:
            response.raise_for_status()
            return await response.json()


def called(labels: Mapping[str, str]) -> str:
    return labels["alertname"]


def subject(labels: Mapping[str, str]) -> str:
    """How bad it is, and what it is about: `critical, catalogue`."""
    about = [value for name, value in sorted(labels.items()) if name not in UNTOLD and value]
    return ", ".join([labels.get("severity", "?"), *about])


def _key(labels: Mapping[str, str]) -> str:
    return msgspec.json.encode(labels, order="sorted").decode()
