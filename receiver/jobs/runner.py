"""Runs what is due. A row that cannot be finished is tried again; one that is finished never runs again."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import structlog

from receiver.decide import Asked, Decider, Result
from receiver.engine.message_events import MessageFailed
from receiver.jobs.back_off import back_off
from receiver.jobs.handlers import Handlers, Put, Ready
from receiver.jobs.pacing import Plan
from receiver.jobs.recording import Recorder
from receiver.metrics import Metrics
from receiver.store.endings import Ended, GivenBack, end
from receiver.store.inbox import Inbox
from receiver.store.jobs import CHANNEL_LANE, ESCALATION_LANE, Deliver, Job, Jobs
from tocsin.clock import Clock
from tocsin.errors import StoreUnavailable

log = structlog.get_logger("receiver.jobs")

AT_WORK = 64  # jobs of one lane at once
AT_ONCE = 256  # jobs of one lane that have begun and are not yet recorded
MOST_TOGETHER = 500  # incidents in one message
DRAIN_SECONDS = 15.0  # with what requests are given, below the 30 s after which orchestrators kill
POLL_SECONDS = 0.5  # polling is the contract; `job_due` only makes it quicker
GATHER_SECONDS = 0.02  # a busy lane gathers room, so that it claims several at once, but for no longer than this
GATHERS = 4  # so many times


class Lane:
    """What one lane is at work on."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.begun: set[asyncio.Task[None]] = set()
        self.at_work = 0  # jobs; those that have begun and are not counted here wait for their commit
        self.wake = asyncio.Event()

    @property
    def busy(self) -> bool:
        return self.task is not None and not self.task.done()

    @property
    def room(self) -> int:
        return min(AT_WORK - self.at_work, AT_ONCE - len(self.begun))

    def begin(self, jobs: int, work: Coroutine[Any, Any, None]) -> None:
        """Begins work on so many jobs."""
        self.at_work += jobs
        task = asyncio.create_task(work)
        self.begun.add(task)
        task.add_done_callback(self._ended)

    def done(self, jobs: int) -> None:
        """So many are done, and are being recorded."""
        self.at_work -= jobs
        self.wake.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.begun.discard(task)
        self.wake.set()


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
        inbox: Inbox | None = None,
        lanes: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """`lanes` says which are worked on here; the others are somebody else's. `inbox` takes bodies of our own, where
        any of these lanes has jobs that put some in.
        """
        self._jobs = jobs
        self._handlers = handlers
        self._recorder = Recorder(decider, job_due, self._wait_for_store)
        self._metrics = metrics
        self._clock = clock
        self._job_due = job_due
        self._inbox = inbox
        self.lanes = lanes
        self._stopping = False
        self._waits_for = ""
        self._lanes: defaultdict[str, Lane] = defaultdict(Lane)

    async def run(self) -> None:
        """Starts, for each lane in which something is due, a task that empties it; until cancelled, then waits."""
        try:
            while True:
                seconds = await self._start_lanes()
                try:
                    async with asyncio.timeout(seconds):
                        await self._job_due.wait()
                except TimeoutError:
                    pass
                self._job_due.clear()
        finally:
            self._stopping = True
            await self._drain()

    async def _drain(self) -> None:
        """What is being sent may end, for a while; what is cut off is done again by the next start."""
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None and not lane.task.done()]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._recorder.close()

    async def _start_lanes(self) -> float:
        """Starts the lanes that have something to do; returns for how long there is nothing to be done."""
        try:
            due = await self._due()
        except StoreUnavailable as error:
            self._wait_for_store(error)
            return POLL_SECONDS
        self._waits_for = ""
        now = self._clock.now()
        for name in (name for name, at in due.items() if at <= now):
            lane = self._lanes[name]
            lane.wake.set()
            if not lane.busy:
                lane.task = asyncio.create_task(self._empty(name, lane), name=f"lane {name}")
        soon = [(at - now).total_seconds() for at in due.values() if at > now]
        return min([POLL_SECONDS, *soon])

    async def _due(self) -> dict[str, datetime]:
        """Of our lanes those in which something waits, and when the first of it is due."""
        return {name: at for name, at in (await self._jobs.next_due()).items() if self.lanes(name)}

    async def _empty(self, name: str, lane: Lane) -> None:
        """Works on a lane until nothing of it is due; a job that takes long keeps no other from beginning."""
        try:
            while not self._stopping:
                lane.wake.clear()
                room = self._room(name, lane)
                jobs = await self._claim(name, room)
                await self._begin(name, lane, jobs)
                if len(jobs) < room and not lane.begun and not lane.wake.is_set():
                    break  # and nothing has become due since we looked
                if len(jobs) < room or room <= 0:
                    await self._until_woken(lane)
        except StoreUnavailable as error:
            self._wait_for_store(error)
        finally:
            await self._end_of(lane)

    async def _until_woken(self, lane: Lane) -> None:
        """Until something has ended or is due; then a moment longer, for those that do at about the same time."""
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await lane.wake.wait()
        except TimeoutError:
            return
        for _ in range(GATHERS):
            if lane.room >= AT_WORK / 2:
                return
            await asyncio.sleep(GATHER_SECONDS)

    async def _end_of(self, lane: Lane) -> None:
        """Whatever has begun may end; who is cancelled cancels it."""
        begun = list(lane.begun)
        try:
            await asyncio.gather(*begun)
        except asyncio.CancelledError:
            for task in begun:
                task.cancel()
            await asyncio.gather(*begun, return_exceptions=True)
            raise

    def _room(self, name: str, lane: Lane) -> int:
        """For how many more jobs there is room."""
        if name.startswith(CHANNEL_LANE):
            return self._handlers.gate(name.removeprefix(CHANNEL_LANE)).room(self._clock.now(), lane.room)
        return lane.room

    def _wait_for_store(self, error: StoreUnavailable) -> None:
        """Tells once, for all lanes, until the store answers again."""
        if str(error) != self._waits_for:
            log.warning("jobs wait for the store", reason=str(error))
        self._waits_for = str(error)

    async def run_all_due(self) -> int:
        """Runs what is due now in every lane, one lane after the other; returns how many jobs there were."""
        return sum([await self.run_due(lane) for lane in sorted(await self._due())])

    async def run_due(self, lane: str) -> int:
        """Runs the jobs of a lane that are due now; returns how many there were."""
        idle = Lane()
        due = await self._claim(lane, self._room(lane, idle))
        await self._begin(lane, idle, due)
        await asyncio.gather(*idle.begun)
        return len(due)

    async def _begin(self, name: str, lane: Lane, jobs: Sequence[Job]) -> None:
        """Begins work on jobs."""
        if not jobs:
            return
        try:
            ready = await self._handlers.prepare(jobs)
            planned = await self._plan(name, ready)
        except StoreUnavailable as error:
            log.info("jobs wait for what they are about", reason=str(error))
            lane.begin(len(jobs), self._end(lane, jobs, self._later(jobs, str(error))))
            return
        except Exception as error:
            if len(jobs) > 1:  # one of them must not keep the others
                for job in jobs:
                    await self._begin(name, lane, [job])
                return
            log.exception("what a job is about cannot be read", key=jobs[0].key)
            lane.begin(1, self._end(lane, jobs, self._later(jobs, f"{type(error).__name__}: {error}")))
            return
        if name == ESCALATION_LANE:
            lane.begin(len(jobs), self._in_turn(lane, ready))
            return
        for together in planned.together:
            lane.begin(len(together), self._run(lane, together))
        if planned.back:
            lane.begin(len(planned.back), self._end(lane, [one.job for one in planned.back], planned.back))

    async def _plan(self, name: str, ready: list[Ready]) -> Plan[Ready]:
        if not name.startswith(CHANNEL_LANE):
            return Plan([[one] for one in ready])
        return await self._handlers.plan(name.removeprefix(CHANNEL_LANE), ready)

    async def _claim(self, name: str, room: int) -> list[Job]:
        """What is due; with what has been held, whatever goes together with it."""
        now = self._clock.now()
        jobs = await self._jobs.claim(name, now, room) if room > 0 else []
        held = {job.address for job in jobs if job.held_until is not None}
        if held:
            with suppress(StoreUnavailable):  # those that are ours already go without the others
                jobs += await self._jobs.claim_held(name, held, now, MOST_TOGETHER)
        return jobs

    async def _in_turn(self, lane: Lane, ready: Sequence[Ready]) -> None:
        """One after the other: what one chooses counts for the next."""
        results = [await self._done([one]) for one in ready]
        await self._end(lane, [one.job for one in ready], [result for found in results for result in found])

    async def _run(self, lane: Lane, together: Sequence[Ready]) -> None:
        job = together[0].job
        try:
            await self._end(lane, [one.job for one in together], await self._done(together))
        finally:
            self._handlers.pacer.ended(job.lane.removeprefix(CHANNEL_LANE), job.address)

    async def _done(self, together: Sequence[Ready]) -> Sequence[Result | Put]:
        """Does it; whatever breaks, it is tried again."""
        try:
            if isinstance(together[0].job.payload, Deliver):
                self._metrics.messages.labels(together[0].deliver.channel, "sending").inc(len(together))
                return await self._handlers.deliver(together)
            return [await self._handlers.handle(one) for one in together]
        except StoreUnavailable as error:
            return self._later([one.job for one in together], str(error))
        except Exception as error:
            log.exception("a job failed unexpectedly", key=together[0].job.key)
            return self._later([one.job for one in together], f"{type(error).__name__}: {error}")

    def _later(self, jobs: Iterable[Job], reason: str) -> list[GivenBack]:
        now = self._clock.now()
        return [GivenBack(job, now + back_off(job.attempt), reason) for job in jobs]

    async def _end(self, lane: Lane, jobs: Sequence[Job], results: Sequence[Result | Put]) -> None:
        """Records what came of jobs; they are ours until then."""
        lane.done(len(jobs))
        try:
            self._tell(results)
            await asyncio.gather(
                *(self._put_in(one) if isinstance(one, Put) else self._recorder.record(one) for one in results)
            )
        except Exception:
            log.exception("what came of a job cannot be recorded; it is done again", key=jobs[0].key)
            await self._free(jobs)
        finally:
            for job in jobs:
                self._jobs.let_go(job)

    async def _free(self, jobs: Sequence[Job]) -> None:
        try:
            await asyncio.gather(*(self._recorder.record(one) for one in self._later(jobs, "could not be recorded")))
        except Exception:
            log.exception("a job can neither be recorded nor given back; its claim lapses", key=jobs[0].key)

    def _tell(self, results: Sequence[Result | Put]) -> None:
        for one in results:
            if isinstance(one, Asked) and isinstance(one.event, MessageFailed):
                log.error(
                    "a message is given up; it is among the dead letters", key=one.job.key, reason=one.event.reason
                )
            if not isinstance(one, GivenBack):
                continue
            if one.tried and isinstance(one.job.payload, Deliver):
                self._metrics.messages.labels(one.job.payload.channel, "retried").inc()
            wait = round((one.due_at - self._clock.now()) / timedelta(seconds=1), 1)
            tell = log.warning if one.job.attempt == 1 and one.tried else log.debug  # told once, then counted
            tell("will try again", key=one.job.key, attempt=one.job.attempt, wait_seconds=wait, reason=one.reason)

    async def _put_in(self, put: Put) -> None:
        """A body of our own, put into the inbox in the same breath as its job is finished."""
        assert self._inbox is not None  # only a receiver's lanes have such jobs
        try:
            async with self._inbox.beside(put.body) as connection:
                await end(connection, [Ended(put.job, "done", "put into the inbox")], self._clock.now())
        except StoreUnavailable as error:
            await self._recorder.record(self._later([put.job], str(error))[0])
