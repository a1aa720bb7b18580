"""Retention: what is over is kept for a while, and then taken away in the background."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated

import structlog
from pydantic import AfterValidator, Field

from receiver.metrics import Metrics
from receiver.remediate.settings import LONGEST_WITHIN
from receiver.store.answered import KEPT_FOR
from receiver.store.database import Conflict, Database
from receiver.store.purge import Limits, Purge
from tocsin.clock import Clock
from tocsin.config import Duration, Settings
from tocsin.errors import StoreUnavailable

log = structlog.get_logger("receiver.retention")

SHORTEST = timedelta(hours=1)  # the engine may still be at work on what has ended just now
EVERY_SECONDS = 600.0
REST = 4  # times as long as a batch took: at most a fifth of the store's time


def _long_enough(kept: timedelta) -> timedelta:
    if kept < SHORTEST:
        raise ValueError("is too short; keep it for at least 1h")
    return kept


def _beyond_limits(kept: timedelta) -> timedelta:
    if kept < LONGEST_WITHIN:
        raise ValueError(f"is too short: limits count what has run within {LONGEST_WITHIN.days}d")
    return kept


Kept = Annotated[Duration, AfterValidator(_long_enough)]


class TenantRetention(Settings):
    """How long one tenant's past is kept."""

    resolved: Kept


class RetentionSettings(Settings):
    """How long the past is kept."""

    resolved: Kept = Field(
        timedelta(days=90), description="Resolved incidents with their alerts and timeline; alerts without incident."
    )
    finished_jobs: Kept = Field(timedelta(days=7), description="Timers and messages that are done with.")
    dead_letters: Kept = Field(timedelta(days=30), description="Messages that were given up.")
    quarantine: Kept = Field(timedelta(days=90), description="Bodies that were not understood.")
    remediations: Annotated[Kept, AfterValidator(_beyond_limits)] = Field(
        timedelta(days=365), description="The list of runs of runbooks; what each did goes with its incident."
    )
    tenants: dict[str, TenantRetention] = Field({}, description="Tenants that differ, by name.")

    def limits(self, now: datetime) -> Limits:
        """The moments before which all goes."""
        return Limits(
            resolved=now - self.resolved,
            finished_jobs=now - self.finished_jobs,
            dead_letters=now - self.dead_letters,
            quarantine=now - self.quarantine,
            answered=now - KEPT_FOR,
            remediations=now - self.remediations,
            tenants={name: now - tenant.resolved for name, tenant in self.tenants.items()},
        )


class Retention:
    """Takes away what is old, where the engine runs; whoever writes meanwhile goes first."""

    def __init__(
        self,
        *,
        database: Database,
        settings: RetentionSettings,
        metrics: Metrics,
        clock: Clock,
        ours: Callable[[], bool],
        gone: Callable[[], None],
    ) -> None:
        """`ours` tells whether this process runs the engine, and `gone` tells it to forget what was taken away."""
        self._database = database
        self.settings = settings
        self._metrics = metrics
        self._clock = clock
        self._ours = ours
        self._gone = gone

    async def run(self) -> None:
        """Makes a pass now and then, until cancelled."""
        while True:
            if self._ours():
                await self._try()
            await asyncio.sleep(EVERY_SECONDS)

    async def _try(self) -> None:
        try:
            await self.purge()
        except (StoreUnavailable, Conflict) as error:
            log.warning("what is old stays until the next pass", reason=str(error))

    async def purge(self) -> Counter[str]:
        """Takes away all that is old now; returns how many rows of each kind.

        Raises:
            StoreUnavailable: what was done until then is done.
        """
        purge = Purge(self._database, self.settings.limits(self._clock.now()))
        total: Counter[str] = Counter()
        while removed := await self._batch(purge):
            total += removed
        if total:
            log.info("what was older than its retention is gone", **total)
        return total

    async def _batch(self, purge: Purge) -> Counter[str]:
        began = time.perf_counter()
        removed = await purge.batch()
        for kind, rows in removed.items():
            self._metrics.purged.labels(kind).inc(rows)
        if removed:
            self._gone()
            await asyncio.sleep(REST * (time.perf_counter() - began))
        return removed
