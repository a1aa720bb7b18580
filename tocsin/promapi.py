"""What we ask of Prometheus-compatible servers: range queries and more, with fail-over and retries.

QueryError                  a query brought nothing that can be used; `reason` is a word for metrics
├── NoAnswer                no server answers just now (also an ApiUnavailable: may be tried again)
├── NotPrometheus           something else answered, a login page for one (may be tried again, too)
├── QueryRefused            Prometheus refuses the query; carries its own message
└── NothingToRead           the answer holds no series of numbers
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import ClassVar, TypeVar

import aiohttp
import msgspec
import tenacity

from tocsin.errors import ApiUnavailable, TocsinError

MOST_POINTS = 11_000  # of one series in one answer: web/api/v1/api.go refuses more
ATTEMPTS = 3
BACK_OFF = tenacity.wait_random_exponential(multiplier=0.2, max=2.0)

T = TypeVar("T")


class QueryError(TocsinError):
    """A query brought nothing that can be used."""

    reason: ClassVar[str] = "failed"


class NoAnswer(QueryError, ApiUnavailable):
    """No server answers just now."""

    reason = "unavailable"


class NotPrometheus(QueryError, ApiUnavailable):
    """What answered is not a Prometheus API."""

    reason = "not_prometheus"


class QueryRefused(QueryError):
    """Prometheus refuses the query."""

    reason = "refused"


class NothingToRead(QueryError):
    """The answer holds no series of numbers."""

    reason = "empty"


class Series(msgspec.Struct, frozen=True, gc=False):
    """One series of a range: labels, and (Unix seconds, number as text) for each point."""

    metric: dict[str, str]
    values: list[tuple[float, str]] = []
    histograms: msgspec.Raw = msgspec.Raw(b"")


class _Data(msgspec.Struct, frozen=True):
    result_type: str = msgspec.field(name="resultType", default="")
    result: msgspec.Raw = msgspec.Raw(b"[]")


class _Answer(msgspec.Struct, frozen=True):
    status: str
    data: _Data = _Data()
    error: str = ""


_ANSWER = msgspec.json.Decoder(_Answer)
_MATRIX = msgspec.json.Decoder(list[Series])


def windows(start: float, end: float, step: float, *, points: int = MOST_POINTS) -> Iterator[tuple[float, float]]:
    """The first and last time of each request for a range, both ends included; all Unix seconds."""
    count = round((end - start) / step) + 1
    for first in range(0, count, points):
        last = min(first + points, count) - 1
        yield start + first * step, start + last * step


class Prometheus:
    """One or several servers that hold the same series; the first that answers is asked again the next time."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        urls: Sequence[str],
        *,
        timeout_seconds: float = 30.0,
        wait: tenacity.wait.wait_base = BACK_OFF,
    ) -> None:
        self._session = session
        self._urls = list(urls)
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(ApiUnavailable),
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=wait,
            reraise=True,
        )

    async def query_range(self, expr: str, start: float, end: float, step: float) -> list[Series]:
        """The series of an expression at start, start + step … end; at most `MOST_POINTS` points.

        Raises:
            QueryError: the servers do not answer, or refuse, or the answer is not one of Prometheus.
        """
        form = {"query": expr, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:.3f}"}

        async def ask(url: str) -> list[Series]:
            return await _read(url, *await self._ask("POST", url, "/api/v1/query_range", form))

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
            async with self._session.request(method, url + path, data=form, timeout=self._timeout) as answer:
                return answer.status, await answer.read()
        except TimeoutError as error:
            raise NoAnswer(f"{url} does not answer within {self._timeout.total:g} s") from error
        except aiohttp.ClientError as error:
            raise NoAnswer(f"{url} cannot be reached: {error or type(error).__name__}") from error


async def _read(url: str, status: int, body: bytes) -> list[Series]:
    """The series in an answer; large bodies are decoded off the event loop."""
    if len(body) > 2**20:
        return await asyncio.to_thread(decode, url, status, body)
    return decode(url, status, body)


def decode(url: str, status: int, body: bytes) -> list[Series]:
    """The series in an answer's body.

    Raises:
        QueryError: there are none in it; the message says what is there instead.
    """
    if status in (401, 403):
        raise QueryRefused(f"{url} does not let us in (HTTP {status})")
    try:
        answer = _ANSWER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        kind = NoAnswer if status >= 500 else NotPrometheus
        raise kind(f"{url} answered HTTP {status} with {_glance(body)} instead of Prometheus's JSON") from error
    if answer.status != "success":
        refused = 400 <= status < 500 and status != 429
        raise (QueryRefused if refused else NoAnswer)(f"{url} says: {answer.error or f'HTTP {status}'}")
    if answer.data.result_type != "matrix":
        raise NothingToRead(f"{url} answered with a {answer.data.result_type or 'nothing'}, not with series")
    return _matrix(url, answer.data.result)


def _matrix(url: str, result: msgspec.Raw) -> list[Series]:
    try:
        return _MATRIX.decode(result)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotPrometheus(f"{url} answered with series that cannot be read: {error}") from error


def _glance(body: bytes) -> str:
    """What stands in a body that should not have come."""
    text = body[:200].decode("utf-8", "replace").strip()
    if not text:
        return "nothing"
    return (
        "an HTML page" if text.lower().startswith(("<!doctype html", "<html")) else f"{' '.join(text.split())[:60]!r}"
    )
