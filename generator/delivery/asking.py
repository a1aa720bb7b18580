"""A server that takes rules over HTTP: one request after another, tried again where that may help."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import tenacity
from yarl import URL

from generator.delivery.options import Options
from generator.online_answers import why
from generator.server_options import http_of as plainly
from tocsin import duration
from tocsin.errors import ApiUnavailable, PlaceLost, TocsinError, UsageError
from tocsin.http_client import Identity, session
from tocsin.http_config import Header, HttpConfig

MOST_BYTES = 64 * 2**20  # of one answer
MOST_SAID = 500  # characters of a server's words that are passed on
ATTEMPTS = 4
TENANT = "X-Scope-OrgID"  # of Mimir and Cortex
TRANSIENT = frozenset({429, 500, 502, 503, 504})
CLOSED = frozenset({401, 403, 407})
BACK_OFF = tenacity.wait_random_exponential(multiplier=0.3, max=5.0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes

    @property
    def said(self) -> str:
        """The server's own words on one line, cut where they are long."""
        text = " ".join(self.body[: 8 * MOST_SAID].decode("utf-8", "replace").split())
        text = "".join(char if char.isprintable() else "�" for char in text)
        return text if len(text) <= MOST_SAID else f"{text[:MOST_SAID]}…"


class _AgainError(Exception):
    """It may go well the next time."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Server:
    """One server, spoken to as `--http.config.file` says."""

    def __init__(
        self,
        opened: aiohttp.ClientSession,
        url: str,
        http: HttpConfig,
        timeout_seconds: float,
        option: str,
    ) -> None:
        """`option` is the one that names the address."""
        self.url = url
        self.session = opened
        self._http = http
        self._identity = Identity(http, opened)
        self._timeout_seconds = timeout_seconds
        self._option = option
        self._retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type((_AgainError, ApiUnavailable, aiohttp.ClientConnectionError)),
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=BACK_OFF,
            reraise=True,
        )

    async def ask(
        self,
        method: str,
        path: str,
        body: str | None = None,
        transient: frozenset[int] = TRANSIENT,
        closed: frozenset[int] = CLOSED,
    ) -> Answer:
        """The answer, whatever it says; `path` is quoted already.

        After a `transient` status it asks again; a `closed` one says that we are not let in.

        Raises:
            PlaceLost: no answer, or the server does not let us in.
        """
        try:
            answer: Answer = await self._retrying.copy()(self._once, method, path, body, transient)
        except _AgainError as error:
            answer = error.answer
        except PlaceLost:
            raise
        except (TimeoutError, aiohttp.ClientError, TocsinError) as error:
            what, hint = why(error, self._timeout_seconds, self._option)
            raise PlaceLost(f"{self.url} {what}; {hint}") from error
        if answer.status in closed:
            given = "check what it gives" if self._http.authorizes else "add basic_auth or authorization there"
            said = f": {answer.said}" if answer.said else ""
            raise PlaceLost(
                f"{self.url} refuses us ({answer.status}){said}; say who asks in --http.config.file; {given}"
            )
        return answer

    async def _once(self, method: str, path: str, body: str | None, transient: frozenset[int]) -> Answer:
        kind = [("Content-Type", "application/yaml")] if body is not None else []
        async with self.session.request(
            method,
            URL(self.url + path, encoded=True),
            data=None if body is None else body.encode(),
            headers=[*kind, *await self._identity.headers()],
            server_hostname=self._http.tls_config.server_name or None,
            # What is redirected comes as a GET, and would change nothing.
            allow_redirects=self._http.follow_redirects and method == "GET",
        ) as answer:
            if answer.status == 401:
                self._identity.refused()
            if 300 <= answer.status < 400:
                there = answer.headers.get("Location", "elsewhere").partition("?")[0]  # behind it may stand a secret
                raise PlaceLost(f"{self.url} points to {there[:MOST_SAID]!r}; write the address that answers itself")
            found = Answer(answer.status, await self._body(answer))
        if found.status in transient:
            raise _AgainError(found)
        return found

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        parts, size = [], 0
        async for part in answer.content.iter_any():
            size += len(part)
            if size > MOST_BYTES:
                raise PlaceLost(f"{self.url} answers with more than {MOST_BYTES // 2**20} MiB: is it the right one?")
            parts.append(part)
        return b"".join(parts)


@asynccontextmanager
async def opened(url: str, http: HttpConfig, options: Options, option: str) -> AsyncIterator[Server]:
    """The server at an address that an option names, as long as the block lasts."""
    seconds = timeout_seconds(options)
    async with session(http, seconds) as client:
        yield Server(client, url, http, seconds, option)


def http_of(file: Path | None, tenant: str = "") -> HttpConfig:
    """How to ask, with the tenant in a header if there is one.

    Raises:
        InputError: the file has problems.
        UsageError: the tenant cannot be one, or stands in the file, too.
    """
    config = plainly(file)
    if not tenant:
        return config
    if any(name.lower() == TENANT.lower() for name in config.http_headers):
        raise UsageError(f"--tenant-id: {TENANT} stands in --http.config.file, too; keep one of them")
    if not tenant.isprintable() or not tenant.isascii():
        raise UsageError(f"--tenant-id: {tenant!r} cannot be one")
    return config.model_copy(update={"http_headers": {**config.http_headers, TENANT: Header(values=(tenant,))}})


def timeout_seconds(options: Options) -> float:
    """How long one request may take.

    Raises:
        UsageError: it is no duration.
    """
    try:
        return duration.parse(options.timeout).total_seconds()
    except ValueError as error:
        raise UsageError(f"--timeout: {error}") from None
