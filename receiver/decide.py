"""Deciding about one incident: load it, let the policy decide, commit; again, if somebody else was quicker."""

from __future__ import annotations

import tenacity

from receiver.engine.events import AnyEvent
from receiver.engine.policy import Step, step
from receiver.engine.working_set import Outcome
from receiver.metrics import Metrics
from receiver.store.database import Conflict
from receiver.store.jobs import Job
from receiver.store.ledger import Ledger
from tocsin.clock import Clock
from tocsin.errors import TocsinError


class NoSuchIncident(TocsinError):
    """There is no incident of that id."""


class NoSuchAlert(TocsinError):
    """The incident has no alert of that id or name."""


class Decider:
    """What a person, a timer or a delivery has to say about an incident becomes events here."""

    def __init__(self, ledger: Ledger, metrics: Metrics, clock: Clock) -> None:
        self._ledger = ledger
        self._metrics = metrics
        self._clock = clock

    @tenacity.retry(
        retry=tenacity.retry_if_exception_type(Conflict),
        stop=tenacity.stop_after_attempt(10),
        wait=tenacity.wait_random(0, 0.05),
        reraise=True,
    )
    async def decide(self, incident_id: str, event: AnyEvent, job: Job | None = None) -> Step:
        """What comes of an event, committed; with `job`, the job that brought it is finished in the same breath.

        Raises:
            NoSuchIncident: there is none of that id.
            Lost: the job has gone to somebody else.
            StoreUnavailable: nothing was committed.
        """
        incident = await self._ledger.incident(incident_id)
        if incident is None:
            raise NoSuchIncident(f"there is no incident {incident_id}")
        now = self._clock.now()
        decision = step(incident, event, now)
        outcome = Outcome()
        outcome.record(incident, decision, now)
        await self._ledger.commit(outcome, now, None if job is None else (job, decision.reason))
        self._metrics.observe(outcome)
        return decision
