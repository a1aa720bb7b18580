"""What the contract suite needs to know of a kind of channel."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aiohttp import web
from msgspec import structs

from receiver.engine.incident import Incident
from receiver.engine.occurrence import Occurrence
from receiver.engine.plan import EscalationStep
from receiver.notify.channel import Channel, Envelope, Links, Recipient
from receiver.notify.channels import KINDS
from receiver.notify.text import Writer
from tests.receiver.bodies import START
from tocsin.model import Severity

HOOKS = "https://tocsin.example.org/api/v2/hooks"
SECRET = "s3cr3t-0123456789"  # no channel ever tells it

INCIDENT = Incident(
    id="k3f9x2abcd",
    tenant="default",
    title="PlayerErrors is up",
    severity=Severity.CRITICAL,
    opened_at=START,
    alerts=12,
    firing=12,
    escalation=(EscalationStep(START - START, ("mail",)),),
    step=1,
)
ALERT = Occurrence(
    id="a1",
    identity="x",
    tenant="default",
    source="alertmanager",
    fingerprint="f",
    labels={"alertname": "PlayerErrors", "instance": "player-1"},
    annotations={"summary": "7 % of requests fail", "runbook_url": "https://x.example.org/y"},
    generator_url="",
    starts_at=START,
)
ALICE = Recipient("alice", "Alice", "+4930123456", "en", "Europe/Berlin")
PAGE = Envelope(
    "k3f9x2abcd/page/0/way/alice",
    "page",
    INCIDENT,
    [ALERT],
    START,
    to=ALICE,
    reason="step 1 tells alice",
    links=Links("https://tocsin.example.org/i/k3f9x2abcd", hooks=HOOKS),
    channel="way",
)


@dataclass(frozen=True)
class Heard:
    """One request as the far side saw it."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Far:
    """The far side of a channel: does what it is told to do, and remembers what it heard.

    `status` is what it answers; `stays_silent`: it takes the message and never answers; `resets`: it breaks off.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    stays_silent: bool = False
    resets: bool = False
    heard: list[Heard] = field(default_factory=list)
    woken: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Case:
    """A kind under contract. `server` is its far side, which gives its URL; `make` a channel for that and a folder."""

    kind: str
    server: Callable[[Far], AbstractAsyncContextManager[str]]
    make: Callable[[str, Path], Channel]
    key_of: Callable[[Heard], str]  # by what the far side could recognise a repeat
    told: Callable[[Heard], str]  # all that people read of it
    envelope: Envelope = PAGE
    retry_after: bool = True  # it heeds Retry-After
    data: bool = False  # what it sends is for programs: outside text stands in it as it came
    again: tuple[int, ...] = (429, 500, 503)
    refused: tuple[int, ...] = (302, 400, 403)


def build(kind: str, settings: dict[str, Any]) -> Channel:
    """A channel of that kind."""
    model, make = KINDS[kind]
    return make(model.model_validate(settings), Writer())


def to(address: str) -> Envelope:
    """The page, for somebody with that address."""
    return replace(PAGE, to=replace(ALICE, address=address))


def with_text(envelope: Envelope, text: str) -> Envelope:
    """The envelope, with that text wherever text comes from outside."""
    alert = structs.replace(
        ALERT, labels={"alertname": text, "instance": text}, annotations={"summary": text, "description": text}
    )
    return replace(envelope, incident=structs.replace(INCIDENT, title=text), alerts=[alert])


def secret_file(folder: Path, name: str = "secret", text: str = SECRET) -> str:
    """A file that holds a secret."""
    file = folder / name
    file.write_text(f"{text}\n")
    return str(file)


@asynccontextmanager
async def http(
    far: Far,
    answer: Callable[[Heard], bytes] = lambda heard: b"",
    wrong: bytes = SECRET.encode(),
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[str]:
    """A server over HTTP; `answer` is the body that it answers with when all is well, `wrong` else."""

    async def handle(request: web.Request) -> web.Response:
        heard = Heard(request.path_qs, dict(request.headers), await request.read())
        far.heard.append(heard)
        if far.resets:
            assert request.transport is not None
            request.transport.abort()
        if far.stays_silent:
            await far.woken.wait()
        good = far.status < 300
        headers = {"Location": "/elsewhere"} if 300 <= far.status < 400 else {}
        body = answer(heard) if good else wrong
        return web.Response(status=far.status, headers=headers | far.headers, body=body)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        far.woken.set()
        await runner.cleanup()
