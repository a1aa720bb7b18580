"""Where messages end up: a mail server and a web server on loopback that keep what arrives."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from demo.processes import free_port
from demo.serving import serving


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message as it arrived; sent twice, it bears the same key."""

    at: datetime
    kind: Literal["page", "resolved"]
    incident: str
    key: str
    subject: str
    text: str


@dataclass(slots=True)
class Sink:
    """Keeps what arrives at an address, in order."""

    name: str
    address: str = ""
    arrivals: list[Arrival] = field(default_factory=list)

    def pages(self) -> list[Arrival]:
        return [arrival for arrival in self.arrivals if arrival.kind == "page"]

    def all_clears(self) -> list[Arrival]:
        return [arrival for arrival in self.arrivals if arrival.kind == "resolved"]


class _MailHandler:
    """What aiosmtpd asks about each mail."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        assert isinstance(envelope.content, bytes)  # it decodes only where SMTP is told to
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        body = mail.get_body(("plain",))
        arrival = Arrival(
            at=datetime.now(UTC),
            kind="resolved" if mail["Subject"].startswith("[RESOLVED]") else "page",
            incident=mail["X-Tocsin-Incident"],
            key=mail["Message-ID"],
            subject=mail["Subject"],
            text=body.get_content() if body else "",
        )
        self._sink.arrivals.append(arrival)
        return "250 OK"


@asynccontextmanager
async def mail_sink(name: str) -> AsyncIterator[Sink]:
    """A mail server for the length of a block."""
    sink = Sink(name)
    loop = asyncio.get_running_loop()
    port = free_port()
    server = await loop.create_server(lambda: SMTP(_MailHandler(sink), loop=loop), "127.0.0.1", port)
    sink.address = f"127.0.0.1:{port}"
    try:
        yield sink
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def webhook_sink(name: str) -> AsyncIterator[Sink]:
    """A web server that takes the generic webhook, for the length of a block."""
    sink = Sink(name)

    async def take(request: web.Request) -> web.Response:
        told = await request.json()
        arrival = Arrival(
            at=datetime.now(UTC),
            kind=told["message"],
            incident=told["incident"]["id"],
            key=request.headers["Idempotency-Key"],
            subject=told["subject"],
            text=told["text"],
        )
        sink.arrivals.append(arrival)
        return web.Response()

    application = web.Application()
    application.add_routes([web.post("/", take)])
    async with serving(application) as sink.address:
        yield sink
