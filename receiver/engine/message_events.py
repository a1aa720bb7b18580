"""What becomes of the messages about an incident. Stored for ever, as `events.py` says."""

from __future__ import annotations

from receiver.engine.event import Event
from receiver.engine.plan import Message


class MessageSent(Event, frozen=True, tag="message_sent"):
    """`reference` is the far side's own name for it; `reason` says why it was sent."""

    channel: str
    message: Message
    key: str
    attempts: int = 1
    person: str = ""
    reason: str = ""
    reference: str = ""


class MessageDelivered(Event, frozen=True, tag="message_delivered"):
    """The far side says that it has arrived."""

    channel: str
    message: Message
    key: str
    person: str = ""


class MessageSkipped(Event, frozen=True, tag="message_skipped"):
    channel: str
    message: Message
    key: str
    reason: str
    person: str = ""


class MessageFailed(Event, frozen=True, tag="message_failed"):
    """Given up; what can be tried again is no event."""

    channel: str
    message: Message
    key: str
    reason: str
    person: str = ""


class MessageDiverted(Event, frozen=True, tag="message_diverted"):
    """Its channel does not work just now, and its person can be reached by another: it is never sent by this one."""

    channel: str
    message: Message
    key: str
    reason: str
    person: str = ""


class MessageRetried(Event, frozen=True, tag="message_retried"):
    """A person put it back that had been given up."""

    channel: str
    message: Message
    key: str
    by: str
    person: str = ""
