"""Claims on jobs are kept alive while this process lives, and those of whoever died are freed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from receiver.store.database import Conflict
from receiver.store.jobs import CLAIM_LASTS, Jobs
from tocsin.errors import StoreUnavailable

log = structlog.get_logger("receiver.turns")

KEEP_SECONDS = CLAIM_LASTS.total_seconds() / 5
GRACE_SECONDS = CLAIM_LASTS.total_seconds()


class Claims:
    """Keeps them."""

    def __init__(self, jobs: Jobs, *, beside: Callable[[], Awaitable[object]] | None = None) -> None:
        """`beside` is done with each round."""
        self._jobs = jobs
        self._beside = beside

    async def run(self) -> None:
        """Until cancelled. After the store was away every claim has lapsed, and those who live get the time to renew
        theirs first.
        """
        freeing_from = time.monotonic() + GRACE_SECONDS
        while True:
            await asyncio.sleep(KEEP_SECONDS)
            try:
                await self._jobs.renew()
                if self._beside is not None:
                    await self._beside()
                if time.monotonic() >= freeing_from and (freed := await self._jobs.free()):
                    log.warning("jobs that nobody finished are done again", jobs=freed)
            except (StoreUnavailable, Conflict) as error:
                log.warning("claims on jobs cannot be renewed", reason=str(error))
                freeing_from = time.monotonic() + GRACE_SECONDS
