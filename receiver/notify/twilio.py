"""Text messages and calls by Twilio. At least once: Twilio knows no key. Answers come in by `web/twilio.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self
from urllib.parse import urlencode

from pydantic import AnyHttpUrl, Field, StringConstraints, model_validator

from receiver.engine.occurrence import one_line
from receiver.notify import sms
from receiver.notify.channel import ChannelRefused, Envelope, Receipt
from receiver.notify.phone_words import VOICES, code_of, words
from receiver.notify.posting import Poster
from receiver.notify.text import Writer
from tocsin.config import Duration, Settings, read_secret

if TYPE_CHECKING:
    from receiver.notify.twilio_client import Account

Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
ASKS = ("page", "reopened", "handover", "sla")  # messages that somebody is to answer
MAX_SPOKEN = 600  # characters
MAX_TWIML = 4_000  # characters that it may have in a request; what must be escaped in it grows


class TwilioSettings(Settings):
    """Whose account."""

    account_sid: str = Field(pattern=r"^AC[0-9a-fA-F]{32}$")
    auth_token_file: Path
    to: Phone | None = None  # where a step names the channel itself
    url: AnyHttpUrl = AnyHttpUrl("https://api.twilio.com")
    timeout: Duration = timedelta(seconds=10)

    @property
    def token(self) -> str:
        """The account's secret, which signs what Twilio sends us, too.

        Raises:
            TocsinError: it cannot be read.
        """
        return read_secret(self.auth_token_file).strip()

    async def account(self, poster: Poster, envelope: Envelope) -> Account:
        """The way to Twilio. Its library takes a third of a second to load, which is not for the event loop."""
        await asyncio.to_thread(import_module, "receiver.notify.twilio_client")
        from receiver.notify.twilio_client import Account

        return Account(poster, str(self.url).rstrip("/"), self.account_sid, self.token, envelope.sent_at)

    def number(self, envelope: Envelope) -> str:
        """Whose telephone.

        Raises:
            ChannelRefused: nobody's.
        """
        number = envelope.to.address if envelope.to else self.to
        if not number:
            raise ChannelRefused("it has no number of its own: name a user, a team or a schedule, or set `to`")
        return number


class SmsSettings(TwilioSettings):
    """From whom, and how long."""

    sender: str | None = Field(None, alias="from", pattern=r"^(\+[1-9][0-9]{2,14}|[A-Za-z0-9 ]{1,11}|[0-9]{3,8})$")
    messaging_service_sid: str | None = Field(None, pattern=r"^MG[0-9a-fA-F]{32}$")
    segments: int = Field(2, ge=1, le=10)
    replies: bool = False

    @model_validator(mode="after")
    def _one_sender(self) -> Self:
        if (self.sender is None) == (self.messaging_service_sid is None):
            raise ValueError("give either from or messaging_service_sid")
        return self


class CallSettings(TwilioSettings):
    """From whom, and how long it rings."""

    sender: Phone = Field(alias="from")
    ring: Duration = timedelta(seconds=30)
    machine_detection: bool = True


class SmsChannel:
    """Sends text messages to a user's own number, or to the one that is configured."""

    contact: ClassVar[str] = "phone"
    follows: ClassVar[bool] = False
    idempotent: ClassVar[bool] = False

    def __init__(self, settings: SmsSettings, writer: Writer) -> None:
        self.settings = settings
        self._writer = writer
        self._poster = Poster(settings.timeout)

    async def send(self, envelope: Envelope) -> Receipt:
        settings = self.settings
        wanted: dict[str, Any] = {"to": settings.number(envelope), "body": self.preview(envelope)}
        wanted["from_" if settings.sender else "messaging_service_sid"] = (
            settings.sender or settings.messaging_service_sid
        )
        if envelope.links.hooks and not envelope.tested_by:
            wanted["status_callback"] = hook(envelope, "status")
        account = await settings.account(self._poster, envelope)
        return Receipt(reference=await account.message(**wanted))

    def preview(self, envelope: Envelope) -> str:
        """The text as it is sent: what is wrong, shortened; where to answer, whole."""
        hint = ""
        if self.settings.replies and asks(envelope):
            hint = words(_language(envelope))["reply"].format(code=code_of(envelope.incident.id))
        return sms.message(self._writer.write(envelope), envelope, hint, self.settings.segments)

    async def close(self) -> None:
        await self._poster.close()


class CallChannel:
    """Calls a user's own number, or the one that is configured, and takes a key for an answer."""

    contact: ClassVar[str] = "phone"
    follows: ClassVar[bool] = False
    idempotent: ClassVar[bool] = False

    def __init__(self, settings: CallSettings, writer: Writer) -> None:
        self.settings = settings
        self._writer = writer
        self._poster = Poster(settings.timeout)

    async def send(self, envelope: Envelope) -> Receipt:
        settings = self.settings
        wanted: dict[str, Any] = {
            "to": settings.number(envelope),
            "from_": settings.sender,
            "timeout": int(settings.ring.total_seconds()),
        }
        account = await settings.account(self._poster, envelope)
        wanted["twiml"] = self.preview(envelope)
        if envelope.links.hooks and not envelope.tested_by:
            status = hook(envelope, "status")
            wanted |= {"status_callback": status, "status_callback_event": ["completed"]}
            if settings.machine_detection:
                wanted |= {"machine_detection": "Enable", "async_amd": "true", "async_amd_status_callback": status}
        return Receipt(reference=await account.call(**wanted))

    def preview(self, envelope: Envelope) -> str:
        """What is said, as TwiML: twice, each time with a chance to press a key."""
        language = _language(envelope)
        said, voice = words(language), VOICES.get(language, VOICES["en"])
        text = self._writer.write(envelope)
        whole = f"{said['intro']} {text.spoken or text.subject}"
        twimls = (self._twiml(envelope, one_line(whole, most), said, voice) for most in (MAX_SPOKEN, 300, 100))
        return next((twiml for twiml in twimls if len(twiml) <= MAX_TWIML), "")

    def _twiml(self, envelope: Envelope, spoken: str, said: Mapping[str, str], voice: str) -> str:
        from twilio.twiml.voice_response import Gather, VoiceResponse

        response = VoiceResponse()
        for _ in range(2):
            if asks(envelope) and envelope.links.hooks:
                gather = Gather(num_digits=1, timeout=6, action=hook(envelope, "keys"), method="POST")
                gather.say(spoken, language=voice)
                gather.pause(length=1)
                gather.say(said["keys"], language=voice)
                response.append(gather)
            else:
                response.say(spoken, language=voice)
                response.pause(length=1)
        if asks(envelope):
            response.say(said["bye"], language=voice)
        return str(response)

    async def close(self) -> None:
        await self._poster.close()


def asks(envelope: Envelope) -> bool:
    """Whether somebody is to answer."""
    return envelope.message in ASKS and not envelope.tested_by


def hook(envelope: Envelope, what: str) -> str:
    """Where Twilio calls back about a message. It signs the whole URL, so that what stands in it can be believed."""
    about = {
        "incident": envelope.incident.id,
        "message": envelope.message,
        "key": envelope.key,
        "person": envelope.to.user if envelope.to else "",
        "round": str(envelope.incident.round),
        "at": str(int(envelope.sent_at.timestamp())),
    }
    return f"{envelope.links.hooks}/twilio/{envelope.channel}/{what}?{urlencode(about, safe='/')}"


def _language(envelope: Envelope) -> str:
    return envelope.to.language if envelope.to else "en"
