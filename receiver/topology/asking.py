"""Questions to Prometheus about the topology."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import msgspec

from tocsin import http_client
from tocsin.clock import Clock
from tocsin.errors import InputError, TocsinError, UsageError
from tocsin.http_config import HttpConfig, read
from tocsin.promapi import (
    NoAnswer,
    NothingToRead,
    NotLetIn,
    NotPrometheus,
    Prometheus,
    QueryError,
    QueryRefused,
    TooMuch,
    TooSlow,
)

TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """Where Prometheus is and how it is asked."""

    url: str
    http: HttpConfig


def server(url: str, http_config: Path | None) -> Server:
    """The server that options name.

    Raises:
        UsageError: the URL is none, or has a password in it.
        InputError: with every problem of the file.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"--prometheus.url: {url!r} is no address; write http://127.0.0.1:9090")
    if parts.password is not None:
        raise UsageError(
            "--prometheus.url: a password stands in the address, where others can read it; "
            "write basic_auth into a file and name it: --http.config.file"
        )
    http, problems = read(http_config) if http_config else (HttpConfig(), [])
    if http is None:
        raise InputError(problems)
    return Server(url.rstrip("/"), http)


class _Labels(msgspec.Struct, frozen=True):
    data: list[str]


_LABELS = msgspec.json.Decoder(_Labels)


class Asked:
    """Prometheus as it is now."""

    def __init__(self, url: str, prometheus: Prometheus, clock: Clock) -> None:
        self.url = url
        self._prometheus = prometheus
        self._clock = clock

    async def vector(self, expr: str) -> list[tuple[Mapping[str, str], float]]:
        """Each series of an expression now: its labels and its value.

        Raises:
            QueryError: the server does not answer, or refuses, or the answer is not one of Prometheus.
        """
        samples = await self._prometheus.query(expr)
        return [(one.metric, one.value) for one in samples if one.value is not None]

    async def labels(self, selector: str, seconds: float) -> list[str]:
        """The names of the labels that series of a selector had within so many seconds.

        Raises:
            QueryError: as with `vector`.
        """
        now = self._clock.now().timestamp()
        asked = urlencode({"match[]": selector, "start": f"{now - seconds:.0f}", "end": f"{now:.0f}"})
        return await self._prometheus.get(f"/api/v1/labels?{asked}", _labels)


def _labels(url: str, status: int, body: bytes) -> list[str]:
    try:
        return _LABELS.decode(body).data
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        kind = QueryRefused if status >= 400 else NothingToRead
        raise kind(f"{url} does not tell labels (HTTP {status})") from error


@asynccontextmanager
async def asking(where: Server, clock: Clock) -> AsyncIterator[Asked]:
    """A conversation with the server.

    Raises:
        TocsinError: where a question raises QueryError: the same, with the way out.
    """
    async with http_client.session(where.http) as session:
        prometheus = Prometheus(session, [where.url], timeout_seconds=TIMEOUT_SECONDS, http=where.http)
        try:
            yield Asked(where.url, prometheus, clock)
        except QueryError as error:
            raise TocsinError(f"{error}; {_way_out(error)}") from error


def _way_out(error: QueryError) -> str:
    match error:
        case NotLetIn():
            return "say who you are in a file: --http.config.file"
        case TooMuch() | TooSlow():
            return "ask for less: a shorter --since"
        case NotPrometheus():
            return "--prometheus.url names Prometheus itself, with its path if it has one"
        case NoAnswer():
            return "is Prometheus running there? (--prometheus.url)"
        case _:
            return "look at --match and its like"
