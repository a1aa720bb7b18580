"""Answers to people's questions over HTTP: `/plot` and `/api/v1/explain`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus

import structlog
from aiohttp import web

from exporter.explaining.explain import explain
from exporter.explaining.words import words
from exporter.feedback.verdict import Verdict
from exporter.plotting.picture import Format
from exporter.plotting.plot import plot
from exporter.replaying.asking import Ask
from exporter.replaying.desk import Busy, Desk
from tocsin.errors import MissingExtra, TocsinError, UsageError
from tocsin.promapi import NothingToRead, QueryError

log = structlog.get_logger("exporter.api")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

KINDS: dict[str, tuple[Format, str]] = {"svg": ("svg", "image/svg+xml"), "png": ("png", "image/png")}
STATUS = {UsageError: 400, Busy: 503, NothingToRead: 404, QueryError: 502, MissingExtra: 501}
PICTURE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",  # a picture runs nothing
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Api:
    """`/plot` and `/api/v1/explain`."""

    def __init__(self, desk: Desk, verdicts: Callable[[], Sequence[Verdict]]) -> None:
        self._desk = desk
        self._verdicts = verdicts

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/plot", told(self.plot)), web.get("/api/v1/explain", told(self.explain))]

    async def explain(self, request: web.Request) -> web.Response:
        """Why the newest point, or the one at `at`, scored as it did."""
        kind = request.query.get("format", "json")
        if kind not in ("json", "text"):
            raise UsageError(f"format {kind!r} is unknown; known: json, text")
        ask = ask_of(request, "at")
        found = await explain(self._desk, ask, await asyncio.to_thread(self._verdicts))
        if kind == "json":
            return web.json_response(found)
        return web.Response(text=words(found, self._desk.source(ask.query)[0].time_zone))

    async def plot(self, request: web.Request) -> web.Response:
        kind, content_type = _kind(request.query.get("format", "svg"))
        body = await plot(self._desk, ask_of(request, "since", "until"), kind)
        return web.Response(body=body, content_type=content_type, headers=PICTURE_HEADERS)


def ask_of(request: web.Request, *texts: str) -> Ask:
    """The question in a request's parameters.

    Raises:
        UsageError: it cannot be read, or a parameter is unknown.
    """
    unknown = set(request.query) - {"query", "labels", "format", *texts}
    if unknown:
        known = ", ".join(("query", "labels", *texts, "format"))
        raise UsageError(f"unknown parameter {', '.join(sorted(unknown))}; known: {known}")
    given = {name: request.query[name] for name in texts if name in request.query}
    given["until"] = given.pop("at", given.get("until", ""))
    return Ask.of(query=request.query.get("query", ""), labels=request.query.getall("labels", []), **given)


def problem(status: int, detail: str) -> web.Response:
    """What is wrong, as problem+json (RFC 9457)."""
    content = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    headers = {"Retry-After": "10"} if status == 503 else {}
    return web.json_response(content, status=status, content_type="application/problem+json", headers=headers)


def told(handler: Handler) -> Handler:
    """A handler whose errors are told as problems, never as a traceback."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except TocsinError as error:
            status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)
            return problem(status, str(error))
        except web.HTTPException:
            raise
        except Exception:
            log.exception("a request failed", method=request.method, path=request.path)
            return problem(500, "Tocsin failed on this request; its log tells more")

    return answer


def _kind(name: str) -> tuple[Format, str]:
    if name not in KINDS:
        raise UsageError(f"format {name!r} is unknown; known: {', '.join(KINDS)}")
    return KINDS[name]
