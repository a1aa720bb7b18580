"""Answers from Slack: by request URL (`POST /api/v2/hooks/slack`), believed only with Slack's signature.

Source: docs.slack.dev/authentication/verifying-requests-from-slack.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import parse_qs

import structlog
from aiohttp import web

from receiver.notify.channel import Channel
from receiver.notify.slack import SlackChannel
from receiver.web.declared import Media, operation
from receiver.web.problems import problem
from receiver.web.scopes import proves_itself
from receiver.web.slack_clicks import SlackClicks
from receiver.web.slack_payload import Click, read
from tocsin.clock import Clock
from tocsin.config import read_secret
from tocsin.errors import TocsinError

log = structlog.get_logger("receiver.slack")

PATH = "/api/v2/hooks/slack"
FRESH = timedelta(minutes=5)
ANSWER_SECONDS = 2.0  # Slack gives up after 3
MOST_REMEMBERED = 10_000  # signatures, for as long as they are fresh
TOLD_AGAIN = timedelta(minutes=10)


class SlackHooks:
    """Takes clicks for every Slack channel that has a signing secret. `channels` may be replaced."""

    def __init__(self, channels: Mapping[str, Channel], clicks: SlackClicks, clock: Clock) -> None:
        self.channels = channels
        self._clicks = clicks
        self._clock = clock
        self._seen: dict[str, datetime] = {}
        self._told: datetime | None = None

    def routes(self) -> list[web.RouteDef]:
        return [web.post(PATH, proves_itself(self.receive))]

    @operation(
        "Take in a click in Slack",
        None,
        {200: Media("application/json", "What Slack shows at once; mostly nothing.")},
        documents=Media("application/x-www-form-urlencoded", "`payload`, signed by `X-Slack-Signature`."),
        problems=(404,),
        tag="answers",
    )
    async def receive(self, request: web.Request) -> web.Response:
        """Takes a click: recorded first, answered within 3 seconds, shown in the message."""
        signed = [one for one in slack_channels(self.channels) if one.settings.signing_secret_file is not None]
        if not signed:
            return problem(404, "no Slack channel takes answers here; set signing_secret_file, or use Socket Mode")
        body = await request.read()
        stamp = request.headers.get("X-Slack-Request-Timestamp", "")
        signature = request.headers.get("X-Slack-Signature", "")
        channel = next((one for one in signed if _signed(one, stamp, body, signature)), None)
        wrong = self._wrong(channel, stamp, signature)
        if channel is None or wrong:
            self._tell(wrong, request.remote)
            return problem(401, wrong)
        try:
            click = _click(body)
        except ValueError as error:
            return problem(400, f"this is no interaction payload: {error}")
        if click is not None and not await self._clicks.take(click, channel, ANSWER_SECONDS):
            return problem(503, "this could not be written down just now; press again")
        return web.Response()

    def _wrong(self, channel: SlackChannel | None, stamp: str, signature: str) -> str:
        """Why a request is not believed; an empty text: it is, this once."""
        now = self._clock.now()
        if not stamp.isascii() or not stamp.isdecimal() or len(stamp) > 12:
            return "X-Slack-Request-Timestamp is missing or no time"
        if abs(int(stamp) - now.timestamp()) > FRESH.total_seconds():
            return "the request is older than 5 minutes, or the clocks differ"
        if channel is None:
            return "X-Slack-Signature is missing or wrong; is signing_secret_file this app's?"
        for old in [name for name, at in self._seen.items() if now - at > 2 * FRESH]:
            del self._seen[old]
        if signature in self._seen:
            return "this request has been taken before"
        while len(self._seen) >= MOST_REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self._seen[signature] = now
        return ""

    def _tell(self, wrong: str, remote: str | None) -> None:
        now = self._clock.now()
        if self._told is None or now - self._told >= TOLD_AGAIN:
            self._told = now
            log.warning("a request in Slack's name is refused", reason=wrong, remote=remote)


def slack_channels(channels: Mapping[str, Channel]) -> Iterable[SlackChannel]:
    """Those that are Slack's."""
    return [channel for channel in channels.values() if isinstance(channel, SlackChannel)]


def signature_of(secret: str, stamp: str, body: bytes) -> str:
    """Slack's signature, version 0."""
    return (
        "v0="
        + hmac.new(secret.encode(), b"v0:" + stamp.encode("utf-8", "surrogateescape") + b":" + body, sha256).hexdigest()
    )


def _signed(channel: SlackChannel, stamp: str, body: bytes, signature: str) -> bool:
    assert channel.settings.signing_secret_file is not None  # only those are asked
    try:
        secret = read_secret(channel.settings.signing_secret_file)
    except TocsinError as error:
        log.error("Slack's requests cannot be checked", reason=str(error))
        return False
    given = signature.encode("utf-8", "surrogateescape")
    return hmac.compare_digest(signature_of(secret, stamp, body).encode(), given)


def _click(body: bytes) -> Click | None:
    """The click in a form's field `payload`; None: Slack asks something else, such as whether we are there."""
    fields = parse_qs(body.decode("utf-8"), max_num_fields=20)
    payload = fields.get("payload")
    return read(payload[0]) if payload else None
