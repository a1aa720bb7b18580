"""Where bodies lie durably until the engine has committed what they mean."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, Self

from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.engine.notification import Body

MAX_BATCH_BODIES = 500
MAX_BATCH_BYTES = 16 * 1024 * 1024  # held in memory at once
MAX_BATCH_ALERTS = 4000  # processed and committed at once: what a batch costs in latency, and saves in commits


class Counted(NamedTuple):
    """A body, and how many alerts it was counted to carry."""

    body: Body
    alerts: int


class Spool(Protocol):
    """Bodies under positions, of which none comes twice. Every error is a StoreUnavailable: perhaps it was done."""

    async def append(self, bodies: Sequence[Counted], done: int) -> list[Counted]:
        """Commits bodies durably, all or none; gives them back with their positions. May drop those up to `done`."""
        ...

    async def read(self, after: int) -> list[Counted]:
        """The first bodies behind a position, as many as make a batch; at least one, if there is one, however large."""
        ...

    async def waiting(self, after: int) -> tuple[int, datetime | None]:
        """How many bodies wait behind a position, and when the first of them was received."""
        ...

    async def taken(self, connection: AsyncConnection, bodies: Sequence[Body]) -> None:
        """Has its part in the transaction that commits what bodies meant."""
        ...

    def position_after(self, bodies: Sequence[Body]) -> int | None:
        """How far the engine has come with these bodies; None if their `taken` says all."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Bodies that are processed and committed together, and where they lie."""

    counted: list[Counted]
    spool: Spool

    @property
    def bodies(self) -> list[Body]:
        return [counted.body for counted in self.counted]

    @property
    def alerts(self) -> int:
        return sum(counted.alerts for counted in self.counted)

    @property
    def position(self) -> int | None:
        """How far the engine has come when it has committed this batch; None if that is not told by a position."""
        return self.spool.position_after(self.bodies)

    async def taken(self, connection: AsyncConnection) -> None:
        """Belongs into the transaction that commits what the bodies meant."""
        await self.spool.taken(connection, self.bodies)

    def halves(self) -> tuple[Self, Self]:
        middle = len(self.counted) // 2
        return type(self)(self.counted[:middle], self.spool), type(self)(self.counted[middle:], self.spool)


def fitting(sizes: Sequence[int], limit: int) -> int:
    """How many, from the first, fit into one batch; one always does."""
    return max(1, sum(total <= limit for total in itertools.accumulate(sizes)))


def of_one_batch(sizes: Sequence[tuple[int, int]]) -> int:
    """How many of bodies with so many bytes and alerts are processed together."""
    by_bytes = fitting([size for size, _ in sizes], MAX_BATCH_BYTES)
    return min(by_bytes, fitting([alerts for _, alerts in sizes], MAX_BATCH_ALERTS))
