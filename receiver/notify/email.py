"""E-mail by SMTP. At least once: the Message-ID is stable, so that a repeat can be recognised."""

from __future__ import annotations

import re
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Annotated, Literal, Self

import aiosmtplib
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from receiver.notify.channel import ChannelRefused, ChannelUnavailable, Envelope
from receiver.notify.text import Writer
from tocsin.config import Duration, OneOrMore, Settings, read_secret


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
    to: OneOrMore[Address]
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
    """Sends messages as plain text."""

    def __init__(self, settings: EmailSettings, writer: Writer) -> None:
        self._settings = settings
        self._writer = writer

    async def send(self, envelope: Envelope) -> None:
        settings = self._settings
        host, _, port = settings.smarthost.rpartition(":")
        password = read_secret(settings.password_file) if settings.password_file else None
        try:
            await aiosmtplib.send(
                self._mail(envelope),
                hostname=host.strip("[]"),
                port=int(port),
                username=settings.username,
                password=password,
                use_tls=settings.tls == "tls",
                start_tls=settings.tls == "starttls",
                timeout=settings.timeout.total_seconds(),
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _verdict([refusal.code for refusal in error.recipients], f"recipients refused: {error}") from error
        except aiosmtplib.SMTPResponseException as error:
            raise _verdict([error.code], f"answered {error.code} {error.message}") from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise ChannelUnavailable(f"{type(error).__name__}: {error}") from error

    def _mail(self, envelope: Envelope) -> EmailMessage:
        text = self._writer.write(envelope)
        domain = self._settings.sender.rpartition("@")[2]
        mail = EmailMessage()
        mail["From"] = self._settings.sender
        mail["To"] = ", ".join(self._settings.to)
        mail["Subject"] = text.subject
        mail["Date"] = format_datetime(envelope.sent_at)
        mail["Message-ID"] = f"<{envelope.key.replace('/', '.')}@{domain}>"
        first = f"<{envelope.incident.id}.incident@{domain}>"  # one thread an incident
        mail["References"] = first
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Tocsin-Incident"] = envelope.incident.id
        mail.set_content(text.body)
        return mail


def _verdict(codes: list[int], said: str) -> ChannelUnavailable | ChannelRefused:
    """4yz comes again, 5yz is final (RFC 5321, 4.2.1)."""
    return ChannelRefused(said) if all(code >= 500 for code in codes) else ChannelUnavailable(said)
