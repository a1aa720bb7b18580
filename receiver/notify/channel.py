"""What a channel is. `jobs/` owns the when and the again; a channel only sends, once, and tells the truth about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from receiver.engine.causes.tree import Tree
from receiver.engine.events import Message
from receiver.engine.incident import Incident
from receiver.engine.occurrence import Occurrence
from tocsin.errors import TocsinError, Unavailable


class ChannelUnavailable(Unavailable):
    """The channel could not take the message just now; try again. `after_seconds`, if the far side said when."""

    def __init__(self, message: str, after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.after_seconds = after_seconds


class ChannelRefused(TocsinError):
    """The channel will never take this message; trying again changes nothing."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message about an incident, as it stands when the message leaves.

    `key` names the message for ever: sent twice, it carries the same key. `alerts` holds the worst of the incident's
    alerts, a bounded number of them; `incident.alerts` counts all. `tree` tells the likeliest cause and what follows.
    """

    key: str
    message: Message
    incident: Incident
    alerts: Sequence[Occurrence]
    sent_at: datetime
    url: str = ""
    tree: Tree = field(default_factory=Tree)


class Channel(Protocol):
    async def send(self, envelope: Envelope) -> None:
        """Sends one message.

        Raises:
            ChannelUnavailable: it may be tried again.
            ChannelRefused: it may not.
        """
        ...
