"""The calls that make a message in Slack: one an incident and address, updated in place, its story in the thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from receiver.engine.events import AnyEvent
from receiver.engine.incident import IncidentStatus
from receiver.engine.message_events import MessageSent
from receiver.engine.run_events import NEEDS_PEOPLE, RunEnded
from receiver.notify.channel import Envelope
from receiver.notify.run_message import ABOUT_RUNS
from receiver.notify.slack_blocks import actions, bare, blocks, headline
from receiver.notify.slack_runs import run_blocks
from receiver.notify.slack_story import is_news, news
from receiver.notify.slack_text import Block, escaped, fitting, section
from receiver.notify.slack_words import words

LOUD = ("page", "reopened", "sla", "handover")  # asks for somebody: an update in place alone notifies nobody
# Slack reads names and addresses in text as mentions and links unless it is told not to; for updates by default.
LITERAL = {"parse": "none", "link_names": False}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an incident's message stands, as `Receipt.reference`; `told` is how many of its events it tells."""

    channel: str
    ts: str
    told: int
    incident: str

    def __str__(self) -> str:
        return f"{self.channel}:{self.ts}:{self.told}:{self.incident}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """What a reference says; None: it is none of ours."""
        match text.split(":"):
            case [str(channel), str(ts), told, str(incident)] if channel and ts and told.isascii() and told.isdecimal():
                return cls(channel, ts, int(told), incident)
            case _:
                return None


@dataclass(frozen=True, slots=True)
class Call:
    """One call of Slack's API."""

    method: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """The calls, in order, and the place that they update; no calls: everything is told."""

    calls: tuple[Call, ...]
    place: Place | None = None


def place_of(envelope: Envelope) -> Place | None:
    """Where the incident's own message to this address stands: the newest, if it was posted again.

    The first reference may be of a message about another incident, which told of this one beside it.
    """
    first = Place.parse(envelope.reference)
    if first is None:
        return None
    sent = [Place.parse(event.reference) for _, event in envelope.story if isinstance(event, MessageSent)]
    ours = [
        place
        for place in (first, *sent)
        if place is not None and (place.channel, place.incident) == (first.channel, envelope.incident.id)
    ]
    return ours[-1] if ours else None


def told_by(envelope: Envelope) -> int:
    """How many of the incident's events a message made now tells."""
    return envelope.story_from + len(envelope.story)


def plan(envelope: Envelope, address: str, subject: str, *, short: bool = False) -> Plan:
    """The calls for a message to an address, a conversation's or a member's id; `short`: without its details.

    A message about a run stands beside the incident's own, which it does not update. What is posted comes last, so that
    an update that fails can be repeated and nothing is said twice.
    """
    place = place_of(envelope)
    if envelope.message in ABOUT_RUNS and not envelope.tested_by:
        return Plan((_about_run(envelope, place, address, escaped(subject), short=short),))
    shown = bare(envelope) if short else blocks(envelope)
    text = escaped(subject)
    if place is None:
        return Plan((_post(envelope, address, [*_loud(envelope, first=True), *shown], text),))
    since = envelope.story[max(place.told - envelope.story_from, 0) :]
    if envelope.message == "update" and not any(is_news(event) for _, event in since):
        return Plan((), place)
    update = Call("chat.update", {"channel": place.channel, "ts": place.ts, "text": text, "blocks": shown} | LITERAL)
    lines = news(since)
    loud = envelope.message in LOUD or any(_went_wrong(event) for _, event in since)
    if not loud and not lines:
        return Plan((update,), place)
    said = [section(fitting(lines, lambda n: f"… and {n} more"))] if lines else []
    content = [*_loud(envelope, first=False), *said, *_answers(envelope, loud=loud)]
    reply = _post(envelope, place.channel, content, text)
    reply.arguments["thread_ts"] = place.ts
    if loud:
        reply.arguments["reply_broadcast"] = True
    return Plan((update, reply), place)


def _went_wrong(event: AnyEvent) -> bool:
    """Whether a runbook's run ended so that people are needed now."""
    return isinstance(event, RunEnded) and event.outcome in NEEDS_PEOPLE


def _about_run(envelope: Envelope, place: Place | None, address: str, text: str, *, short: bool) -> Call:
    """A message of its own, in the incident's thread where there is one: it is asked, or told, once."""
    call = _post(envelope, address if place is None else place.channel, run_blocks(envelope, short=short), text)
    if place is not None:
        call.arguments["thread_ts"] = place.ts
        call.arguments["reply_broadcast"] = True
    return call


def _loud(envelope: Envelope, *, first: bool) -> list[Block]:
    """Why it is said again, over what has happened since; the first page says all by itself."""
    if envelope.message not in LOUD or (first and envelope.message == "page"):
        return []
    say = words(envelope.to.language if envelope.to else "en")
    why = f"*{say.loud[envelope.message]}*"
    return [section(why if first else f"{escaped(headline(envelope.incident, say))}\n{why}")]


def _answers(envelope: Envelope, *, loud: bool) -> list[Block]:
    """The buttons once more where the channel is notified again."""
    if not loud or envelope.incident.status is IncidentStatus.RESOLVED:
        return []
    return [actions(envelope.incident, words(envelope.to.language if envelope.to else "en"))]


def _post(envelope: Envelope, channel: str, content: list[Block], text: str) -> Call:
    """A new message; its metadata carries the key, by which a repeat can be recognised."""
    metadata = {"event_type": "tocsin_message", "event_payload": {"key": envelope.key}}
    quiet = {"unfurl_links": False, "unfurl_media": False}
    return Call(
        "chat.postMessage",
        {"channel": channel, "text": text, "blocks": content, "metadata": metadata} | quiet | LITERAL,
    )
