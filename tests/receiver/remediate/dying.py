"""A run with approval, steps, verification and rollback, whose process dies at a write or in the midst of a step."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from receiver.access.principal import anybody
from receiver.engine.run import RunState
from receiver.respond import Answer
from receiver.store.jobs import Jobs
from receiver.store.schema import engine, jobs
from tests.receiver.bodies import START, alert, body
from tests.receiver.harness import Death
from tests.receiver.remediate.healing import Healing, healing, runbook, step
from tocsin.clock import ManualClock

When = Literal["before", "after"]
BOOK = runbook(step("one", rollback=True), step("two", rollback=True), approval={})
MOST_QUARTERS = 16  # of a minute, after which a run is over


def written(event: Mapping[str, Any]) -> str:
    """What a row of the table `events` says, in short: `run_step_began 1`."""
    step_of = f" {event['step'] + 1}" if "step" in event else ""
    return f"{event['kind']}{step_of}{' undo' if event.get('undo') else ''}"


@dataclass
class Dying:
    """Plays the story on a store, one process after the other. The first dies where it is told to.

    `at` is what is written by the commit at which it dies, or which commit that is; `when`: before that is durable or
    after. `in_step` is the step in which it dies; `when`: before it is done or after.
    """

    folder: Path
    at: str | int = ""
    when: When = "before"
    in_step: str = ""
    helps: bool = False
    url: str = ""
    commits: int = 0
    deaths: int = 0
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    _heals: Healing | None = None
    _saying: list[str] = field(default_factory=list)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def heals(self) -> Healing:
        assert self._heals is not None
        return self._heals

    async def play(self) -> None:
        """The story from its beginning to the end of the run."""
        await self._start()
        for what in (self._fires, self._approves, *[self._waits] * MOST_QUARTERS):
            await self._surely(what)
            await self._surely(self._settles)
        assert self.deaths == bool(self.at or self.in_step), "it never came there"

    async def close(self) -> None:
        self._heals = None
        await self._stack.aclose()
        self._stack = AsyncExitStack()

    async def _start(self) -> None:
        extra = {"database": {"url": self.url}} if self.url else {}
        numbers = {"errors": 0.0 if self.helps else 3.0}
        heals = healing(self.folder, BOOK, numbers=numbers, clock=self.clock, **extra)
        self._heals = await self._stack.enter_async_context(heals)
        if self.url:
            await self._take_over()
        if not self.deaths:
            if self.when == "before":
                self.heals.hand.dies_before = self.in_step
            else:
                self.heals.hand.dies_after = self.in_step
        self._watch()

    async def _take_over(self) -> None:
        """The turn and the claims of whoever died have lapsed."""
        harness = self.heals.harness
        async with harness.database.write() as connection:
            await connection.execute(sa.update(engine).values(expires_at=START))
            await connection.execute(sa.update(jobs).values(claimed_until=START))
        await harness.receiver.turns.begin()
        await Jobs(harness.database).free()

    def _watch(self) -> None:
        """Counts commits, knows what each says, and dies at one of them."""
        writer = self.heals.harness.database._writer.sync_engine
        dialect: Any = writer.dialect
        commit = dialect.do_commit

        def reads(_c: object, _s: object, statement: str, parameters: Any, _x: object, many: bool) -> None:
            if statement.startswith("INSERT INTO events"):
                rows = parameters if many else [parameters]
                self._saying += [written(json.loads(_event(row))) for row in rows]

        def may_die(*arguments: Any) -> None:
            self.commits += 1
            said, self._saying = self._saying, []
            dies = not self.deaths and (self.at in said or self.at == self.commits)
            if not dies or self.when == "after":
                commit(*arguments)
            if dies:
                self.deaths += 1
                raise Death

        sa.event.listen(writer, "before_cursor_execute", reads)
        dialect.do_commit = may_die

    async def _surely(self, what: Callable[[], Awaitable[object]]) -> None:
        """Does it; where it dies, the next process begins and does it again."""
        known, before = asyncio.all_tasks(), self.deaths
        try:
            await what()
        except (Death, asyncio.CancelledError) as error:  # whoever waits for what the dead one records is cancelled
            if isinstance(error, asyncio.CancelledError) and self.deaths == before:
                raise
            self.deaths = before + 1
            await asyncio.gather(*(asyncio.all_tasks() - known), return_exceptions=True)
        if self.deaths > before:
            await self.close()
            await self._start()
            await what()

    async def _fires(self) -> None:
        await self.heals.harness.client.post("/api/v2/hooks/alertmanager", data=body(alert(service="player")))

    async def _approves(self) -> None:
        """Two people at the same moment, with one and the same plan."""
        run = await self.heals.run()
        (incident,) = await self.heals.harness.incidents()
        answer = Answer("approve", run=run.id, plan_hash=run.plan_hash)
        responder = self.heals.harness.receiver.telling.responder
        await asyncio.gather(*(responder.respond(incident["id"], answer, anybody(who)) for who in ("ann", "ben")))

    async def _waits(self) -> None:
        run = await self.heals.run()
        if run.state is not RunState.OVER:
            self.clock.advance(seconds=15)

    async def _settles(self) -> None:
        receiver = self.heals.harness.receiver
        while await receiver.loop.run_once() or await receiver.runner.run_all_due():
            pass

    async def story(self) -> Sequence[str]:
        """What is written of the run, in short, in its order."""
        (incident,) = await self.heals.harness.incidents()
        whole = await self.heals.harness.get(f"/api/v1/incidents/{incident['id']}")
        return [written(event) for event in whole["timeline"] if event["kind"].startswith("run_")]


def _event(row: Any) -> bytes:
    """The column `event` of a row that is written."""
    found = next(
        value for value in (row.values() if isinstance(row, Mapping) else row) if isinstance(value, bytes | memoryview)
    )
    return bytes(found)
