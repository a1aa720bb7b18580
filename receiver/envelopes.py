"""What a message is written from: the incident with its cause, its story and the links by which people answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import structlog

from receiver.engine.causes.tree import Tree
from receiver.engine.incident import Incident
from receiver.engine.plan import Message, address
from receiver.notify.answer_links import AnswerLinks
from receiver.notify.channel import Envelope, Links, Recipient
from receiver.people.directory import Directory
from receiver.store.stories import Stories, Story
from tocsin.clock import Clock
from tocsin.errors import StoreUnavailable

log = structlog.get_logger("receiver.jobs")

SHOWN_ALERTS = 10
MOST_EVENTS = 50  # of an incident's story, the newest
MOST_MEMBERS = 2_000  # alerts that a message is written from, those that began first


class NeedsContact(Protocol):
    """What a channel says of whom it reaches."""

    @property
    def contact(self) -> str: ...


class Envelopes:
    """Puts messages together. The address in `links` may be replaced."""

    def __init__(self, stories: Stories, links: AnswerLinks, clock: Clock) -> None:
        self._stories = stories
        self.links = links
        self._clock = clock

    async def put_together(
        self,
        key: str,
        message: Message,
        incident: Incident,
        channel: str,
        to: Recipient | None,
        reason: str = "",
        *,
        attempt: int = 1,
        story: Story | None = None,
        also: Sequence[Incident] = (),
        about: str = "",
    ) -> Envelope:
        """A message about an incident as it stands now; a story that cannot be told does not keep it.

        Raises:
            StoreUnavailable: not now.
        """
        try:
            story = story or await self._stories.story(incident, MOST_MEMBERS)
            alerts, tree, events = list(story.alerts.values()), story.tree, story.timeline
        except StoreUnavailable:
            raise
        except Exception:  # whatever keeps us from telling the causes must not keep the page
            log.exception("a message goes without its likely cause", incident=incident.id)
            alerts, tree, events = await self._stories.members(incident.id, SHOWN_ALERTS), Tree(), ()
        worst_first = sorted(alerts, key=lambda o: (o.ends_at is not None, -o.severity.rank, o.starts_at))
        person = to.user if to else ""
        now, base = self._clock.now(), self.links.external_url
        url = f"{base}/api/v1/incidents/{incident.id}" if base else ""
        return Envelope(
            key=key,
            message=message,
            incident=incident,
            alerts=worst_first[:SHOWN_ALERTS],
            sent_at=now,
            url=url,
            tree=tree,
            to=to,
            reason=reason,
            reference=dict(incident.references).get(address(channel, person), ""),
            links=Links(
                incident=url,
                acknowledge="" if message == "approval" else self.links.link(incident.id, person, now),
                hooks=f"{base}/api/v2/hooks" if base else "",
            ),
            story=events[-MOST_EVENTS:],
            story_from=max(len(events) - MOST_EVENTS, 0),
            channel=channel,
            attempt=attempt,
            also=also,
            about=about,
        )


def recipient(directory: Directory, user: str, channel: NeedsContact) -> Recipient | None:
    """Somebody as a channel wants them; None: there is no such user, or none with the contact that it needs."""
    settings = directory.users.get(user)
    if settings is None:
        return None
    contact = (getattr(settings.contacts, channel.contact) or "") if channel.contact else ""
    if channel.contact and not contact:
        return None
    return Recipient(user, settings.name or user, contact, settings.language, settings.timezone)
