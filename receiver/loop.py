"""The engine's loop: oldest bodies → decode → load → decide → commit, again and again."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import structlog
import tenacity

from receiver.engine.causes.people import incidents_said
from receiver.engine.notification import Notification
from receiver.engine.pipeline import Read, Rules, needs, process, read, tenants_of
from receiver.engine.seen import Seen
from receiver.engine.tenancy import confine
from receiver.engine.working_set import Outcome, WorkingSet
from receiver.metrics import Metrics
from receiver.store.boards import BoardKeeper
from receiver.store.database import Conflict, Lost
from receiver.store.holding import Holding
from receiver.store.inbox import Inbox
from receiver.store.ledger import Ledger
from receiver.store.spool import Batch
from tocsin.clock import Clock
from tocsin.errors import StoreUnavailable
from tocsin.telemetry import NoTraces, Traces

log = structlog.get_logger("receiver.loop")

RETRY_SECONDS = 1.0
# While bodies arrive, the engine pauses after a batch for half as long as it took: senders have the machine meanwhile,
# and what comes shares the next commit.
GATHER_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.1
AHEAD_ALERTS = 1000  # that must wait for a batch to be decided while the one before it is committed


@dataclass(frozen=True, slots=True)
class _Understood:
    """A batch as the engine reads it under some rules, and what must be known before it can be decided."""

    batch: Batch
    rules: Rules  # a reload in between changes nothing
    reads: list[Read]
    identities: set[str]
    keys: set[str]
    tenants: set[str] | None  # None: any may be touched

    @classmethod
    def of(cls, batch: Batch, rules: Rules, seen: Seen, broken: str) -> Self:
        label = rules.tenant_label
        if broken:
            reads = [Read.broken(body, broken) for body in batch.bodies]
        else:
            reads = [part for body in batch.bodies for part in confine(read(body, seen, label), label)]
        return cls(batch, rules, reads, *needs(reads, rules), tenants_of(reads, rules))

    @property
    def notifications(self) -> list[Notification]:
        return [one.notification for one in self.reads]


@dataclass(frozen=True, slots=True)
class _Decided:
    """A batch with what it means, under which rules, and how many sightings were held back for which reason."""

    batch: Batch
    rules: Rules
    reads: list[Read]
    work: WorkingSet
    held: Counter[str]


class EngineLoop:
    """Takes bodies out of the inbox in order; the only writer of what they mean."""

    def __init__(
        self,
        *,
        inbox: Inbox,
        ledger: Ledger,
        rules: Rules,
        metrics: Metrics,
        clock: Clock,
        job_due: asyncio.Event,
        holding: Holding,
        boards: BoardKeeper,
        poll_seconds: float | None = None,
    ) -> None:
        """`poll_seconds`: how often to look for bodies that other replicas took in; None: there are no others."""
        self._inbox = inbox
        self._ledger = ledger
        self.rules = rules
        self._metrics = metrics
        self._clock = clock
        self._epoch = 0
        self._job_due = job_due
        self._holding = holding
        self._boards = boards
        self._poll_seconds = poll_seconds
        self._seen = Seen()
        self._ahead: _Decided | None = None
        self._uncertain = True  # whether the store must be asked anew what comes next
        self.failing = ""
        self.traces: Traces = NoTraces()
        self.listeners: list[Callable[[Sequence[Read], Outcome], None]] = []

    def begin(self, epoch: int) -> None:
        """Begins a turn: what was known from an earlier one counts no more, others may have worked since."""
        self._epoch = epoch
        self._ledger.forget()
        self._holding.forget()
        self._boards.forget()
        self._uncertain = True

    async def run(self) -> None:
        """Processes what comes until cancelled; a store that fails is asked again.

        Raises:
            Lost: the turn has gone to another process.
        """
        while True:
            try:
                self._inbox.arrived.clear()
                began = time.monotonic()
                taken = await self.run_once()
                self.failing = ""
                if not taken:
                    await self._arrival()
                elif self._inbox.arrived.is_set():
                    await asyncio.sleep(_pause(time.monotonic() - began))
            except StoreUnavailable as error:
                if str(error) != self.failing:
                    log.error("the engine waits for the store", reason=str(error))
                self.failing = str(error)
                await asyncio.sleep(RETRY_SECONDS)

    async def _arrival(self) -> None:
        try:
            async with asyncio.timeout(self._poll_seconds):
                await self._inbox.arrived.wait()
        except TimeoutError:
            return

    async def run_once(self) -> int:
        """Processes one batch; returns how many bodies it held."""
        if self._uncertain:
            self._ahead = None
            await self._inbox.start(await self._ledger.position())
            self._uncertain = False
        batch = self._ahead.batch if self._ahead else await self._inbox.oldest()
        if batch.counted:
            await self._take(batch)
        return len(batch.counted)

    async def _take(self, batch: Batch) -> None:
        """Processes a batch; one that fails is halved until the bad body stands alone, and is quarantined."""
        try:
            await self._commit(batch)
        except (StoreUnavailable, Lost, asyncio.CancelledError):
            self._uncertain = True
            self._boards.forget()
            raise
        except Exception as error:
            self._boards.forget()
            if len(batch.counted) > 1:
                for half in batch.halves():
                    await self._take(half)
            else:
                (body,) = batch.bodies
                log.exception("a body breaks the engine", position=body.position, source=body.source)
                await self._commit(batch, broken=f"{type(error).__name__}: {error}")

    @tenacity.retry(
        retry=tenacity.retry_if_exception_type(Conflict), stop=tenacity.stop_after_attempt(10), reraise=True
    )
    async def _commit(self, batch: Batch, broken: str = "") -> None:
        decided, self._ahead = self._ahead, None
        if decided is None or decided.batch is not batch or decided.rules is not self.rules or broken:
            if decided is not None:
                self._boards.forget()  # it has been changed for nothing
            decided = await self._decide(await self._understand(batch, self.rules, broken))
        commit = self._ledger.commit_processed(decided.work, self._epoch, batch.position, batch.taken)
        failed, ahead = await asyncio.gather(commit, self._decide_ahead(decided), return_exceptions=True)
        if failed is not None:
            self._boards.forget()
            raise failed
        self._committed(decided)
        if isinstance(ahead, _Decided):  # what could not be decided shows why when its turn comes
            self._ahead = ahead

    async def _decide_ahead(self, before: _Decided) -> _Decided | None:
        """Decides about the next batch while a commit is under way, which waits for the disk and needs little Python.

        Only where a good batch waits and no bodies arrive: else it had better gather what comes meanwhile.
        """
        if self._inbox.arrived.is_set():
            return None
        following = await self._inbox.following(before.batch)
        if following.alerts < AHEAD_ALERTS:
            return None
        understood = await self._understand(following, before.rules)
        if not self._boards.known or self._holding.asks_store(understood.notifications, before.rules.suppression):
            return None  # it must see what is being committed
        return await self._decide(understood, pending=before.work)

    async def _understand(self, batch: Batch, rules: Rules, broken: str = "") -> _Understood:
        return await asyncio.to_thread(_Understood.of, batch, rules, self._seen, broken)

    async def _decide(self, understood: _Understood, pending: WorkingSet | None = None) -> _Decided:
        """What a batch means, upon what is committed and `pending`: what is being committed."""
        rules, now = understood.rules, self._clock.now()
        standing = await self._boards.standing(understood.tenants, now)
        standing |= incidents_said(understood.notifications)
        work = await self._ledger.load(understood.identities, understood.keys, pending, standing)
        work.boards = await self._boards.boards(now)
        await self._holding.prepare(understood.notifications, work, rules.suppression, rules.tenant_label, now)
        held: Counter[str] = await asyncio.to_thread(process, understood.reads, work, rules, now)
        return _Decided(understood.batch, rules, understood.reads, work, held)

    def _committed(self, decided: _Decided) -> None:
        outcome, batch = decided.work.outcome, decided.batch
        self._inbox.done(batch)
        self._metrics.processed.inc(batch.alerts)
        self._metrics.took((body.received_at for body in batch.bodies), self._clock.now())
        for body, alerts in batch.counted:
            if body.origin.traceparent:
                self.traces.past("process", "consumer", body.origin.traceparent, body.received_at, alerts=alerts)
        self._metrics.held_back(decided.held)
        self._metrics.observe(outcome)
        for body, reason in outcome.quarantined:
            self._metrics.quarantined.inc()
            log.error("a body is in quarantine", position=body.position, source=body.source, reason=reason)
        for reason in outcome.refused:
            log.warning("a decision changed nothing", reason=reason)
        if outcome.effects:
            self._job_due.set()
        for listen in self.listeners:
            listen(decided.reads, outcome)


def _pause(took_seconds: float) -> float:
    return min(max(took_seconds / 2, GATHER_SECONDS), LONGEST_PAUSE_SECONDS)
