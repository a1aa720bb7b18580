"""Receivers that die and come back over one store, on a clock that tests move."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import sqlalchemy as sa

from receiver.store.jobs import Jobs
from receiver.store.schema import engine, jobs
from tests import postgres
from tests.receiver.bodies import START
from tests.receiver.faults import Faults
from tests.receiver.harness import Harness, escalation, receiver
from tocsin.clock import ManualClock

ROUNDS = 50
STEPS = (("0s", ("alice",)), ("5m", ("bob",)))


class World:
    """One receiver on SQLite, or two replicas on PostgreSQL, that die and come back over one store."""

    def __init__(self, server: str = "") -> None:
        """`server`: the URL of a PostgreSQL on which a database may be made."""
        self._folder = Path(tempfile.mkdtemp(prefix="tocsin-machine-"))
        self._server = server
        self._config = escalation(*STEPS)
        self._whole = AsyncExitStack()
        self._stacks: dict[int, AsyncExitStack] = {}
        self._sent = Counter[str]()
        self.again = Counter[str]()  # messages whose process died before it could record them
        self.shared = bool(server)
        self.clock = ManualClock(START)
        self.faults = Faults()
        self.replicas: dict[int, Harness] = {}

    def __getitem__(self, which: int) -> Harness:
        return self.replicas[which if self.shared else 0]

    @property
    def second(self) -> int:
        return int((self.clock.now() - START).total_seconds())

    @property
    def sent(self) -> Counter[str]:
        return self._sent + sum((told_by(one) for one in self.replicas.values()), Counter())

    async def begin(self) -> None:
        if self._server:
            url = await self._whole.enter_async_context(postgres.database(self._server))
            self._config = escalation(*STEPS, database={"url": url})
            await self.start(1)
        await self.start(0)

    async def start(self, which: int) -> None:
        stack = AsyncExitStack()
        self.replicas[which] = await stack.enter_async_context(receiver(self._folder, self._config, clock=self.clock))
        self._stacks[which] = stack
        self.faults.watch(self.replicas[which])

    async def crash(self, which: int) -> None:
        """Its memory is gone; its turn and its claims stay where they are."""
        which = which if self.shared else 0
        self._sent += told_by(self.replicas[which])
        await self._stacks[which].aclose()
        await self.start(which)

    async def lose_inbox(self) -> None:
        """Dies, and comes back without the file in which bodies wait."""
        self._sent += told_by(self.replicas[0])
        await self._stacks[0].aclose()
        for file in self._folder.glob("inbox.db*"):
            file.unlink()
        await self.start(0)

    async def take_over(self, which: int) -> None:
        """The turn lapses and this one takes it; whoever had it does not know yet."""
        one = self[which]
        async with one.database.write() as connection:
            await connection.execute(sa.update(engine).values(expires_at=START))
        await one.receiver.turns.begin()

    async def has_turn(self, one: Harness) -> bool:
        async with one.database.read() as connection:
            return bool((await connection.execute(sa.select(engine.c.epoch))).scalar() == one.receiver.turns.epoch)

    async def lapse_claims(self) -> None:
        """What nobody works on any more is free again."""
        database = self[0].database
        async with database.write() as connection:
            await connection.execute(sa.update(jobs).values(claimed_until=START))
        await Jobs(database).free()

    async def settle(self) -> None:
        """Until nothing is left to do; what one settles may give the other something to do."""
        await self.take_over(0)
        await self.lapse_claims()
        for _ in range(ROUNDS):
            taken = await self[0].receiver.loop.run_once()
            if not taken + sum([await one.receiver.runner.run_all_due() for one in self.replicas.values()]):
                return
        raise AssertionError("there is no end to what is to be done")

    async def close(self) -> None:
        for stack in self._stacks.values():
            await stack.aclose()
        await self._whole.aclose()
        shutil.rmtree(self._folder)


def told_by(one: Harness) -> Counter[str]:
    return Counter(envelope.key for phone in one.phones.values() for envelope in phone.told)
