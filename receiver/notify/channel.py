"""What a channel is. `jobs/` owns the when and the again; a channel only sends, once, and tells the truth about it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol, runtime_checkable

from receiver.engine.causes.tree import Tree
from receiver.engine.events import AnyEvent
from receiver.engine.incident import Incident
from receiver.engine.occurrence import Occurrence
from receiver.engine.plan import Message
from tocsin.errors import TocsinError, Unavailable


class ChannelUnavailable(Unavailable):
    """The channel could not take the message just now; try again. `after_seconds`, if the far side said when."""

    def __init__(self, message: str, after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.after_seconds = after_seconds


class ChannelRefused(TocsinError):
    """The channel will never take this message; trying again changes nothing."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who is told by a channel; `address` is the contact that the channel needs, empty if it needs none."""

    user: str
    name: str
    address: str = ""
    language: str = "en"
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Links:
    """Where people answer. `acknowledge` needs a POST to count: mail scanners and previews follow links.

    `hooks` is where the far side itself calls back, without a slash at its end.
    """

    incident: str = ""
    acknowledge: str = ""
    hooks: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message about an incident, as it stands when the message leaves.

    `key` names the message for ever: sent twice, it carries the same key. `alerts` holds the worst of the incident's
    alerts, a bounded number of them; `incident.alerts` counts all. `tree` tells the likeliest cause and what follows.
    `to` is whom it is for; None: whoever reads the channel as it is configured. `reference` is what the far side called
    the first message about this incident to the same address. `story` is what has happened, oldest first, bounded.
    `story_from` is how many events came before it. `also` are other incidents that the same person must be told of, so
    that one message tells them all. `channel` is the channel's name in the configuration. Beyond its first `attempt` a
    message may have arrived already. `tested_by` is who asked for a test: then the message says that it is one, and the
    far side must open nothing for it. `about` is the run that an `approval` or `remediation` message is about, or a
    step of it: `RUN/STEP`.
    """

    key: str
    message: Message
    incident: Incident
    alerts: Sequence[Occurrence]
    sent_at: datetime
    url: str = ""
    tree: Tree = field(default_factory=Tree)
    to: Recipient | None = None
    reason: str = ""
    reference: str = ""
    links: Links = Links()
    story: Sequence[tuple[datetime, AnyEvent]] = ()
    story_from: int = 0
    also: Sequence[Incident] = ()
    channel: str = ""
    attempt: int = 1
    tested_by: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """How it went. `reference`: the far side's own name for the message, by which it can be found again.

    `skipped` says why there was nothing to send.
    """

    reference: str = ""
    skipped: str = ""


class Channel(Protocol):
    """One way to tell people; a module each."""

    contact: ClassVar[str]  # which of a user's contacts it needs; an empty text: it reaches whoever reads it
    follows: ClassVar[bool]  # it shows how an incident goes on: it is sent `update`s
    idempotent: ClassVar[bool]  # the far side recognises a repeat by its key; else at least once

    async def send(self, envelope: Envelope) -> Receipt:
        """Sends one message.

        Raises:
            ChannelUnavailable: it may be tried again.
            ChannelRefused: it may not.
        """
        ...


@runtime_checkable
class Closing(Protocol):
    """A channel that keeps connections or threads."""

    async def close(self) -> None:
        """Lets go of them; what is being sent may end."""
        ...


async def close(channels: Iterable[Channel]) -> None:
    """Closes those that keep something."""
    await asyncio.gather(*(channel.close() for channel in channels if isinstance(channel, Closing)))
