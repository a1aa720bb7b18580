"""The engine's loop: oldest bodies → decode → load → decide → commit, again and again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import structlog
import tenacity

from receiver.engine.notification import Body
from receiver.engine.pipeline import Read, Rules, needs, process, read
from receiver.engine.tenancy import confine
from receiver.engine.working_set import Outcome, WorkingSet
from receiver.metrics import Metrics
from receiver.store.database import Conflict, Lost
from receiver.store.holding import Holding
from receiver.store.inbox import Inbox
from receiver.store.ledger import Ledger
from tocsin.clock import Clock
from tocsin.errors import StoreUnavailable
from tocsin.telemetry import NoTraces, Traces

log = structlog.get_logger("receiver.loop")

BATCH = 50
RETRY_SECONDS = 1.0

Counted = tuple[Body, int]


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
        self._poll_seconds = poll_seconds
        self.failing = ""
        self.traces: Traces = NoTraces()
        self.listeners: list[Callable[[Sequence[Read], Outcome], None]] = []

    def begin(self, epoch: int) -> None:
        """Begins a turn: what was known from an earlier one counts no more, others may have worked since."""
        self._epoch = epoch

    async def run(self) -> None:
        """Processes what comes until cancelled; a store that fails is asked again.

        Raises:
            Lost: the turn has gone to another process.
        """
        while True:
            try:
                taken = await self.run_once()
                self.failing = ""
                if not taken:
                    await self._arrival()
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
        self._inbox.arrived.clear()

    async def run_once(self) -> int:
        """Processes one batch; returns how many bodies it held."""
        batch = await self._inbox.oldest(BATCH)
        if batch:
            await self._take(batch)
        return len(batch)

    async def _take(self, batch: list[Counted]) -> None:
        """Processes a batch; one that fails is halved until the bad body stands alone, and is quarantined."""
        try:
            await self._commit(batch)
        except (StoreUnavailable, Lost):
            raise
        except Exception as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._take(batch[:middle])
                await self._take(batch[middle:])
            else:
                log.exception("a body breaks the engine", position=batch[0][0].position, source=batch[0][0].source)
                await self._commit(batch, broken=f"{type(error).__name__}: {error}")

    @tenacity.retry(
        retry=tenacity.retry_if_exception_type(Conflict), stop=tenacity.stop_after_attempt(10), reraise=True
    )
    async def _commit(self, batch: list[Counted], broken: str = "") -> None:
        bodies, rules = [body for body, _ in batch], self.rules  # a reload between two steps changes nothing
        reads = await asyncio.to_thread(_read, bodies, broken, rules.tenant_label)
        work = await self._ledger.load(*needs(reads, rules))
        now = self._clock.now()
        notifications = [one.notification for one in reads]
        await self._holding.prepare(notifications, work, rules.suppression, rules.tenant_label, now)
        held: Counter[str] = await asyncio.to_thread(process, reads, work, rules, now)
        await self._ledger.commit_processed(work.outcome, self._epoch, bodies[-1].position)
        self._committed(work, held, batch)
        for listen in self.listeners:
            listen(reads, work.outcome)

    def _committed(self, work: WorkingSet, held: Counter[str], batch: list[Counted]) -> None:
        self._inbox.depth -= len(batch)
        self._metrics.processed.inc(sum(alerts for _, alerts in batch))
        self._metrics.took((body.received_at for body, _ in batch), self._clock.now())
        for body, alerts in batch:
            if body.origin.traceparent:
                self.traces.past("process", "consumer", body.origin.traceparent, body.received_at, alerts=alerts)
        self._metrics.held_back(held)
        self._metrics.observe(work.outcome)
        for body, reason in work.outcome.quarantined:
            self._metrics.quarantined.inc()
            log.error("a body is in quarantine", position=body.position, source=body.source, reason=reason)
        if work.outcome.effects:
            self._job_due.set()


def _read(bodies: list[Body], broken: str, tenant_label: str) -> list[Read]:
    if broken:
        return [Read.broken(body, broken) for body in bodies]
    return [part for body in bodies for part in confine(read(body), tenant_label)]
