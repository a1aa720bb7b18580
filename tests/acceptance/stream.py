"""Senders that post as Alertmanager does: after 5xx and broken connections the same body again, until it is taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import aiohttp

from tests.receiver.bodies import alert, body

SENDERS = 6
GROUPS = 24
ALERTS_PER_BODY = 10
RETRY_SECONDS = 0.02
BETWEEN_SECONDS = 0.02


@dataclass
class Stream:
    """What was sent so far. Alerts have a unique label `n`; `accepted` gives the group of each that got a 2xx."""

    http: aiohttp.ClientSession
    urls: Sequence[str]
    accepted: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    retries: int = 0
    ending: bool = False
    _turn: Iterator[int] = field(default_factory=count)

    async def send(self, sender: int) -> None:
        """Sends body after body until told to end; the last one, too, until it is taken."""
        for number in count():
            if self.ending:
                return
            group = f"group-{(number * SENDERS + sender) % GROUPS}"
            names = [f"{sender}/{number}/{index}" for index in range(ALERTS_PER_BODY)]
            await self._until_taken(body(*(alert(group, n=name) for name in names), group=group))
            self.accepted |= dict.fromkeys(names, group)
            await asyncio.sleep(BETWEEN_SECONDS)

    async def _until_taken(self, content: bytes) -> None:
        while not await self._post(content):
            self.retries += 1
            await asyncio.sleep(RETRY_SECONDS)

    async def _post(self, content: bytes) -> bool:
        try:
            url = self.urls[next(self._turn) % len(self.urls)]
            async with self.http.post(url, data=content) as response:
                if 400 <= response.status < 500:
                    self.refused.append(f"{response.status} {await response.text()}")
                return response.ok
        except (aiohttp.ClientError, TimeoutError):
            return False


@asynccontextmanager
async def streaming(http: aiohttp.ClientSession, *receivers: str) -> AsyncIterator[Stream]:
    """Bodies from several senders at once for the length of a block, and then the last answer to each."""
    stream = Stream(http, [f"{receiver}/api/v2/hooks/alertmanager" for receiver in receivers])
    async with asyncio.TaskGroup() as tasks:
        for sender in range(SENDERS):
            tasks.create_task(stream.send(sender))
        try:
            yield stream
        finally:
            stream.ending = True
