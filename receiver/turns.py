"""Several replicas: the engine runs where the lease is, claims are kept alive, and what lapsed is freed."""

from __future__ import annotations

import asyncio

import structlog

from receiver.claims import Claims
from receiver.loop import EngineLoop
from receiver.metrics import Metrics
from receiver.store.database import Database, Lost
from receiver.store.inbox import Inbox
from receiver.store.jobs import Jobs
from receiver.store.lease import LASTS, Lease
from receiver.watching import Watching
from tocsin.errors import StoreUnavailable

log = structlog.get_logger("receiver.turns")

RENEW_SECONDS = LASTS.total_seconds() / 4
TRY_SECONDS = 1.0  # LASTS + TRY_SECONDS: a killed holder is followed by another within 10 s


class Turns:
    """Runs the engine whenever the lease is ours; with SQLite that is always."""

    def __init__(
        self,
        *,
        database: Database,
        lease: Lease,
        loop: EngineLoop,
        watching: Watching,
        jobs: Jobs,
        inbox: Inbox,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._lease = lease
        self._loop = loop
        self._watching = watching
        self._jobs = jobs
        # others put in and take out, too
        self._claims = Claims(jobs, beside=inbox.count if database.shared else None)
        self._metrics = metrics

    @property
    def epoch(self) -> int:
        """The epoch of our turn, as far as we know; 0 while it is not ours."""
        return self._lease.epoch

    async def begin(self) -> None:
        """Takes the turn if it is free, and frees what nobody works on any more."""
        if await self._lease.take():
            self._begin()
        if not self._database.shared:
            await self._jobs.free()

    async def run(self) -> None:
        """Takes the turn, works until it is lost, and tries again; until cancelled, then gives it back."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._claims.run(), name="claims")
                tasks.create_task(self._take_turns(), name="turns")
        finally:
            await self._give_back()

    async def _take_turns(self) -> None:
        while True:
            if not self._lease.epoch and not await self._taken():
                log.info("another replica runs the engine; this one takes bodies in and works on jobs")
                await self._until_taken()
            await self._work()

    async def _until_taken(self) -> None:
        while True:
            await asyncio.sleep(TRY_SECONDS)
            if await self._taken():
                return

    async def _taken(self) -> bool:
        try:
            return await self._lease.take()
        except StoreUnavailable as error:
            log.warning("the engine's turn cannot be asked for", reason=str(error))
            return False

    async def _work(self) -> None:
        """One turn, from its beginning until it is lost."""
        epoch = self._lease.epoch
        self._begin()
        self._metrics.engine.set(1)
        try:
            async with asyncio.TaskGroup() as tasks:
                if self._database.shared:
                    log.info("the engine runs here", epoch=epoch)
                    tasks.create_task(self._renew(), name="lease")
                tasks.create_task(self._loop.run(), name="engine")
                for watcher in self._watching.parts:
                    tasks.create_task(watcher.run())
        except* Lost as lost:
            log.warning("the engine stops here", epoch=epoch, reason=str(lost.exceptions[0]))
        finally:
            self._metrics.engine.set(0)
            self._loop.failing = ""  # whoever has the turn now waits for the store, or not
        self._lease.epoch = 0

    def _begin(self) -> None:
        self._loop.begin(self._lease.epoch)
        self._watching.begin(self._lease.epoch)

    async def _renew(self) -> None:
        """Renews the lease; a store that cannot be asked leaves it open whose turn it is: every commit checks that."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await self._lease.renew()
            except StoreUnavailable as error:
                log.warning("the engine's turn cannot be renewed", reason=str(error))

    async def _give_back(self) -> None:
        if not self._database.shared:
            return
        try:
            await self._lease.give_back()
        except StoreUnavailable as error:
            log.info("the engine's turn lapses by itself", reason=str(error))
