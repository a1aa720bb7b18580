"""The client whose calls are awaited: aiohttp, imported when it is used.

async with AsyncClient.from_environment() as client:
    await client.raise_incident("Payments are stuck", severity="critical")
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tocsin.client.call import Awaiting, Call, Json, calendar_path, path
from tocsin.client.calls import Calls
from tocsin.client.run_calls import RunCalls
from tocsin.client.server import TIMEOUT_SECONDS, Server, attempts, key_of
from tocsin.errors import UsageError

if TYPE_CHECKING:
    from aiohttp import ClientSession


@dataclass(slots=True)
class _Session:
    """The connections, while the client is entered."""

    open: ClientSession | None = None


@dataclass(frozen=True, slots=True)
class AsyncClient(Server, Calls, RunCalls, Awaiting):
    """Speaks to one server, while it is entered by `async with`. A POST is sent again as `Client` does it."""

    _session: _Session = field(default_factory=_Session, repr=False, compare=False)

    async def __aenter__(self) -> Self:
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        self._session.open = aiohttp.ClientSession(timeout=timeout, trust_env=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session.open is not None:
            await self._session.open.close()
            self._session.open = None

    async def ask(self, call: Call) -> Any:
        """The answer to a call.

        Raises:
            ApiUnavailable: the server cannot be reached, or cannot answer just now.
            TocsinError: it refuses; the message is its own.
        """
        key = key_of(call)
        if not key:
            return self.json(call, await self._send(call, ""))
        import tenacity

        send = tenacity.AsyncRetrying(**attempts()).wraps(self._send)
        return self.json(call, await send(call, key))

    async def pages(self, call: Call) -> AsyncIterator[Json]:
        """Every item of a list, page by page; raises as `ask` does."""
        cursor = None
        while True:
            page = await self.ask(Call(call.method, call.path, {**call.query, "limit": 1000, "cursor": cursor}))
            for item in page["items"]:
                yield item
            cursor = page["next"]
            if cursor is None:
                return

    async def graph(self, incident: str, drawn: str = "svg") -> str:
        """The tree of an incident as a picture: `svg` or `mermaid`."""
        return (await self._send(Call("GET", path("incidents", incident, "graph"), {"format": drawn}), "")).decode()

    async def calendar(self, schedule: str, weeks: int) -> bytes:
        """A schedule's shifts as iCalendar."""
        return await self._send(Call("GET", calendar_path(schedule), {"weeks": weeks}), "")

    async def _send(self, call: Call, key: str) -> bytes:
        """One request, sent once."""
        import aiohttp
        from yarl import URL

        if self._session.open is None:
            raise UsageError(
                "the client is not open: use it inside `async with AsyncClient.from_environment() as client`"
            )
        data = None if call.body is None else json.dumps(call.body).encode()
        where = URL(self.url + call.target, encoded=True)
        try:
            async with self._session.open.request(
                call.method, where, data=data, headers=self.headers(call.body, key)
            ) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self.unreachable(error) from error
        if answer.status >= 400:
            raise self.refusal(answer.status, content)
        return content
