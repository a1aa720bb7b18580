"""`GET /api/v1/record`: every body from now on as it is taken in, one line each, for as long as somebody reads.

Whoever reads too slowly misses lines and is told how many: intake waits for no reader.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec
from aiohttp import web

from receiver.engine.notification import Body
from receiver.replay.lines import line_of
from receiver.web.declared import Media, operation
from receiver.web.problems import problem

PATH = "/api/v1/record"
MOST_AT_ONCE = 4
MOST_WAITING_BYTES = 16 * 2**20  # of bodies that one reader has not taken yet
ALIVE_SECONDS = 1.0  # between empty lines while nothing comes: both ends see that the other is there
LARGE_BYTES = 256 * 1024  # written as a line off the event loop


@dataclass(slots=True)
class Reader:
    """What waits for one who records."""

    most_bytes: int = MOST_WAITING_BYTES
    dropped: int = 0
    _waiting: deque[Body] = field(default_factory=deque)
    _bytes: int = 0
    _latest: datetime | None = None
    _some: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, body: Body) -> None:
        """Keeps a body until it is read; what finds no room is counted. Times never go back."""
        if self._waiting and self._bytes + len(body.content) > self.most_bytes:
            self.dropped += 1
        else:
            self._latest = max(self._latest or body.received_at, body.received_at)
            self._waiting.append(replace(body, received_at=self._latest))
            self._bytes += len(body.content)
        self._some.set()

    async def next(self, wait_seconds: float = ALIVE_SECONDS) -> Body | None:
        """The oldest body that waits, or None if there is none for a while."""
        if not self._waiting:
            self._some.clear()
            try:
                async with asyncio.timeout(wait_seconds):
                    await self._some.wait()
            except TimeoutError:
                return None
        if not self._waiting:
            return None
        body = self._waiting.popleft()
        self._bytes -= len(body.content)
        return body

    def wake(self) -> None:
        """Ends the wait."""
        self._some.set()


class Recording:
    """Hands bodies out to those who record."""

    def __init__(self) -> None:
        self._readers: list[Reader] = []
        self._ended = False

    def routes(self) -> list[web.RouteDef]:
        return [web.get(PATH, self.record)]

    def taken(self, body: Body) -> None:
        """Tells everybody who records of a body that was committed."""
        for reader in self._readers:
            reader.offer(body)

    async def end(self, application: web.Application) -> None:
        """Ends every recording, before the server stops."""
        self._ended = True
        for reader in self._readers:
            reader.wake()

    @operation(
        "Record what is taken in",
        "admin:all",
        {200: Media("application/x-ndjson", "One line a body; an empty one now and then.")},
        tag="operation",
    )
    async def record(self, request: web.Request) -> web.StreamResponse:
        """Streams until the caller goes away or the receiver stops."""
        if len(self._readers) >= MOST_AT_ONCE:
            return problem(503, f"{MOST_AT_ONCE} recordings are under way; end one of them first")
        with self._reading() as reader:
            answer = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
            await answer.prepare(request)
            with suppress(ConnectionResetError):  # the caller has enough
                await self._hand_out(reader, answer)
            return answer

    async def _hand_out(self, reader: Reader, answer: web.StreamResponse) -> None:
        await answer.write(b"\n")  # the caller sees that recording has begun
        while not self._ended:
            body = await reader.next()
            if reader.dropped:
                dropped, reader.dropped = reader.dropped, 0
                await answer.write(b'{"dropped":%d}\n' % dropped)
            await answer.write(b"\n" if body is None else await _line(body))
        await answer.write_eof()

    @contextmanager
    def _reading(self) -> Iterator[Reader]:
        reader = Reader()
        self._readers.append(reader)
        try:
            yield reader
        finally:
            self._readers.remove(reader)


async def _line(body: Body) -> bytes:
    """The body's line; an empty one for what cannot be written as one."""
    try:
        return line_of(body) if len(body.content) < LARGE_BYTES else await asyncio.to_thread(line_of, body)
    except msgspec.DecodeError:
        return b"\n"
