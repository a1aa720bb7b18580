"""`Idempotency-Key`: a POST that is sent again is carried out once, and both are given the same answer.

Source: draft-ietf-httpapi-idempotency-key-header. Kept is what changed something (2xx), for 24 hours, by who asked and
the key; whatever was refused may be asked again under its key.
"""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress
from hashlib import sha256
from typing import Self

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from receiver.store.answered import Answered, Kept
from receiver.web.access import asking
from receiver.web.problems import BadRequest, InProgress, KeyReused
from tocsin.clock import Clock
from tocsin.errors import StoreUnavailable

log = structlog.get_logger("receiver.web")

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEY = re.compile(r"[!-~]{1,255}")
WAIT_SECONDS = 5.0  # for the same request, while it is being worked on
LOOK_SECONDS = 0.05
LARGEST_BYTES = 2**20  # of an answer that is kept
PREFIX = "/api/v1/"
TOLD = ("Content-Type", "Location")  # the headers that are part of an answer


class Idempotency:
    """The middleware; the innermost but for the handler, so that it knows who asks."""

    def __init__(self, answered: Answered, clock: Clock) -> None:
        self._answered = answered
        self._clock = clock
        self.wait_seconds = WAIT_SECONDS

    @classmethod
    async def open(cls, answered: Answered, clock: Clock) -> Self:
        """Lets go what an earlier process of ours had begun, and never will end."""
        await answered.free()
        return cls(answered, clock)

    def middleware(self) -> Middleware:
        @web.middleware
        async def once(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.method != "POST" or HEADER not in request.headers or not request.path.startswith(PREFIX):
                return await handler(request)
            who, key = asking(request).name, key_of(request)
            before = await self._claim(who, key, await _hash(request))
            if before is not None:
                return _again(before)
            try:
                answer = await handler(request)
                await self._keep(who, key, answer)
            except BaseException:
                await self._let_go(who, key)
                raise
            return answer

        return once

    async def _claim(self, who: str, key: str, request: str) -> Kept | None:
        """The answer that was given before; None: this one is the first."""
        deadline = time.monotonic() + self.wait_seconds
        while True:
            before = await self._answered.claim(who, key, request, self._clock.now())
            if before is None:
                return None
            if before.request != request:
                raise KeyReused(f"another request came with this {HEADER}; use a new one for each thing to be done")
            if before.status is not None:
                return before
            if time.monotonic() >= deadline:
                raise InProgress(f"the same request with this {HEADER} is being worked on; ask again in a moment")
            await asyncio.sleep(LOOK_SECONDS)

    async def _keep(self, who: str, key: str, answer: web.StreamResponse) -> None:
        """Keeps what changed something. A store that is away costs the repeat its answer, not this one."""
        content = answer.body if isinstance(answer, web.Response) and isinstance(answer.body, bytes) else b""
        secret = "no-store" in answer.headers.get("Cache-Control", "")  # a token is shown once, and kept nowhere
        if not 200 <= answer.status < 300 or len(content) > LARGEST_BYTES or secret:
            await self._let_go(who, key)
            return
        headers = {name: answer.headers[name] for name in TOLD if name in answer.headers}
        try:
            await self._answered.keep(who, key, Kept("", answer.status, headers, content))
        except StoreUnavailable as error:
            log.warning("an answer is not kept for its key", reason=str(error))

    async def _let_go(self, who: str, key: str) -> None:
        with suppress(StoreUnavailable):  # then it lapses by itself
            await self._answered.let_go(who, key)


def key_of(request: web.Request) -> str:
    """The request's key, an empty text where it has none.

    Raises:
        BadRequest: it is none.
    """
    key = request.headers.get(HEADER, "")
    if HEADER in request.headers and not KEY.fullmatch(key):
        wrong = "must be 1 to 255 printable ASCII characters without spaces; a UUID serves"
        raise BadRequest(f"{HEADER} {wrong}", [(HEADER, wrong)])
    return key


async def _hash(request: web.Request) -> str:
    said = f"{request.method} {request.path_qs}\n".encode("utf-8", "surrogateescape")
    return sha256(said + await request.read()).hexdigest()


def _again(kept: Kept) -> web.Response:
    headers = {**kept.headers, REPLAYED: "true"}
    return web.Response(status=kept.status or 200, body=kept.content, headers=headers)
