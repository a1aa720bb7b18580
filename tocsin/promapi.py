"""What we ask of Prometheus-compatible servers: queries and more, with fail-over and retries."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import aiohttp
import tenacity

from tocsin.errors import ApiUnavailable, TocsinError
from tocsin.http_client import Identity
from tocsin.http_config import HttpConfig
from tocsin.promanswer import (
    NoAnswer,
    NothingToRead,
    NotLetIn,
    NotPrometheus,
    QueryError,
    QueryRefused,
    Sample,
    Series,
    TooMuch,
    TooSlow,
    decode,
    decode_instant,
    ignore,
)

__all__ = [
    "MOST_BYTES",
    "MOST_POINTS",
    "NoAnswer",
    "NotLetIn",
    "NotPrometheus",
    "NothingToRead",
    "Prometheus",
    "QueryError",
    "QueryRefused",
    "Sample",
    "Series",
    "TooMuch",
    "TooSlow",
    "decode",
]

MOST_POINTS = 11_000  # of one series in one answer: web/api/v1/api.go refuses more
MOST_BYTES = 512 * 2**20  # of one answer
MOST_AT_ONCE = 4  # requests to a server
AS_IT_IS = (("Accept-Encoding", "identity"),)  # to inflate an answer costs more than to take it whole
ATTEMPTS = 3
BACK_OFF = tenacity.wait_random_exponential(multiplier=0.2, max=2.0)

T = TypeVar("T")


class Prometheus:
    """One or several servers that hold the same series; the first that answers is asked again the next time."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        urls: Sequence[str],
        *,
        timeout_seconds: float = 30.0,
        http: HttpConfig | None = None,
        most_bytes: int = MOST_BYTES,
        at_once: int = MOST_AT_ONCE,
        wait: tenacity.wait.wait_base = BACK_OFF,
        slow_again: bool = True,
    ) -> None:
        """`http` says who we are; `most_bytes` bounds an answer, `at_once` the range queries on their way.

        `slow_again`: what was too slow is tried again as it is; otherwise the caller asks for less. The session's TLS
        and proxy are the caller's business (`tocsin.http_client.session`).
        """
        self._session = session
        self._urls = list(urls)
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._identity = Identity(http, session) if http else None
        self._options = _options(http) if http else {}
        self._most_bytes = most_bytes
        self._turn = asyncio.Semaphore(at_once)
        self._retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(_again if slow_again else _again_unless_slow),
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=wait,
            reraise=True,
        )

    @property
    def urls(self) -> Sequence[str]:
        """The servers, the one first that is asked first."""
        return tuple(self._urls)

    async def query_range(
        self, expr: str, start: float, end: float, step: float, *, warned: Callable[[str], None] = ignore
    ) -> list[Series]:
        """The series of an expression at start, start + step … end; at most `MOST_POINTS` points.

        `warned` is told what the server says beside its answer: that it is a part of one, for example.

        Raises:
            QueryError: the servers do not answer, or refuse, or the answer is not one of Prometheus.
        """
        form = {"query": expr, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:.3f}"}

        async def ask(url: str) -> list[Series]:
            return await _read(url, *await self._ask("POST", url, "/api/v1/query_range", form), warned)

        async with self._turn:
            return await self._retrying.copy()(self._from_any, ask)

    async def query(self, expr: str) -> list[Sample]:
        """What an expression gives now, by the server's clock; at most so many are asked at once as ranges are.

        Raises:
            QueryError: as with `query_range`.
        """

        async def ask(url: str) -> list[Sample]:
            return decode_instant(url, *await self._ask("POST", url, "/api/v1/query", {"query": expr}))

        async with self._turn:
            return await self._retrying.copy()(self._from_any, ask)

    async def get(self, path: str, read: Callable[[str, int, bytes], T]) -> T:
        """What `read` makes of a GET's answer: it is given the server's address, the status and the body.

        Raises:
            QueryError: the servers do not answer, or what `read` raises.
        """

        async def ask(url: str) -> T:
            return read(url, *await self._ask("GET", url, path))

        return await self._retrying.copy()(self._from_any, ask)

    async def _from_any(self, ask: Callable[[str], Awaitable[T]]) -> T:
        failures: list[QueryError] = []
        for url in tuple(self._urls):
            try:
                found = await ask(url)
            except (NoAnswer, NotPrometheus) as error:
                failures.append(error)
                continue
            if failures:
                self._urls.remove(url)
                self._urls.insert(0, url)
            return found
        raise type(failures[0])("; ".join(str(error) for error in failures)) from failures[0]

    async def _ask(self, method: str, url: str, path: str, form: dict[str, str] | None = None) -> tuple[int, bytes]:
        """The answer's status and body."""
        try:
            headers = [*AS_IT_IS, *(await self._identity.headers() if self._identity else ())]
            async with self._session.request(
                method, url + path, data=form, timeout=self._timeout, headers=headers, **self._options
            ) as answer:
                if answer.status == 401 and self._identity:
                    self._identity.refused()
                return answer.status, await self._body(url, answer)
        except TimeoutError as error:
            raise TooSlow(f"{url} does not answer within {self._timeout.total:g} s") from error
        except aiohttp.ClientError as error:
            raise NoAnswer(f"{url} cannot be reached: {error or type(error).__name__}") from error
        except QueryError:
            raise
        except ApiUnavailable as error:
            raise NoAnswer(str(error)) from error
        except TocsinError as error:
            raise NotLetIn(str(error)) from error

    async def _body(self, url: str, answer: aiohttp.ClientResponse) -> bytes:
        parts, size = [], 0
        async for part in answer.content.iter_any():
            size += len(part)
            if size > self._most_bytes:
                raise TooMuch(f"{url} answers with more than {self._most_bytes} bytes: narrow the query")
            parts.append(part)
        return b"".join(parts)


def _options(http: HttpConfig) -> dict[str, Any]:
    """What each request is given besides its headers."""
    return {"server_hostname": http.tls_config.server_name or None, "allow_redirects": http.follow_redirects}


def _again(error: BaseException) -> bool:
    return isinstance(error, ApiUnavailable)


def _again_unless_slow(error: BaseException) -> bool:
    return _again(error) and not isinstance(error, TooSlow)


async def _read(url: str, status: int, body: bytes, warned: Callable[[str], None]) -> list[Series]:
    """The series in an answer; large bodies are decoded off the event loop."""
    if len(body) > 2**20:
        return await asyncio.to_thread(decode, url, status, body, warned)
    return decode(url, status, body, warned)
