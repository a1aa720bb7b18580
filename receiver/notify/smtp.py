"""SMTP connections that are kept for a while: an incident's mails do not each pay for TLS and a login.

A connection is used again only after it has answered a NOOP; one on which anything went wrong is closed. A mail that
fails before its last byte was answered for is not known to be taken, and the caller hears of it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage

import aiosmtplib

KEPT_SECONDS = 20.0  # below the minutes after which servers hang up
MOST_KEPT = 4


@dataclass(frozen=True, slots=True)
class Server:
    """Where mails go and how that is spoken to; `password` is asked for at each login, as its file may change."""

    host: str
    port: int
    tls: str  # starttls, tls, none
    timeout_seconds: float
    username: str | None = None
    password: Callable[[], str] | None = None


class Mailer:
    """Sends mails through one server, on as many connections as are wanted at once."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._kept: list[aiosmtplib.SMTP] = []
        self._tidy: asyncio.TimerHandle | None = None

    async def send(self, mail: EmailMessage, recipients: Sequence[str]) -> dict[str, str]:
        """Sends a mail; returns those recipients whom the server did not take, each with its answer.

        Raises:
            aiosmtplib.SMTPException, OSError, TimeoutError: it was not sent, or is not known to be.
        """
        async with asyncio.timeout(self._server.timeout_seconds):
            client = await self._kept_one() or await self._new_one()
            try:
                refused, _ = await client.send_message(mail, recipients=list(recipients))
            except BaseException:
                client.close()
                raise
        self._keep(client)
        return {name: f"{answer.code} {answer.message}" for name, answer in refused.items()}

    def secrets(self) -> list[str]:
        """What no error may tell: the password, and how it goes over the wire."""
        if self._server.password is None:
            return []
        password, name = self._server.password(), self._server.username or ""
        forms = (password, f"\0{name}\0{password}")
        return [password, *(base64.b64encode(form.encode()).decode() for form in forms)]

    async def close(self) -> None:
        """Takes leave of the server."""
        kept, self._kept = self._kept, []
        if self._tidy is not None:
            self._tidy.cancel()
        for client in kept:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                await client.quit(timeout=1)
            client.close()

    async def _kept_one(self) -> aiosmtplib.SMTP | None:
        while self._kept:
            client = self._kept.pop()
            try:
                await client.noop()
            except (aiosmtplib.SMTPException, OSError, TimeoutError):
                client.close()
            except BaseException:
                client.close()
                raise
            else:
                return client
        return None

    async def _new_one(self) -> aiosmtplib.SMTP:
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password() if server.password else None,
            use_tls=server.tls == "tls",
            start_tls=server.tls == "starttls",
            timeout=server.timeout_seconds,
        )
        try:
            await client.connect()
        except BaseException:
            client.close()
            raise
        return client

    def _keep(self, client: aiosmtplib.SMTP) -> None:
        if len(self._kept) >= MOST_KEPT:
            client.close()
            return
        self._kept.append(client)
        if self._tidy is not None:
            self._tidy.cancel()
        self._tidy = asyncio.get_running_loop().call_later(KEPT_SECONDS, self._let_go)

    def _let_go(self) -> None:
        """Nothing was sent for a while."""
        for client in self._kept:
            client.close()
        self._kept = []
