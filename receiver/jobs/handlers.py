"""What a job does when its time has come, and the event that tells what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog
import tenacity

from receiver.engine.causes.tree import Tree
from receiver.engine.events import AnyEvent, EscalationDue, MessageFailed, MessageSent, MessageSkipped
from receiver.engine.held import marker
from receiver.engine.incident import Incident
from receiver.engine.notification import Body
from receiver.engine.policy import still_wanted
from receiver.notify.channel import Channel, ChannelRefused, ChannelUnavailable, Envelope
from receiver.store.jobs import Deliver, Escalate, Job, Reconsider
from receiver.store.ledger import Ledger
from receiver.store.stories import Stories
from tocsin.clock import Clock
from tocsin.errors import StoreUnavailable, TocsinError
from tocsin.telemetry import NoTraces, Traces

log = structlog.get_logger("receiver.jobs")

SHOWN_ALERTS = 10
MOST_MEMBERS = 2_000  # alerts that a message is written from, those that began first
MAX_ATTEMPTS = 100  # with the back-off below, about eight hours
_back_off = tenacity.wait_exponential_jitter(initial=1, max=300, jitter=1)


@dataclass(frozen=True, slots=True)
class Again:
    """Not now; try later."""

    wait: timedelta
    reason: str


def back_off(attempt: int) -> timedelta:
    """How long to wait after the n-th failed attempt: doubling from a second to five minutes, with jitter."""
    state = tenacity.RetryCallState(tenacity.AsyncRetrying(), None, (), {})
    state.attempt_number = attempt
    return timedelta(seconds=_back_off(state))


class Handlers:
    """Does one job; what it gives back is recorded on the incident together with the end of the job."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        stories: Stories,
        channels: Mapping[str, Channel],
        clock: Clock,
        external_url: str,
    ) -> None:
        self._ledger = ledger
        self._stories = stories
        self.channels = channels
        self._clock = clock
        self.traces: Traces = NoTraces()
        self.external_url = external_url.rstrip("/")

    async def handle(self, job: Job) -> AnyEvent | Again | Body:
        """What comes of a job: an event of its incident, a body of our own for the inbox, or another try."""
        match job.payload:
            case Reconsider(by=by, after=after):
                return marker(self._clock.now(), by=by, after=after)
            case Escalate(step=step):
                return EscalationDue(step)
            case Deliver() as deliver:
                return await self._deliver(job, deliver)

    async def _deliver(self, job: Job, deliver: Deliver) -> AnyEvent | Again:
        def failed(reason: str) -> MessageFailed:
            return MessageFailed(deliver.channel, deliver.message, job.key, reason)

        incident = await self._ledger.incident(job.incident)
        if incident is None:
            return failed("the incident is gone")
        verdict = still_wanted(incident, deliver.channel, deliver.message, deliver.round)
        if not verdict.send:
            return MessageSkipped(deliver.channel, deliver.message, job.key, verdict.reason)
        channel = self.channels.get(deliver.channel)
        if channel is None:
            return failed(f"the channel {deliver.channel!r} is no longer configured")
        envelope = await self._envelope(job, deliver, incident)  # a store that is away is no refusal: not in the try
        try:
            with self.traces.span(
                "message",
                "producer",
                incident.traceparent,
                channel=deliver.channel,
                message=deliver.message,
                incident=incident.id,
                attempt=job.attempt,
            ):
                await channel.send(envelope)
        except ChannelUnavailable as error:
            if job.attempt >= MAX_ATTEMPTS:
                return failed(f"given up after {job.attempt} attempts: {error}")
            wait = back_off(job.attempt)
            if error.after_seconds is not None:
                wait = max(wait, timedelta(seconds=min(error.after_seconds, 3600)))
            return Again(wait, str(error))
        except (ChannelRefused, TocsinError) as error:
            return failed(str(error))
        return MessageSent(deliver.channel, deliver.message, job.key, job.attempt)

    async def _envelope(self, job: Job, deliver: Deliver, incident: Incident) -> Envelope:
        try:
            story = await self._stories.story(incident, MOST_MEMBERS)
            alerts, tree = list(story.alerts.values()), story.tree
        except StoreUnavailable:
            raise
        except Exception:  # whatever keeps us from telling the causes must not keep the page
            log.exception("a message goes without its likely cause", incident=incident.id)
            alerts, tree = await self._stories.members(incident.id, SHOWN_ALERTS), Tree()
        worst_first = sorted(alerts, key=lambda o: (o.ends_at is not None, -o.severity.rank, o.starts_at))
        url = f"{self.external_url}/api/v1/incidents/{incident.id}" if self.external_url else ""
        shown = worst_first[:SHOWN_ALERTS]
        return Envelope(job.key, deliver.message, incident, shown, self._clock.now(), url, tree)
