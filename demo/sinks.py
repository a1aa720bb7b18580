"""`python -m demo.sinks`: where messages end up, a mail server and a web server that keep what arrives.

POST /{name}      a webhook for the sink of that name; mail goes to the sink `mail`
GET  /messages    all that arrived, oldest first
GET  /-/ready
"""

from __future__ import annotations

import argparse
import asyncio
import email
import email.policy
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import msgspec
from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from demo.serving import serving
from tocsin.serving import stop_asked


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message as it arrived; sent twice, it bears the same key."""

    sink: str
    at: datetime
    kind: Literal["page", "resolved", "reopened", "approval", "remediation"]
    incident: str
    key: str
    subject: str
    text: str


@dataclass(slots=True)
class Sinks:
    """Keeps what arrives, in order."""

    arrivals: list[Arrival] = field(default_factory=list)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/-/ready", self.ready), web.get("/messages", self.messages), web.post("/{sink}", self.take)]

    async def ready(self, request: web.Request) -> web.Response:
        return web.Response(text="ready\n")

    async def messages(self, request: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(self.arrivals), content_type="application/json")

    async def take(self, request: web.Request) -> web.Response:
        """Takes Tocsin's generic webhook."""
        told = await request.json()
        arrival = Arrival(
            sink=request.match_info["sink"],
            at=datetime.now(UTC),
            kind=told["message"],
            incident=told["incident"]["id"],
            key=request.headers["Idempotency-Key"],
            subject=told["subject"],
            text=told["text"],
        )
        self.arrivals.append(arrival)
        return web.Response()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        """Takes a mail, as aiosmtpd hands it over."""
        assert isinstance(envelope.content, bytes)  # it decodes only where SMTP is told to
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        subject = str(mail["Subject"]).strip()  # a long one begins on a line of its own
        body = mail.get_body(("plain",))
        arrival = Arrival(
            sink="mail",
            at=datetime.now(UTC),
            kind=_kind(subject),
            incident=str(mail["X-Tocsin-Incident"]),
            key=str(mail["Message-ID"]),
            subject=subject,
            text=body.get_content() if body else "",
        )
        self.arrivals.append(arrival)
        return "250 OK"


def _kind(subject: str) -> Literal["page", "resolved", "approval", "remediation"]:
    """What a mail is, by the word that its subject begins with; a page begins with its severity."""
    match subject.partition("]")[0]:
        case "[RESOLVED":
            return "resolved"
        case "[APPROVAL":
            return "approval"
        case "[RUNBOOK":
            return "remediation"
        case _:
            return "page"


def pages(arrivals: Iterable[Arrival]) -> list[Arrival]:
    """Those that ask somebody to come."""
    return [arrival for arrival in arrivals if arrival.kind == "page"]


def all_clears(arrivals: Iterable[Arrival]) -> list[Arrival]:
    """Those that say that it is over."""
    return [arrival for arrival in arrivals if arrival.kind == "resolved"]


@asynccontextmanager
async def webhook_sinks(address: str = "") -> AsyncIterator[tuple[Sinks, str]]:
    """Sinks for webhooks for the length of a block, and their address."""
    sinks = Sinks()
    application = web.Application()
    application.add_routes(sinks.routes())
    async with serving(application, address) as where:
        yield sinks, where


async def _run(web_address: str, mail_address: str) -> None:
    stopping = stop_asked()
    loop = asyncio.get_running_loop()
    host, port = mail_address.rsplit(":", 1)
    async with webhook_sinks(web_address) as (sinks, _):
        server = await loop.create_server(lambda: SMTP(sinks, loop=loop), host, int(port))
        async with server:
            await stopping.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.sinks", description="Keeps the messages that arrive.")
    parser.add_argument("--web.listen-address", dest="web", default="127.0.0.1:8026", metavar="HOST:PORT")
    parser.add_argument("--mail.listen-address", dest="mail", default="127.0.0.1:8025", metavar="HOST:PORT")
    arguments = parser.parse_args()
    asyncio.run(_run(arguments.web, arguments.mail))


if __name__ == "__main__":
    main()
