"""Arbitrary orders of bodies, takeovers, paused engines, crashes and people, on two replicas: the promises hold."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receiver.config import ReceiverConfig
from receiver.store.database import Lost
from receiver.store.schema import engine
from tests import postgres
from tests.receiver.bodies import START, alert, body
from tests.receiver.harness import HOOK, Harness, escalation, receiver
from tests.receiver.test_interleaving import check
from tocsin.clock import ManualClock

Move = tuple[str, int, str, int]

kinds = st.sampled_from(["fire", "end", "engine", "jobs", "take over", "crash", "ack", "wait"])
moves = st.lists(st.tuples(kinds, st.integers(0, 1), st.sampled_from("ab"), st.integers(0, 3)), max_size=16)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(script=moves)
def test_promises_with_two_replicas(postgres_server: str, script: list[Move]) -> None:
    """Nothing accepted is lost, no incident or message doubled, whoever runs the engine; who lost it writes nothing."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_play(Path(folder), postgres_server, script))


async def _play(folder: Path, server: str, script: list[Move]) -> None:
    async with postgres.database(server) as url, AsyncExitStack() as stack:
        config = escalation(("0s", ("alice",)), ("5m", ("bob",)), database={"url": url})
        pair = Pair(folder, config, stack)
        for which in (0, 1):
            await pair.start(which)
        for move in script:
            await pair.play(*move)
        await pair.take_over(0)
        for _ in range(3):  # what one settles may give the other something to do
            await pair.replicas[0].settle()
            await pair.play("jobs", 1, "", 0)
        await check(pair.replicas[0])
        seen = {(one["labels"]["instance"]) for one in await pair.replicas[0].alerts()}
        assert seen == pair.accepted, "accepted and lost"
        assert len(pair.sent) == len(set(pair.sent)), "a message went out twice"


class Pair:
    """Two replicas, one of which runs the engine."""

    def __init__(self, folder: Path, config: ReceiverConfig, stack: AsyncExitStack) -> None:
        self._folder = folder
        self._config = config
        self._stack = stack
        self._clock = ManualClock(START)
        self._stacks: dict[int, AsyncExitStack] = {}
        self._sent: list[str] = []
        self.replicas: dict[int, Harness] = {}
        self.accepted: set[str] = set()

    @property
    def sent(self) -> list[str]:
        return self._sent + [e.key for one in self.replicas.values() for p in one.phones.values() for e in p.told]

    async def start(self, which: int) -> None:
        stack = await self._stack.enter_async_context(AsyncExitStack())
        self._stacks[which] = stack
        one = receiver(self._folder, self._config, clock=self._clock)
        self.replicas[which] = await stack.enter_async_context(one)

    async def crash(self, which: int) -> None:
        """Its turn and its claims stay where they are."""
        self._sent += [envelope.key for phone in self.replicas[which].phones.values() for envelope in phone.told]
        await self._stacks[which].aclose()
        await self.start(which)

    async def take_over(self, which: int) -> None:
        """The turn lapses, and this one takes it; the other one does not know yet."""
        one = self.replicas[which]
        async with one.database.write() as connection:
            await connection.execute(sa.update(engine).values(expires_at=START))
        await one.receiver.turns.begin()

    async def play(self, kind: str, which: int, name: str, second: int) -> None:
        one = self.replicas[which]
        match kind:
            case "fire":
                await self._post(one, name, body(alert(instance=name, start=second * 10)))
            case "end":
                await self._post(one, name, body(alert(instance=name, start=0, end=second * 10 + 5)))
            case "engine":
                await self._engine(one)
            case "jobs":
                await one.receiver.runner.run_all_due()
            case "take over":
                await self.take_over(which)
            case "crash":
                await self.crash(which)
            case "ack":
                for incident in await one.incidents():
                    await one.client.post(f"/api/v1/incidents/{incident['id']}/acknowledge", json={"by": "alice"})
            case "wait":
                self._clock.advance(minutes=3)

    async def _post(self, one: Harness, name: str, content: bytes) -> None:
        assert (await one.client.post(HOOK, data=content)).status == 200
        self.accepted.add(name)

    async def _engine(self, one: Harness) -> None:
        """A batch, if it is this one's turn; if it only thinks so, nothing comes of it."""
        ours = one.receiver.turns.epoch == await self._epoch(one)
        try:
            assert not await one.receiver.loop.run_once() or ours
        except Lost:
            assert not ours

    async def _epoch(self, one: Harness) -> int:
        async with one.database.read() as connection:
            return int((await connection.execute(sa.select(engine.c.epoch))).scalar_one())
