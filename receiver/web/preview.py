"""What would be sent, and a test of a channel: `/api/v1/notifications/preview` and `test`. Neither opens anything."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol, runtime_checkable

import structlog
from aiohttp import web
from msgspec import structs
from pydantic import Field

from receiver.engine.events import Resolved
from receiver.engine.incident import Incident, IncidentStatus, apply
from receiver.engine.occurrence import one_line
from receiver.engine.plan import Message
from receiver.envelopes import Envelopes, recipient
from receiver.notify.answer_links import PATH
from receiver.notify.channel import Channel, ChannelUnavailable, Envelope, Recipient
from receiver.notify.text import Writer
from receiver.people.directory import Directory
from receiver.store.queries import Queries
from receiver.web import answers
from receiver.web.access import asking, tenants
from receiver.web.api import named
from receiver.web.bodies import By
from receiver.web.declared import Said, operation
from receiver.web.problems import Impossible
from tocsin.clock import Clock
from tocsin.errors import TocsinError
from tocsin.model import Severity

log = structlog.get_logger("receiver.notify")

MOST_SECONDS = 30.0  # for a test
BETWEEN_TESTS = 5.0  # seconds, of one channel: a test may cost money, and wakes people


class Previewing(Said):
    """Which message about which incident, by which channel, to whom (empty: to nobody by name)."""

    channel: str = Field(max_length=200, examples=["slack"])
    incident: str = Field(max_length=200, description="Its id, or the beginning of it.")
    user: str = Field("", max_length=200)
    message: Message = "page"


class Testing(By):
    """Which channel, and to whom, for those that tell people one by one."""

    channel: str = Field(max_length=200, examples=["slack"])
    user: str = Field("", max_length=200)


@runtime_checkable
class Previews(Protocol):
    """A channel that can show what it would send."""

    def preview(self, envelope: Envelope) -> str: ...


class Telling(Protocol):
    """Where the channels and the envelopes are found: they are replaced when the configuration is read again."""

    channels: Mapping[str, Channel]
    envelopes: Envelopes


class KnowsPeople(Protocol):
    directory: Directory


class PreviewApi:
    """Shows messages, and sends tests."""

    def __init__(self, telling: Telling, people: KnowsPeople, queries: Queries, clock: Clock) -> None:
        self._telling = telling
        self._people = people
        self._queries = queries
        self._clock = clock
        self._tested: dict[str, float] = {}

    def routes(self) -> list[web.RouteDef]:
        path = "/api/v1/notifications"
        return [
            web.post(f"{path}/preview", self.preview),
            web.post(f"{path}/test", self.test),
        ]

    @operation(
        "Preview a message",
        "incidents:read",
        {200: answers.PreviewJson},
        takes=Previewing,
        problems=(404, 409),
        tag="notifications",
    )
    async def preview(self, request: web.Request, asked: Previewing) -> web.Response:
        """What a channel would send about an incident now. The link in it answers nothing: it is nobody's."""
        channel, to, message = self._channel(asked.channel), self._recipient(asked), asked.message
        incident = self._then(await named(self._queries, asked.incident, tenants(request)), message)
        key = f"{incident.id}/{message}/preview"
        envelope = await self._telling.envelopes.put_together(key, message, incident, asked.channel, to)
        if envelope.links.acknowledge:
            base = envelope.links.acknowledge.partition(PATH)[0]
            envelope = replace(envelope, links=replace(envelope.links, acknowledge=f"{base}{PATH}PREVIEW"))
        try:
            shown = previewed(channel, envelope)
        except TocsinError as error:
            raise Impossible(f"the channel {asked.channel} would send nothing: {error}") from error
        answer = {"channel": asked.channel, "user": asked.user or None, "message": message, "preview": shown}
        return web.json_response(answer | {"incident": incident.id})

    @operation(
        "Test a channel",
        "incidents:write",
        {200: answers.TriedJson},
        takes=Testing,
        problems=(409,),
        tag="notifications",
    )
    async def test(self, request: web.Request, asked: Testing) -> web.Response:
        """Sends one message that says that it is a test; `sent` tells whether that could be done. 5 s between tests."""
        channel, to = self._channel(asked.channel), self._recipient(asked)
        waited = time.monotonic() - self._tested.get(asked.channel, float("-inf"))
        if waited < BETWEEN_TESTS:
            raise Impossible(f"{asked.channel} was tested {waited:.0f} s ago; wait {BETWEEN_TESTS:g} s between tests")
        self._tested[asked.channel] = time.monotonic()
        by = asking(request, asked.by).name
        sent, reason, reference = True, "", ""
        try:
            async with asyncio.timeout(MOST_SECONDS):
                receipt = await channel.send(self._test(asked.channel, to, by))
            sent, reason, reference = not receipt.skipped, receipt.skipped, receipt.reference
        except TimeoutError:
            sent, reason = False, f"no answer within {MOST_SECONDS:g} s"
        except TocsinError as error:
            later = " (a message would be tried again)" if isinstance(error, ChannelUnavailable) else ""
            sent, reason = False, f"{error}{later}"
        log.info("a channel was tested", channel=asked.channel, user=asked.user, by=by, sent=sent, reason=reason)
        answer = {"channel": asked.channel, "user": asked.user or None, "sent": sent, "reason": reason or None}
        return web.json_response(answer | {"reference": reference or None})

    def _then(self, incident: Incident, message: Message) -> Incident:
        """The incident as it will be when such a message is sent."""
        now = self._clock.now()
        if message == "resolved" and incident.status is not IncidentStatus.RESOLVED:
            return apply(structs.replace(incident, firing=0), Resolved("alertmanager"), now)
        if message == "reopened" and incident.reopened_at is None:
            return structs.replace(incident, reopened_at=now)
        return incident

    def _test(self, channel: str, to: Recipient | None, by: str) -> Envelope:
        now = self._clock.now()
        number = f"{int(now.timestamp() * 1000):x}"
        incident = Incident(
            id=f"test{number}", title=f"Test of the channel {channel}", severity=Severity.INFO, opened_at=now
        )
        key = f"{incident.id}/page/0/{channel}"
        return Envelope(key, "page", incident, (), now, to=to, channel=channel, tested_by=by)

    def _channel(self, name: str) -> Channel:
        found = self._telling.channels.get(name)
        if found is None:
            known = ", ".join(sorted(self._telling.channels)) or "none is configured"
            raise Impossible(f"there is no channel {one_line(name, 64)!r}; known: {known}")
        return found

    def _recipient(self, asked: Previewing | Testing) -> Recipient | None:
        if not asked.user:
            return None
        directory, channel = self._people.directory, self._channel(asked.channel)
        if asked.user not in directory.users:
            known = ", ".join(sorted(directory.users)) or "none is configured"
            raise Impossible(f"there is no user {one_line(asked.user, 64)!r}; known: {known}")
        found = recipient(directory, asked.user, channel)
        if found is None:
            hint = f"add users.{asked.user}.contacts.{channel.contact}"
            raise Impossible(f"{asked.user} cannot be reached by {asked.channel}: {hint}")
        return found


def previewed(channel: Channel, envelope: Envelope) -> str:
    """What a channel would send, as itself shows it; one that cannot show it: the words.

    Raises:
        TocsinError: it would send nothing.
    """
    if isinstance(channel, Previews):
        return channel.preview(envelope)
    text = Writer().write(envelope)
    return f"{text.subject}\n\n{text.body}"
