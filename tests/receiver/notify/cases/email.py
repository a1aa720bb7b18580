"""E-mail's far side: a real SMTP server on loopback that says what it is told to say."""

from __future__ import annotations

import asyncio
import email
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from aiosmtpd.smtp import Envelope as SmtpEnvelope

from receiver.notify.email import EmailChannel, EmailSettings
from receiver.notify.text import Writer

KIND = "email"
TAKEN = "250 OK"


@dataclass
class MailServer:
    """`says` is its answer to the content of a mail, `refuses` are recipients that it does not know."""

    says: str = TAKEN
    refuses: dict[str, str] = field(default_factory=dict)
    hangs_up: bool = False  # once a mail is taken, without a word
    heard: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    connections: int = 0
    smarthost: str = ""
    protocols: list[SMTP] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: object, envelope: SmtpEnvelope, address: str, _options: object
    ) -> str:
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return TAKEN

    async def handle_DATA(self, server: SMTP, _session: object, envelope: SmtpEnvelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        parsed = email.message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        self.heard.append(parsed)
        self.recipients.append(list(envelope.rcpt_tos))
        if self.hangs_up:
            _abort(server)
        return self.says

    def drop(self) -> None:
        """Ends every connection, as a server does with those that were silent for long."""
        for protocol in self.protocols:
            _abort(protocol)

    def authenticate(
        self, _server: SMTP, _session: object, _envelope: object, _mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        if data.password == b"right":
            return AuthResult(success=True)
        return AuthResult(success=False, handled=False, message=f"535 {data.password.decode()} is wrong")


def _abort(protocol: SMTP) -> None:
    if isinstance(protocol.transport, asyncio.WriteTransport):
        protocol.transport.abort()


@asynccontextmanager
async def server(far: MailServer, tls: ssl.SSLContext | None = None) -> AsyncIterator[MailServer]:
    """The server, listening."""

    def accepted() -> SMTP:
        far.connections += 1
        protocol = SMTP(
            far,
            auth_require_tls=False,
            authenticator=far.authenticate,
            tls_context=tls,
        )
        far.protocols.append(protocol)
        return protocol

    listening = await asyncio.get_running_loop().create_server(accepted, "127.0.0.1", 0)
    far.smarthost = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        yield far


def channel(far: MailServer, writer: Writer | None = None, **settings: Any) -> EmailChannel:
    """A channel that sends to this server."""
    given = {"smarthost": far.smarthost, "from": "tocsin@x.org", "to": ["a@x.org"], "tls": "none", "timeout": "5s"}
    said = {key: value for key, value in (given | settings).items() if value is not None}
    return EmailChannel(EmailSettings.model_validate(said), writer or Writer())


@asynccontextmanager
async def connected(
    change: Callable[[MailServer], None] = lambda far: None, **settings: Any
) -> AsyncIterator[tuple[MailServer, EmailChannel]]:
    """A server and a channel that sends to it."""
    far = MailServer()
    change(far)
    async with server(far):
        sends = channel(far, **settings)
        try:
            yield far, sends
        finally:
            await sends.close()
