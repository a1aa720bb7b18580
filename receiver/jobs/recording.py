"""What came of jobs, recorded together: whatever is done while one transaction commits goes into the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from receiver.decide import Decider, Result
from tocsin.errors import StoreUnavailable

log = structlog.get_logger("receiver.jobs")

AT_ONCE = 200  # results in one transaction
GATHER_SECONDS = 0.02  # while several are being done
AGAIN_SECONDS = 0.5  # between tries while the store is away


class Recorder:
    """Commits results. What has been done is not done again because the store is away: it is waited for."""

    def __init__(self, decider: Decider, job_due: asyncio.Event, waits: Callable[[StoreUnavailable], None]) -> None:
        """`job_due` is set when a commit made new jobs, `waits` called when the store is away."""
        self._decider = decider
        self._job_due = job_due
        self._waits = waits
        self._waiting: list[tuple[Result, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def record(self, result: Result) -> None:
        """Returns once the result is committed, or belongs to somebody else.

        Raises:
            Exception: it cannot be recorded, ever; the other results were.
        """
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((result, done))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._commit_all(), name="records")
        await done

    async def close(self) -> None:
        """Gives up on a store that is still away: what could not be recorded is done again by the next start."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _commit_all(self) -> None:
        await asyncio.sleep(0)  # what is done at the same moment goes together
        several = False
        while self._waiting:
            if several:  # the next ones are on their way: one commit more costs more than a moment's wait
                await asyncio.sleep(GATHER_SECONDS)
            several = len(self._waiting) > 1
            batch, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
            try:
                await self._commit([result for result, _ in batch])
            except Exception as error:  # noqa: BLE001  # each waiter raises it in its own task, where it is told
                await self._one_by_one(batch, error)
            except BaseException:
                for _, done in batch:
                    done.cancel()
                raise
            else:
                for _, done in batch:
                    _answer(done)

    async def _one_by_one(self, batch: list[tuple[Result, asyncio.Future[None]]], error: Exception) -> None:
        """One result that breaks the commit must not break the others."""
        for result, done in batch:
            try:
                if len(batch) > 1:
                    await self._commit([result])
                else:
                    raise error
            except Exception as own:  # noqa: BLE001  # as above
                _answer(done, own)
            else:
                _answer(done)

    async def _commit(self, results: list[Result]) -> None:
        while True:
            try:
                if await self._decider.decide_all(results):
                    self._job_due.set()
                return
            except StoreUnavailable as error:
                self._waits(error)
                await asyncio.sleep(AGAIN_SECONDS)


def _answer(done: asyncio.Future[None], error: Exception | None = None) -> None:
    if done.done():
        return  # whoever waited is gone
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
