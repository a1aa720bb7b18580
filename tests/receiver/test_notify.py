"""Every channel against a real server that speaks its protocol."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP
from aiosmtpd.smtp import Envelope as SmtpEnvelope

from receiver.engine.incident import Incident
from receiver.engine.occurrence import Occurrence
from receiver.engine.plan import EscalationStep
from receiver.notify.channel import Channel, ChannelRefused, ChannelUnavailable, Envelope, close
from receiver.notify.channels import KINDS
from receiver.notify.text import Writer
from tests.receiver.bodies import START
from tocsin.model import Severity

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
    annotations={
        "summary": "7 % of requests fail",
        "description": "Listeners\nhear nothing.",
        "runbook_url": "https://x/y",
    },
    generator_url="",
    starts_at=START,
)
PAGE = Envelope("k3f9x2abcd/page/0/mail", "page", INCIDENT, [ALERT], START)


@dataclass
class Far:
    """The far side of a channel: says what it is told to say, and remembers what it heard."""

    says: int = 200
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@asynccontextmanager
async def webhook(far: Far) -> AsyncIterator[Channel]:
    async def handle(request: web.Request) -> web.Response:
        far.heard.append((dict(request.headers), await request.read()))
        return web.Response(status=far.says, headers={"Retry-After": "7"})

    application = web.Application()
    application.router.add_post("/hook", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    channel = _build("webhook", {"url": f"http://127.0.0.1:{runner.addresses[0][1]}/hook", "timeout": "5s"})
    try:
        yield channel
    finally:
        await close([channel])
        await runner.cleanup()


@asynccontextmanager
async def smtp(far: Far) -> AsyncIterator[Channel]:
    class Handler:
        async def handle_DATA(self, _server: object, _session: object, envelope: SmtpEnvelope) -> str:  # noqa: N802
            content = envelope.content
            assert isinstance(content, bytes)
            far.heard.append(({}, content))
            return {200: "250 OK", 503: "451 try later", 400: "554 never"}[far.says]

    server = await asyncio.get_running_loop().create_server(lambda: SMTP(Handler()), "127.0.0.1", 0)
    smarthost = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    settings = {"smarthost": smarthost, "from": "tocsin@x.org", "to": ["a@x.org"], "tls": "none"}
    async with server:
        channel = _build("email", settings)
        try:
            yield channel
        finally:
            await close([channel])


def _build(kind: str, settings: Mapping[str, object]) -> Channel:
    model, make = KINDS[kind]
    return make(model.model_validate(settings), Writer())


FAR_SIDES = {"email": smtp}  # the others: notify/test_contract.py


@pytest.mark.parametrize("kind", FAR_SIDES)
async def test_contract(kind: str) -> None:
    """A channel delivers, says when it may be tried again and when it may not, and repeats under the same key."""
    far = Far()
    async with FAR_SIDES[kind](far) as channel:
        await channel.send(PAGE)
        far.says = 503
        with pytest.raises(ChannelUnavailable):
            await channel.send(PAGE)
        far.says = 400
        with pytest.raises(ChannelRefused):
            await channel.send(PAGE)
    assert len(far.heard) == 3
    with pytest.raises(ChannelUnavailable):  # the far side is gone
        await channel.send(PAGE)


async def test_webhook_wire() -> None:
    """The webhook carries the incident, a readable text and a key; Retry-After is passed on."""
    far = Far()
    async with webhook(far) as channel:
        await channel.send(PAGE)
        headers, content = far.heard[0]
        assert headers["Idempotency-Key"] == PAGE.key
        told = json.loads(content)
        assert told["incident"]["id"] == INCIDENT.id
        assert told["alerts"][0]["labels"]["instance"] == "player-1"
        far.says = 429
        with pytest.raises(ChannelUnavailable) as caught:
            await channel.send(PAGE)
        assert caught.value.after_seconds == 7


async def test_redirects_are_not_followed() -> None:
    """A redirect is refused: a page does not go where nobody configured it to go."""
    far = Far(says=302)
    async with webhook(far) as channel:
        with pytest.raises(ChannelRefused, match="302"):
            await channel.send(PAGE)


async def test_secret_that_is_missing(tmp_path: Path) -> None:
    """A secret that cannot be read fails the message with the file's name, never silently."""
    settings = {"smarthost": "127.0.0.1:1", "from": "t@x.org", "to": ["a@x.org"], "username": "u"}
    channel = _build("email", settings | {"password_file": str(tmp_path / "gone")})
    with pytest.raises(Exception, match="gone: the secret cannot be read"):
        await channel.send(PAGE)
