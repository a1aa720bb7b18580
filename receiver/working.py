"""Work that is due, wired alike for a receiver and for a worker: who decides, tells and acts, and what runs it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from receiver.decide import Decider
from receiver.engine.pipeline import Rules
from receiver.jobs.runner import Runner
from receiver.metrics import Metrics
from receiver.prepared import Prepared, reading_of
from receiver.remediating import Remediating
from receiver.store.database import Database
from receiver.store.inbox import Inbox
from receiver.store.jobs import REMEDIATION_LANE, Jobs
from receiver.store.ledger import Ledger
from receiver.store.queries import Queries
from receiver.store.stories import Stories
from receiver.telling import Telling
from tocsin.clock import Clock


@dataclass(frozen=True, slots=True)
class Working:
    """Every part that jobs need. `job_due` is set when something may be due."""

    queries: Queries
    stories: Stories
    decider: Decider
    jobs: Jobs
    telling: Telling
    remediating: Remediating
    runner: Runner
    job_due: asyncio.Event

    @classmethod
    async def build(
        cls,
        database: Database,
        prepared: Prepared,
        rules: Rules,
        *,
        ledger: Ledger,
        metrics: Metrics,
        clock: Clock,
        lanes: Callable[[str], bool],
        inbox: Inbox | None = None,
    ) -> Self:
        """Wires the parts together. `lanes` says which are worked on here: with that of remediation, credentials are
        opened here, too. `inbox` takes bodies of our own.

        Raises:
            TocsinError: a key or a credential cannot be read.
            MissingExtra: what a kind of step is made of is not installed.
        """
        queries, jobs, job_due = Queries(database), Jobs(database), asyncio.Event()
        stories = Stories(queries, reading_of(prepared.config, rules))
        decider = Decider(ledger, metrics, clock, job_due=job_due)
        telling = await Telling.build(
            database, prepared, rules.routing, ledger=ledger, stories=stories, decider=decider, clock=clock
        )
        remediating = await Remediating.build(
            database,
            prepared,
            decider=decider,
            queries=queries,
            jobs=jobs,
            escalating=telling.handlers.escalating,
            clock=clock,
            here=lanes(REMEDIATION_LANE),
        )
        telling.handlers.acting = remediating.acting
        runner = Runner(
            jobs=jobs,
            handlers=telling.handlers,
            decider=decider,
            metrics=metrics,
            clock=clock,
            job_due=job_due,
            inbox=inbox,
            lanes=lanes,
        )
        return cls(queries, stories, decider, jobs, telling, remediating, runner, job_due)

    async def take(self, prepared: Prepared, rules: Rules) -> None:
        """Goes on with another configuration, from the next decision and message on.

        Raises:
            TocsinError: a credential cannot be read.
        """
        self.stories.reading = reading_of(prepared.config, rules)
        await self.telling.take(prepared, rules.routing)
        await self.remediating.take(prepared)

    async def close(self) -> None:
        """Lets go of what channels and runbooks keep."""
        await self.telling.close()
        await self.remediating.close()
