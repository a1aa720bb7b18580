"""`/api/v1/feedback`: people say what is normal and what is not. Who said it is known, or sits at this machine."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

import msgspec
import structlog
from aiohttp import web

from exporter.api import problem, told
from exporter.feedback.book import Book, NoSuchVerdict
from exporter.feedback.teaching import added, teach
from exporter.feedback.verdict import LONGEST_NOTE, Verdict, Word, shown
from exporter.replaying.asking import Ask, when
from exporter.replaying.desk import Desk
from tocsin.errors import UsageError
from tocsin.guard import Guard, certificate_names
from tocsin.passwords import basic_credentials
from tocsin.serving import LOOPBACK

log = structlog.get_logger("exporter.feedback")

LARGEST_BODY = 64 * 1024
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


class Stranger(Exception):
    """Whoever asks may not change anything; the message says why."""


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a POST; `labels` as an object or as matchers in a text, `at` as a time or Unix seconds."""

    verdict: Word
    query: str = ""
    labels: dict[str, str] | str = ""
    at: str | float | None = None
    note: str = ""
    by: str = ""


class FeedbackApi:
    """`GET`, `POST /api/v1/feedback` and `DELETE /api/v1/feedback/ID`."""

    def __init__(self, desk: Desk, book: Book, guard: Guard) -> None:
        self._desk = desk
        self._book = book
        self._guard = guard

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/feedback", told(self.list)),
            web.post("/api/v1/feedback", told(self.add)),
            web.delete("/api/v1/feedback/{id}", told(self.remove)),
        ]

    async def list(self, request: web.Request) -> web.Response:
        verdicts = await asyncio.to_thread(self._book.verdicts)
        wanted = request.query.get("query", "")
        items = [shown(one) for one in verdicts if wanted in ("", one.query)]
        return web.json_response({"items": items, "next": None})

    async def add(self, request: web.Request) -> web.Response:
        """Answers with the verdict, and what its evidence scores from now on."""
        try:
            by = who(request, self._guard)
        except Stranger as error:
            return problem(403, str(error))
        asked = await _body(request)
        ask = Ask.of(query=asked.query, labels=_labels(asked.labels))
        at = when(str(asked.at)) if asked.at is not None else None
        verdict = await teach(self._desk, ask, asked.verdict, note=asked.note, by=by or asked.by, at=at)
        content = await asyncio.to_thread(_added, self._book, verdict)
        log.info("feedback", id=verdict.id, query=verdict.query, verdict=verdict.verdict, by=verdict.by)
        return web.json_response(content, status=201)

    async def remove(self, request: web.Request) -> web.Response:
        try:
            by = who(request, self._guard)
        except Stranger as error:
            return problem(403, str(error))
        try:
            gone = await asyncio.to_thread(
                self._book.remove,
                request.match_info["id"],
                by=by or request.query.get("by", ""),
                said_at=self._desk.now(),
            )
        except NoSuchVerdict as error:
            return problem(404, str(error))
        log.info("feedback is taken back", id=gone.id, query=gone.query, by=by)
        return web.json_response(shown(gone))


def _added(book: Book, verdict: Verdict) -> dict[str, Any]:
    book.add(verdict)
    return added(verdict, book.verdicts())


def who(request: web.Request, guard: Guard) -> str:
    """The name of whoever asks for a change; empty where nobody must prove it, on this machine alone.

    Raises:
        Stranger: it may not be done from there.
    """
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        raise Stranger("a page of another site may not change anything here")
    config = guard.config
    if config.basic_auth_users:
        known = basic_credentials(request.headers.getall("Authorization", ()))
        return known[0] if known else ""
    tls = config.tls_server_config
    if tls is not None and tls.client_auth_type == "RequireAndVerifyClientCert":
        return min(certificate_names(request), default="a certificate without a name")
    if not _local(request):
        hint = "set basic_auth_users in --web.config.file, or ask from the exporter's own machine"
        raise Stranger(f"who says so must be known: {hint}")
    return ""


def _local(request: web.Request) -> bool:
    """Whether the request was made on this machine, for this machine, and not passed on by somebody."""
    host = request.url.host or ""
    try:
        near = ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        near = False
    return near and host in LOOPBACK and not any(name in request.headers for name in FORWARDED)


async def _body(request: web.Request) -> Asked:
    if request.content_type != "application/json":
        raise UsageError("send JSON with Content-Type: application/json")
    content = await request.content.read(LARGEST_BODY + 1)
    while len(content) <= LARGEST_BODY and (more := await request.content.read(LARGEST_BODY + 1)):
        content += more
    if len(content) > LARGEST_BODY:
        raise UsageError(f"the body is larger than {LARGEST_BODY} bytes")
    try:
        asked = msgspec.json.decode(content, type=Asked)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the body is not understood: {error}") from error
    if len(asked.note) > LONGEST_NOTE:
        raise UsageError(f"the note is longer than {LONGEST_NOTE} characters")
    return asked


def _labels(labels: dict[str, str] | str) -> list[str]:
    if isinstance(labels, str):
        return [labels] if labels else []
    return [
        f"{msgspec.json.encode(name).decode()}={msgspec.json.encode(value).decode()}" for name, value in labels.items()
    ]
