"""Reading bodies within bounds: neither slow nor many large ones exhaust memory, and a small one never waits.

What is cut off is answered 503 and not 408, 413 or 429, which Alertmanager takes as final
(prometheus/alertmanager notify/util.go, Retrier.Check).
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from aiohttp import StreamReader, web

SMALL_BYTES = 64 * 1024  # always taken: a page does not wait for what is bulky; aiohttp buffers as much by itself
WINDOW_SECONDS = 5.0  # a body must keep its rate in each of them
PATIENCE_SECONDS = 5.0  # how long a body waits for others to give room
COPIES = 2  # of one body at a time while it is committed: the database driver's and the database's


class TooLarge(Exception):
    """The body is over its bound."""


class CutOff(Exception):
    """The body is not read to its end, and the sender must try again; `reason` is a word for counting."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bytes, bytes a second, seconds."""

    max_body_bytes: int
    max_inflight_bytes: int
    min_rate: int
    timeout_seconds: float


@dataclass(slots=True, eq=False)
class _Upload:
    """One body on its way in. It holds its bytes until it has been answered; while it arrives it can give way."""

    held: int = 0
    arriving: bool = True
    gives_way: bool = False
    _reading: asyncio.Timeout | None = None

    async def next_chunk(self, content: StreamReader, until: float) -> bytes | None:
        """What has come, b"" at the body's end; None if nothing came until then, or it was sent away."""
        try:
            async with asyncio.timeout_at(until) as self._reading:
                return await content.readany()
        except TimeoutError:
            return None
        finally:
            self._reading = None

    def send_away(self) -> None:
        """Wakes it up to end without its body."""
        self.arriving, self.gives_way = False, True
        if self._reading is not None and not self._reading.expired():
            self._reading.reschedule(asyncio.get_running_loop().time())


class Uploads:
    """Every body on its way in, oldest first.

    Bytes count as they arrive, whatever was announced, and room for the copies of the largest is kept free. When they
    would be too many, the youngest body beyond `SMALL_BYTES` gives way, so that older ones end and give their room
    back: all at once, none would ever end.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.held = 0
        self._uploads: list[_Upload] = []
        self._room = asyncio.Event()

    @asynccontextmanager
    async def body(self, request: web.Request) -> AsyncIterator[bytes]:
        """A request's body; its bytes count until the end of the block.

        Raises:
            TooLarge: it is over its bound.
            CutOff: it comes too slowly, or there is no room for it.
        """
        if (request.content_length or 0) > self.bounds.max_body_bytes:
            raise TooLarge
        await _invite(request)
        upload = _Upload()
        self._uploads.append(upload)
        try:
            content = await self._read(request, upload)
            upload.arriving = False
            yield content
        finally:
            self._uploads.remove(upload)
            self._free(upload)

    async def ended(self, *, within_seconds: float) -> None:
        """Waits until no body is on its way in, or that long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_seconds):
                while self._uploads:
                    await self._room.wait()

    async def _read(self, request: web.Request, upload: _Upload) -> bytes:
        bounds, loop = self.bounds, asyncio.get_running_loop()
        whole = io.BytesIO()  # grows in place, and hands out its bytes without a copy
        window_start, window_bytes, end = loop.time(), 0, loop.time() + bounds.timeout_seconds
        while True:
            until = min(window_start + WINDOW_SECONDS, end)
            chunk = await upload.next_chunk(request.content, until)
            if upload.gives_way:
                raise _no_room()
            if chunk is None:
                if until == end or window_bytes < bounds.min_rate * WINDOW_SECONDS:
                    raise _too_slow(bounds)
                window_start, window_bytes = loop.time(), 0
                continue
            if not chunk:
                return whole.getvalue()
            if upload.held + len(chunk) > bounds.max_body_bytes:
                raise TooLarge
            waited = await self._make_room(upload, len(chunk))
            window_start, end = window_start + waited, end + waited
            window_bytes += len(chunk)
            whole.write(chunk)

    async def _make_room(self, upload: _Upload, wanted: int) -> float:
        """Counts bytes as held, once there is room for them; returns the seconds that took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while upload.held + wanted > SMALL_BYTES and not self._fits(upload, wanted):
            youngest = next(u for u in reversed(self._uploads) if u.arriving and (u is upload or u.held > SMALL_BYTES))
            if youngest is not upload:
                youngest.send_away()
                self._free(youngest)
                continue
            try:
                async with asyncio.timeout_at(began + PATIENCE_SECONDS):
                    await self._room.wait()
            except TimeoutError:
                raise _no_room() from None
            if upload.gives_way:
                raise _no_room()
        upload.held += wanted
        self.held += wanted
        return loop.time() - began

    def _fits(self, upload: _Upload, wanted: int) -> bool:
        """Whether there is room beside the copies of the largest; for one body alone there always is."""
        largest = max(upload.held + wanted, *(other.held for other in self._uploads))
        return self.held + wanted <= max(self.bounds.max_body_bytes, self.bounds.max_inflight_bytes - COPIES * largest)

    def _free(self, upload: _Upload) -> None:
        self.held -= upload.held
        upload.held = 0
        self._room.set()
        self._room = asyncio.Event()


async def _invite(request: web.Request) -> None:
    """Tells a sender that waits for it to go on (RFC 9110, 10.1.1); not before it has proved itself."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


async def ask_later(request: web.Request) -> None:
    """An `expect_handler` that leaves the invitation to `Uploads`."""


def _no_room() -> CutOff:
    return CutOff("no_room", "the bodies on their way in hold max_inflight_bytes already")


def _too_slow(bounds: Bounds) -> CutOff:
    limit = f"{bounds.min_rate:,} bytes a second (min_upload_rate), {bounds.timeout_seconds:g} s in all"
    return CutOff("too_slow", f"the body comes too slowly (bounds: {limit} by upload_timeout)")
