"""Deciding about incidents: load them, let the policy decide, commit; again, if somebody else was quicker."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
import tenacity
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.engine.events import AnyEvent
from receiver.engine.incident import Incident
from receiver.engine.message_events import MessageDiverted, MessageFailed, MessageSent, MessageSkipped
from receiver.engine.policy import Step, step
from receiver.engine.working_set import Outcome
from receiver.metrics import Metrics
from receiver.store.database import Conflict, Lost
from receiver.store.endings import Ended, EndState, GivenBack, keep
from receiver.store.jobs import Job
from receiver.store.ledger import During, Ledger
from tocsin.clock import Clock
from tocsin.errors import TocsinError

log = structlog.get_logger("receiver.jobs")


class NoSuchIncident(TocsinError):
    """There is no incident of that id."""


class NoSuchAlert(TocsinError):
    """The incident has no alert of that id or name."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a job has to say about its incident."""

    job: Job
    event: AnyEvent
    carried_by: str = ""  # the key of the message in which it went with others


Result = Asked | Ended | GivenBack
ALONE = tenacity.retry(
    retry=tenacity.retry_if_exception_type(Conflict),
    stop=tenacity.stop_after_attempt(10),
    wait=tenacity.wait_random(0, 0.05),
    reraise=True,
)


class Decider:
    """What a person, a timer or a delivery has to say about an incident becomes events here."""

    def __init__(self, ledger: Ledger, metrics: Metrics, clock: Clock, *, job_due: asyncio.Event | None = None) -> None:
        """`job_due` is set when something is to be done later, or now."""
        self._ledger = ledger
        self._metrics = metrics
        self._clock = clock
        self._job_due = job_due

    @ALONE
    async def decide(self, incident_id: str, event: AnyEvent) -> Step:
        """What comes of an event, committed.

        Raises:
            NoSuchIncident: there is none of that id.
            StoreUnavailable: nothing was committed.
        """
        return await self._decided_now(incident_id, event)

    @ALONE
    async def decide_during(self, job: Job, event: AnyEvent, admission: During | None = None) -> Step:
        """What comes of an event that a job has in its middle, committed only if the job is still ours.

        `admission` has its part in the transaction; what it raises leaves nothing behind.

        Raises:
            Lost: the job is somebody else's now; nothing was committed.
            StoreUnavailable: perhaps it was committed.
        """

        async def during(connection: AsyncConnection) -> None:
            await keep(connection, job)
            if admission is not None:
                await admission(connection)

        return await self._decided_now(job.incident, event, during)

    async def _decided_now(self, incident_id: str, event: AnyEvent, during: During | None = None) -> Step:
        """What comes of an event; what changes nothing is no transaction."""
        incident = await self._ledger.incident(incident_id)
        if incident is None:
            raise NoSuchIncident(f"there is no incident {incident_id}")
        now, outcome = self._clock.now(), Outcome()
        decision = step(incident, event, now)
        outcome.record(incident, decision, now)
        if decision.events or decision.effects:
            await self._ledger.commit(outcome, now, during=during)
            self._committed(outcome)
        return decision

    @ALONE
    async def decide_each(self, events: Mapping[str, AnyEvent]) -> dict[str, Step]:
        """What comes of an event for each of these incidents, in one commit; those that there are not are left out.

        Raises:
            StoreUnavailable: nothing was committed.
        """
        now, outcome, decisions = self._clock.now(), Outcome(), {}
        for name, incident in (await self._ledger.incidents(list(events))).items():
            decisions[name] = step(incident, events[name], now)
            outcome.record(incident, decisions[name], now)
        if outcome.events:
            await self._ledger.commit(outcome, now)
            self._committed(outcome)
        return decisions

    @ALONE
    async def open(self, wanted: Mapping[str, Sequence[AnyEvent]]) -> dict[str, tuple[Incident, bool]]:
        """Opens incidents, all at once, by their ids and first events; one that there is already stays as it is.

        Returns each with whether it was opened now.

        Raises:
            StoreUnavailable: nothing was committed.
        """
        known = await self._ledger.incidents(list(wanted))
        now, outcome = self._clock.now(), Outcome()
        for incident_id in wanted.keys() - known.keys():
            incident = Incident(incident_id)
            for event in wanted[incident_id]:
                decision = step(incident, event, now)
                outcome.record(incident, decision, now)
                incident = decision.incident
        if outcome.incidents:
            await self._ledger.commit(outcome, now)
            self._committed(outcome)
        return {name: (known.get(name) or outcome.incidents[name], name not in known) for name in wanted}

    def _committed(self, outcome: Outcome) -> None:
        self._metrics.observe(outcome)
        if outcome.effects and self._job_due is not None:
            self._job_due.set()

    async def decide_all(self, results: Sequence[Result]) -> bool:
        """What comes of jobs, committed in one transaction with the ends of those jobs; whether there is more to do.

        Where one of them stands in the way of the others (its incident changed meanwhile, somebody else has the job),
        they are halved until it stands alone; a job that is no longer ours is left to whoever has it.

        Raises:
            StoreUnavailable: nothing was committed of those that are not yet recorded.
        """
        if len(results) == 1:
            try:
                return await ALONE(self._commit)(results)
            except Lost as error:
                log.info("a job was cancelled or taken over meanwhile", reason=str(error))
                return False
        try:
            return await self._commit(results)
        except (Lost, Conflict):
            middle = len(results) // 2
            first = await self.decide_all(results[:middle])
            return await self.decide_all(results[middle:]) or first

    async def _commit(self, results: Sequence[Result]) -> bool:
        now = self._clock.now()
        outcome = Outcome()
        ended = await self._decided([one for one in results if isinstance(one, Asked)], outcome, now)
        ended += [one for one in results if isinstance(one, Ended)]
        back = [one for one in results if isinstance(one, GivenBack)]
        await self._ledger.commit(outcome, now, ended, back)
        self._metrics.observe(outcome)
        return bool(outcome.effects)

    async def _decided(self, asked: Sequence[Asked], outcome: Outcome, now: datetime) -> list[Ended]:
        """Decides in order; of one incident each upon what came of the one before."""
        known = await self._ledger.incidents(one.job.incident for one in asked) if asked else {}
        ended: list[Ended] = []
        for one in sorted(asked, key=lambda one: one.job.incident):  # in one order: else two could wait for each other
            incident = known.get(one.job.incident)
            if incident is None:
                ended.append(Ended(one.job, "skipped" if one.job.address else "done", "the incident is gone"))
                continue
            decision = step(incident, one.event, now)
            outcome.record(incident, decision, now)
            known[incident.id] = decision.incident
            ended.append(Ended(one.job, *_end(one.event, decision), carried_by=one.carried_by))
        return ended


def _end(event: AnyEvent, decision: Step) -> tuple[EndState, str]:
    match event:
        case MessageSent(reason=reason):
            return "sent", reason
        case MessageSkipped(reason=reason) | MessageDiverted(reason=reason):
            return "skipped", reason
        case MessageFailed(reason=reason):
            return "dead", reason
        case _:
            return "done", decision.reason
