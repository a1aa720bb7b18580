"""Whatever apprise knows: a hundred services by their URL. It only says yes or no, so a no is tried a few times."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from receiver.engine.occurrence import one_line
from receiver.notify.channel import ChannelRefused, ChannelUnavailable, Envelope, Receipt
from receiver.notify.text import Writer
from receiver.notify.threads import Blocking
from tocsin.config import Duration, Settings, read_secret

if TYPE_CHECKING:
    import apprise

MAX_BODY = 8_000  # characters
MENTIONS = ("@everyone", "@here", "@channel", "<!", "<@", "<#")  # how services call everybody; nothing here means it
LOCAL = {"dbus", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows"}  # what acts on this machine itself


class AppriseSettings(Settings):
    """Where to, where a step names the channel itself; a user has a URL of their own."""

    url_file: Path | None = None
    tries: int = Field(5, ge=1, le=50)
    timeout: Duration = timedelta(seconds=20)


class AppriseChannel:
    """Notifies a user's own URL (`contacts.apprise`) or the one in a file."""

    contact: ClassVar[str] = "apprise"
    follows: ClassVar[bool] = False
    idempotent: ClassVar[bool] = False

    def __init__(self, settings: AppriseSettings, writer: Writer) -> None:
        self._settings = settings
        self._writer = writer
        self._calls: Blocking[type[apprise.Apprise]] = Blocking(_library, "apprise")

    async def send(self, envelope: Envelope) -> Receipt:
        url = self._url(envelope)
        subject, body = self._words(envelope)
        seconds = self._settings.timeout.total_seconds()
        sent = await self._calls.run(lambda library: _notify(library, url, subject, body, seconds), seconds)
        if sent is None:
            raise ChannelRefused("apprise does not know this kind of URL, or parts of it are missing")
        if not sent:
            raise self._no(envelope.attempt)
        return Receipt()

    def preview(self, envelope: Envelope) -> str:
        """The title, and the text as it is given to apprise."""
        return "\n\n".join(self._words(envelope))

    async def close(self) -> None:
        await self._calls.close()

    def _url(self, envelope: Envelope) -> str:
        if envelope.to is not None:
            return envelope.to.address
        if self._settings.url_file is None:
            raise ChannelRefused("it has no URL of its own: name a user, a team or a schedule, or set url_file")
        return read_secret(self._settings.url_file).strip()

    def _words(self, envelope: Envelope) -> tuple[str, str]:
        text = self._writer.write(envelope)
        lines = "\n".join(one_line(line, 1_000) for line in text.body[:MAX_BODY].splitlines())
        return _harmless(text.subject), _harmless(lines)

    def _no(self, attempt: int) -> ChannelUnavailable | ChannelRefused:
        """apprise says no and not why: that may pass, or not."""
        if attempt >= self._settings.tries:
            return ChannelRefused(f"apprise could not send it, {attempt} times, and does not say why")
        return ChannelUnavailable("apprise could not send it, and does not say why")


def _library() -> type[apprise.Apprise]:
    import apprise

    logging.getLogger("apprise").setLevel(
        logging.CRITICAL
    )  # its lines hold URLs; what comes of a message is ours to say
    return apprise.Apprise


def _notify(library: type[apprise.Apprise], url: str, subject: str, body: str, seconds: float) -> bool | None:
    """Whether it was sent; None: the URL is none that may be used."""
    import apprise

    if url.partition("://")[0].lower() in LOCAL:
        return None
    asset = apprise.AppriseAsset(http_redirects=False, async_mode=False, app_id="Tocsin", service_timeout=seconds)
    one = library(asset=asset)
    if not one.add(url):
        return None
    return bool(one.notify(title=subject, body=body, body_format=apprise.NotifyFormat.TEXT))


def _harmless(text: str) -> str:
    """The text with a space of no width inside whatever would call everybody."""
    for mention in MENTIONS:
        text = text.replace(mention, f"{mention[0]}\u200b{mention[1:]}")
    return text
