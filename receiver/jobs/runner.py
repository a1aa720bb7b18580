"""Runs what is due. A row that cannot be finished is tried again; one that is finished never runs again."""

from __future__ import annotations

import asyncio

import structlog

from receiver.decide import Decider, NoSuchIncident
from receiver.engine.events import AnyEvent
from receiver.engine.notification import Body
from receiver.jobs.handlers import Again, Handlers, back_off
from receiver.metrics import Metrics
from receiver.store.database import Lost
from receiver.store.inbox import Inbox
from receiver.store.jobs import Deliver, Job, Jobs, finish
from tocsin.clock import Clock
from tocsin.errors import StoreUnavailable

log = structlog.get_logger("receiver.jobs")

AT_ONCE = 20  # jobs of one lane
DRAIN_SECONDS = 15.0  # with what requests are given, below the 30 s after which orchestrators kill
POLL_SECONDS = 0.5  # polling is the contract; `job_due` only makes it quicker


class Runner:
    """One loop a lane."""

    def __init__(
        self,
        *,
        jobs: Jobs,
        handlers: Handlers,
        decider: Decider,
        metrics: Metrics,
        clock: Clock,
        job_due: asyncio.Event,
        inbox: Inbox,
    ) -> None:
        self._jobs = jobs
        self._handlers = handlers
        self._decider = decider
        self._metrics = metrics
        self._clock = clock
        self._job_due = job_due
        self._inbox = inbox
        self._stopping = False
        self._waits_for = ""
        self._busy: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Starts, for each lane with something in it, a task that empties it; until cancelled, then waits for them."""
        try:
            while True:
                await self._start_lanes()
                try:
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._job_due.wait()
                except TimeoutError:
                    pass
                self._job_due.clear()
        finally:
            self._stopping = True
            await self._drain()

    async def _drain(self) -> None:
        """What is being sent may end, for a while; what is cut off is done again by the next start."""
        tasks = [task for task in self._busy.values() if not task.done()]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
            for task in late:
                task.cancel()

    async def _start_lanes(self) -> None:
        try:
            lanes = await self._jobs.lanes()
        except StoreUnavailable as error:
            self._wait_for_store(error)
            return
        self._waits_for = ""
        for lane in lanes:
            task = self._busy.get(lane)
            if task is None or task.done():
                self._busy[lane] = asyncio.create_task(self._empty(lane), name=f"lane {lane}")

    async def _empty(self, lane: str) -> None:
        try:
            while not self._stopping and await self.run_due(lane):
                pass
        except StoreUnavailable as error:
            self._wait_for_store(error)

    def _wait_for_store(self, error: StoreUnavailable) -> None:
        """Tells once, for all lanes, until the store answers again."""
        if str(error) != self._waits_for:
            log.warning("jobs wait for the store", reason=str(error))
        self._waits_for = str(error)

    async def run_all_due(self) -> int:
        """Runs what is due now in every lane, one lane after the other; returns how many jobs there were."""
        return sum([await self.run_due(lane) for lane in sorted(await self._jobs.lanes())])

    async def run_due(self, lane: str) -> int:
        """Runs the jobs of a lane that are due now; returns how many there were."""
        due = await self._jobs.claim(lane, self._clock.now(), AT_ONCE)
        await asyncio.gather(*(self._run(job) for job in due))
        return len(due)

    async def _run(self, job: Job) -> None:
        try:
            result = await self._handlers.handle(job)
            if isinstance(result, Again):
                await self._again(job, result)
            elif isinstance(result, Body):
                await self._put_in(job, result)
            else:
                await self._record(job, result)
        except (Lost, NoSuchIncident) as error:
            log.info("a job was cancelled or taken over meanwhile", key=job.key, reason=str(error))
        except StoreUnavailable as error:
            await self._again(job, Again(back_off(job.attempt), str(error)))
        except Exception as error:
            log.exception("a job failed unexpectedly", key=job.key)
            await self._again(job, Again(back_off(job.attempt), f"{type(error).__name__}: {error}"))
        finally:
            self._jobs.let_go(job)

    async def _put_in(self, job: Job, body: Body) -> None:
        """A body of our own, put into the inbox in the same breath as its job is finished."""
        try:
            async with self._inbox.beside(body) as connection:
                await finish(connection, job, "put into the inbox", self._clock.now())
        except StoreUnavailable as error:
            await self._again(job, Again(back_off(job.attempt), str(error)))

    async def _again(self, job: Job, again: Again) -> None:
        if isinstance(job.payload, Deliver):
            self._metrics.messages.labels(job.payload.channel, "retried").inc()
        tell = log.warning if job.attempt == 1 else log.debug  # told once, then counted
        tell(
            "will try again",
            key=job.key,
            attempt=job.attempt,
            wait_seconds=round(again.wait.total_seconds(), 1),
            reason=again.reason,
        )
        await self._jobs.retry(job, self._clock.now() + again.wait)

    async def _record(self, job: Job, event: AnyEvent) -> None:
        """Records what came of a job. It has been done: a store that fails is waited for, the job is not repeated."""
        while True:
            try:
                await self._decider.decide(job.incident, event, job)
            except StoreUnavailable as error:
                self._wait_for_store(error)
                await asyncio.sleep(POLL_SECONDS)
            else:
                self._job_due.set()
                return
