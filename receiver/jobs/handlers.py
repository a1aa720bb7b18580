"""What a job does when its time has come, and what is to be recorded of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from receiver.decide import Asked, Result
from receiver.engine.consequences import other_way
from receiver.engine.events import AnyEvent, EscalationDue
from receiver.engine.held import marker
from receiver.engine.incident import Incident
from receiver.engine.message_events import MessageDiverted, MessageFailed, MessageSent, MessageSkipped
from receiver.engine.notification import Body
from receiver.engine.wanted import Verdict, still_wanted
from receiver.envelopes import Envelopes, recipient
from receiver.jobs.back_off import back_off
from receiver.jobs.escalating import Escalating
from receiver.jobs.gate import Gate, Shut
from receiver.jobs.pacing import Pacer, Plan
from receiver.notify.channel import Channel, ChannelRefused, ChannelUnavailable, Envelope, Receipt, Recipient
from receiver.store.endings import Ended, GivenBack
from receiver.store.jobs import Act, Consider, Deliver, Escalate, Job, Reconsider, Ring, Silence
from receiver.store.ledger import Ledger
from receiver.store.stories import Stories, Story
from tocsin.clock import Clock
from tocsin.errors import StoreUnavailable, TocsinError
from tocsin.telemetry import NoTraces, Traces

log = structlog.get_logger("receiver.jobs")

MAX_ATTEMPTS = 100  # with the back-off below, about six hours
DIVERTED_AFTER = timedelta(seconds=30)  # a page does not wait longer for a channel where there is another way


@dataclass(frozen=True, slots=True)
class Again:
    """Not now; try later."""

    wait: timedelta
    reason: str


@dataclass(frozen=True, slots=True)
class Ready:
    """A job with what it is about, as that stands now; a message with its incident's story."""

    job: Job
    incident: Incident | None
    story: Story | None = None

    @property
    def deliver(self) -> Deliver:
        assert isinstance(self.job.payload, Deliver)
        return self.job.payload


@dataclass(frozen=True, slots=True)
class Put:
    """A body of our own for the inbox; the job ends with it."""

    job: Job
    body: Body


Acting = Callable[[Job, Incident], Awaitable[Result]]
Silences = Callable[[Incident, int], Awaitable[AnyEvent | Again | None]]  # the incident, the attempt


class Handlers:
    """Does jobs; what it gives back is recorded on the incident together with the end of the job."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        stories: Stories,
        envelopes: Envelopes,
        channels: Mapping[str, Channel],
        clock: Clock,
        escalating: Escalating,
        pacer: Pacer,
    ) -> None:
        self.pacer = pacer
        self.escalating = escalating
        self.silences: Silences | None = None
        self.acting: Acting | None = None
        self._ledger = ledger
        self._stories = stories
        self.envelopes = envelopes
        self.channels = channels
        self._clock = clock
        self.traces: Traces = NoTraces()
        self._gates: dict[str, Gate] = {}

    def gate(self, channel: str) -> Gate:
        """What is known of a channel."""
        return self._gates.setdefault(channel, Gate())

    async def plan(self, channel: str, ready: Sequence[Ready]) -> Plan[Ready]:
        """Which messages to a channel go now, and which of them together.

        Raises:
            StoreUnavailable: not now.
        """
        known = self.channels.get(channel)
        alone = known is not None and known.follows
        wanted: list[Ready] = []
        others: list[list[Ready]] = []  # their reasons need not wait
        for one in ready:
            if _verdict(one).send:
                wanted.append(one)
            else:
                others.append([one])
        made = await self.pacer.plan(channel, wanted, self._clock.now(), alone=alone)
        made.together += others
        return made

    async def prepare(self, jobs: Sequence[Job]) -> list[Ready]:
        """Reads together what jobs are about.

        Raises:
            StoreUnavailable: not now.
        """
        known = await self._ledger.incidents(job.incident for job in jobs if job.incident)
        ready = [Ready(job, known.get(job.incident)) for job in jobs]
        wanted = [one for one in ready if isinstance(one.job.payload, Deliver) and _verdict(one).send]
        if len(wanted) < 2:
            return ready  # one story is read when it is told
        try:
            stories = await self._stories.several([one.incident for one in wanted if one.incident])
        except StoreUnavailable:
            raise
        except Exception:  # one that cannot be told must not keep the others: each is tried alone
            log.exception("stories are told one by one")
            return ready
        return [Ready(one.job, one.incident, stories.get(one.job.incident)) for one in ready]

    async def handle(self, ready: Ready) -> Result | Put:
        """What comes of a job that is no message."""
        job, incident = ready.job, ready.incident
        match job.payload:
            case Reconsider(by=by, after=after):
                return Put(job, marker(self._clock.now(), by=by, after=after))
            case Escalate(step=number):
                due = EscalationDue(number) if incident is None else await self.escalating.due(incident, number)
                return Asked(job, due)
            case Ring(alarm=alarm):
                return Asked(job, alarm if incident is None else await self.escalating.rings(incident, alarm))
            case Silence():
                return await self._silence(job, incident)
            case Deliver():
                (result,) = await self.deliver([ready])
                return result
            case Consider() | Act():
                return await self._remediate(job, incident)

    async def _silence(self, job: Job, incident: Incident | None) -> Result:
        """What comes of looking after an incident's silences."""
        found = None if incident is None or self.silences is None else await self.silences(incident, job.attempt)
        match found:
            case None:
                return Ended(job, "done", "done")
            case Again(wait=wait, reason=reason):
                return GivenBack(job, self._clock.now() + wait, reason)
            case _:
                return Asked(job, found)

    async def _remediate(self, job: Job, incident: Incident | None) -> Result:
        """What comes of a job of remediation; a process that does none never claims one."""
        if incident is None:
            return Ended(job, "done", "the incident is gone")
        if self.acting is None:
            return GivenBack(job, self._clock.now() + back_off(job.attempt), "no remediation is configured here")
        return await self.acting(job, incident)

    async def deliver(self, together: Sequence[Ready]) -> list[Result]:
        """What comes of messages to one address, which go as one."""
        results: list[Result] = []
        wanted: list[Ready] = []
        for one in together:
            verdict = _verdict(one)
            if verdict.send:
                wanted.append(one)
            else:
                results.append(_skipped(one, verdict.reason))
        return results + (await self._deliver(_worst_first(wanted)) if wanted else [])

    async def _deliver(self, together: Sequence[Ready]) -> list[Result]:
        first = together[0].deliver
        channel = self.channels.get(first.channel)
        if channel is None:
            return _failed(together, f"the channel {first.channel!r} is no longer configured")
        to = recipient(self.escalating.directory, first.person, channel)
        if first.person and to is None:
            return _failed(together, f"{first.person} is no longer among the users, or has no {channel.contact} there")
        gate = self.gate(first.channel)
        shut = gate.closed_at(self._clock.now())
        if shut is not None:
            return [self._shut(one, shut) for one in together]
        envelope = await self._envelope(together, to)  # a store that is away is no refusal: not in the try
        gate.begins()
        try:
            receipt = await self._send(channel, envelope)
        except ChannelUnavailable as error:
            after = None if error.after_seconds is None else timedelta(seconds=error.after_seconds)
            gate.failed(self._clock.now(), str(error), after)
            wait = back_off(envelope.attempt)
            return [self._again(one, gate, wait, str(error)) for one in together]
        except (ChannelRefused, TocsinError) as error:
            gate.worked()
            return _failed(together, str(error))
        except BaseException:
            gate.let_go()
            raise
        gate.worked()
        if receipt.skipped:
            return [_skipped(one, receipt.skipped) for one in together]
        return [_sent(one, receipt.reference, together) for one in together]

    async def _envelope(self, together: Sequence[Ready], to: Recipient | None) -> Envelope:
        """What one message to an address says: of the first, and also of the others."""
        lead, deliver = together[0], together[0].deliver
        assert lead.incident is not None  # it is still wanted
        return await self.envelopes.put_together(
            lead.job.key,
            deliver.message,
            lead.incident,
            deliver.channel,
            to,
            deliver.reason,
            attempt=lead.job.attempt,
            story=lead.story,
            also=[one.incident for one in together[1:] if one.incident is not None],
            about=deliver.about,
        )

    async def _send(self, channel: Channel, envelope: Envelope) -> Receipt:
        with self.traces.span(
            "message",
            "producer",
            envelope.incident.traceparent,
            channel=envelope.channel,
            message=envelope.message,
            incident=envelope.incident.id,
            attempt=envelope.attempt,
        ):
            return await channel.send(envelope)

    def _again(self, one: Ready, gate: Gate, wait: timedelta, reason: str) -> Result:
        """After a failure: later, by another way, or never."""
        if one.job.attempt >= MAX_ATTEMPTS:
            return _failed([one], f"given up after {one.job.attempt} attempts: {reason}")[0]
        now = self._clock.now()
        shut = gate.closed_at(now)
        if shut is not None and self._has_other_way(one, shut):
            return _diverted(one, shut)
        due_at = now + wait
        return GivenBack(one.job, due_at if shut is None else max(due_at, shut.until), reason)

    def _shut(self, one: Ready, shut: Shut) -> Result:
        """A message whose channel may not be tried now."""
        if self._has_other_way(one, shut):
            return _diverted(one, shut)
        return GivenBack(one.job, shut.until, f"waits for {one.deliver.channel}: {shut.reason}", tried=False)

    def _has_other_way(self, one: Ready, shut: Shut) -> bool:
        """Whether a page can reach its person by a channel that may be tried now, sooner than by this one."""
        now, deliver = self._clock.now(), one.deliver
        if deliver.message != "page" or one.incident is None or not (shut.down or shut.until - now > DIVERTED_AFTER):
            return False
        spare = other_way(one.incident, deliver.channel, deliver.person)
        return spare is not None and spare.channel in self.channels and not self.gate(spare.channel).closed_at(now)


def _verdict(one: Ready) -> Verdict:
    if one.incident is None:
        return Verdict(False, "the incident is gone")
    deliver = one.deliver
    return still_wanted(one.incident, deliver.address, deliver.message, deliver.round, deliver.about)


def _worst_first(together: Sequence[Ready]) -> list[Ready]:
    return sorted(together, key=lambda one: (-one.incident.severity.rank if one.incident else 0, one.job.id))


def _skipped(one: Ready, reason: str) -> Result:
    deliver = one.deliver
    return Asked(one.job, MessageSkipped(deliver.channel, deliver.message, one.job.key, reason, deliver.person))


def _sent(one: Ready, reference: str, together: Sequence[Ready]) -> Result:
    deliver, others = one.deliver, len(together) - 1
    reason = deliver.reason or _verdict(one).reason
    if others:
        reason += f"; with {others} other{'' if others == 1 else 's'} in one message"
    sent = MessageSent(
        deliver.channel,
        deliver.message,
        one.job.key,
        one.job.attempt,
        person=deliver.person,
        reason=reason,
        reference=reference,
    )
    return Asked(one.job, sent, carried_by="" if one is together[0] else together[0].job.key)


def _failed(together: Sequence[Ready], reason: str) -> list[Result]:
    return [
        Asked(one.job, MessageFailed(one.deliver.channel, one.deliver.message, one.job.key, reason, one.deliver.person))
        for one in together
    ]


def _diverted(one: Ready, shut: Shut) -> Result:
    reason = f"{one.deliver.channel} {'is down' if shut.down else 'asks us to wait'}: {shut.reason}"
    event = MessageDiverted(one.deliver.channel, one.deliver.message, one.job.key, reason, one.deliver.person)
    return Asked(one.job, event)
