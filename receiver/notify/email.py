"""E-mail by SMTP. At least once: the Message-ID is stable, so that a repeat can be recognised.

An incident is one thread: each mail refers to the same name, which is nobody's, and to the first mail that was sent.
"""

from __future__ import annotations

import re
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

import aiosmtplib
import structlog
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from receiver.engine.occurrence import one_line
from receiver.notify.channel import ChannelRefused, ChannelUnavailable, Envelope, Receipt
from receiver.notify.smtp import Mailer, Server
from receiver.notify.text import Writer
from tocsin.config import Duration, OneOrMore, Settings, read_secret
from tocsin.errors import TocsinError
from tocsin.model import Severity

QUIET = ("resolved", "update")  # messages that nobody has to look at now

log = structlog.get_logger("receiver.notify")


def _address(text: str) -> str:
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", text) or len(text) > 254:
        raise PydanticCustomError("address", "is no e-mail address", {"hint": "write it as oncall@example.org"})
    return text


def _host_port(text: str) -> str:
    if not re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:\s]+):[0-9]{1,5}", text):
        raise PydanticCustomError("address", "names no host and port", {"hint": "write it as mail.example.org:587"})
    return text


Address = Annotated[str, AfterValidator(_address)]
HostPort = Annotated[str, AfterValidator(_host_port)]


class EmailSettings(Settings):
    """Through which server, from whom and to whom."""

    smarthost: HostPort
    sender: Address = Field(alias="from")
    to: OneOrMore[Address] = Field(())  # none: users alone
    tls: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password_file: Path | None = None
    timeout: Duration = timedelta(seconds=20)

    @model_validator(mode="after")
    def _credentials(self) -> Self:
        if (self.username is None) != (self.password_file is None):
            raise ValueError("username and password_file belong together")
        if self.username is not None and self.tls == "none":
            raise ValueError("a password is not sent in the clear; set tls to starttls or tls")
        return self


class EmailChannel:
    """Sends messages as plain text and HTML, to a user's own address or to those that are configured."""

    contact: ClassVar[str] = "email"
    follows: ClassVar[bool] = False
    idempotent: ClassVar[bool] = False

    def __init__(self, settings: EmailSettings, writer: Writer) -> None:
        self._settings = settings
        self._writer = writer
        host, _, port = settings.smarthost.rpartition(":")
        file = settings.password_file
        self._mailer = Mailer(
            Server(
                host=host.strip("[]"),
                port=int(port),
                tls=settings.tls,
                timeout_seconds=settings.timeout.total_seconds(),
                username=settings.username,
                password=None if file is None else lambda: read_secret(file),
            )
        )

    async def send(self, envelope: Envelope) -> Receipt:
        recipients = self._recipients(envelope)
        mail = self._mail(envelope, recipients)
        try:
            refused = await self._mailer.send(mail, recipients)
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refusal.code for refusal in error.recipients]
            raise _verdict(
                codes, self._said(f"recipients refused: {error}")
            ) from None  # its cause may hold what was told in confidence
        except aiosmtplib.SMTPResponseException as error:
            raise _verdict(
                [error.code], self._said(f"answered {error.code} {error.message}")
            ) from None  # its cause may hold what was told in confidence
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise ChannelUnavailable(
                self._said(f"{type(error).__name__}: {error}")
            ) from None  # its cause may hold what was told in confidence
        for address, answer in refused.items():
            log.warning("a mail reaches not all of its recipients", address=address, answered=self._said(answer))
        return Receipt(str(mail["Message-ID"]))

    def preview(self, envelope: Envelope) -> str:
        """The mail as it would be read, its plain text."""
        text = self._writer.write(envelope)
        to = ", ".join(self._recipients(envelope))
        return f"From: {self._settings.sender}\nTo: {to}\nSubject: {text.subject}\n\n{text.body}"

    async def close(self) -> None:
        """Ends the connections that were kept."""
        await self._mailer.close()

    def _recipients(self, envelope: Envelope) -> list[str]:
        """
        Raises:
            ChannelRefused: there is nobody.
        """
        found = [envelope.to.address] if envelope.to else list(self._settings.to)
        if not found:
            raise ChannelRefused("it has no `to`, and the message is for nobody in particular; add one, or name users")
        return found

    def _mail(self, envelope: Envelope, recipients: list[str]) -> EmailMessage:
        text = self._writer.write(envelope)
        incident = envelope.incident
        domain = self._settings.sender.rpartition("@")[2]
        thread = f"<{incident.id}.incident@{domain}>"
        mail = EmailMessage()
        mail["From"] = self._settings.sender
        mail["To"] = ", ".join(recipients)
        mail["Subject"] = text.subject
        mail["Date"] = format_datetime(envelope.sent_at)
        mail["Message-ID"] = f"<{envelope.key.replace('/', '.')}@{domain}>"
        mail["In-Reply-To"] = envelope.reference or thread
        mail["References"] = f"{thread} {envelope.reference}".strip()
        mail["Thread-Topic"] = one_line(incident.title, 100)
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
        mail["X-Auto-Response-Suppress"] = "All"
        mail["List-Id"] = f"<incidents.tocsin.{domain}>"  # RFC 2919: what filters sort by
        mail["X-Tocsin-Incident"] = incident.id
        if incident.severity is Severity.CRITICAL and envelope.message not in QUIET:
            mail["Importance"] = "high"
            mail["X-Priority"] = "1"
        mail.set_content(text.body)
        mail.add_alternative(text.html, subtype="html")
        return mail

    def _said(self, text: str) -> str:
        """What the server said, without what it was told in confidence."""
        for secret in self._secrets():
            text = text.replace(secret, "…")
        return one_line(text, 300)

    def _secrets(self) -> list[str]:
        try:
            return self._mailer.secrets()
        except TocsinError:  # then it was told none
            return []


def _verdict(codes: list[int], said: str) -> ChannelUnavailable | ChannelRefused:
    """4yz comes again, 5yz is final (RFC 5321, 4.2.1)."""
    return ChannelRefused(said) if all(code >= 500 for code in codes) else ChannelUnavailable(said)
