"""A whole receiver in mid-escalation that dies at any write, and what it should look like all the same."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from receiver.access.principal import anybody
from receiver.config import ReceiverConfig
from receiver.escalation.reach import Roster
from receiver.respond import Answer
from receiver.store.jobs import Jobs
from receiver.store.schema import engine, jobs
from tests.receiver.bodies import START, alert, body
from tests.receiver.escalation.play import Shifts
from tests.receiver.harness import HOOK, Death, Harness, receiver
from tocsin.clock import ManualClock

When = Literal["before", "after"]
HOOKS = {name: {"webhook": {"url": "http://127.0.0.1:1/never-called"}} for name in ("slack", "sms", "mail")}
SHIFTS = Shifts(((0, "bob"), (30, "carol")))
CONFIG: dict[str, Any] = {
    "channels": HOOKS,
    "users": {"bob": {}, "carol": {"notification_rules": [{"channel": "sms"}]}},
    "notification_rules": [{"channel": "slack"}, {"channel": "sms", "after": "5m"}],
    "escalation_policies": {
        "p": {
            "steps": [{"notify": ["schedule:day"]}, {"after": "10m", "notify": ["user:carol"]}],
            "repeat": {"times": 1, "after": "7m"},
        },
        "last": {"steps": [{"notify": ["mail"]}]},
    },
    "routes": {"policy": "last", "routes": [{"matchers": 'severity="critical"', "policy": "p"}]},
    "tenants": {"default": {"tier": "gold"}},
    "tiers": {"gold": {"sla": {"resolve": {"critical": "40m"}}}},
}

Doing = Callable[[Harness], Coroutine[Any, Any, object]]


async def nothing(tocsin: Harness) -> None:
    """Only time passes."""


async def fires(tocsin: Harness) -> None:
    await tocsin.client.post(HOOK, data=body(alert()))


async def ends(tocsin: Harness) -> None:
    await tocsin.client.post(HOOK, data=body(alert(end=50 * 60)))


async def acknowledges(tocsin: Harness) -> None:
    for incident in await tocsin.incidents():
        await tocsin.receiver.telling.responder.respond(incident["id"], Answer("acknowledge"), anybody("bob"))


# What happens, and after how many minutes; in between, what was put off happens by itself.
STORY: tuple[tuple[int, Doing], ...] = (
    (0, fires),
    *((minute, nothing) for minute in (5, 10, 17, 22)),
    (24, acknowledges),
    *((minute, nothing) for minute in (27, 30, 32, 40)),
    (50, ends),
)


@dataclass
class Whole:
    """One receiver, or two over one store. It dies at the n-th commit from now, before it is durable or after."""

    folder: Path
    url: str = ""
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    sent: Counter[str] = field(default_factory=Counter)
    commits: int = 0
    dies_at: int = 0
    when: When = "before"
    died: bool = False
    replicas: list[Harness] = field(default_factory=list)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self) -> None:
        database = {"database": {"url": self.url}} if self.url else {}
        config = ReceiverConfig.model_validate(CONFIG | database)
        for _ in range(2 if self.url else 1):
            one = await self._stack.enter_async_context(receiver(self.folder, config, clock=self.clock))
            one.receiver.telling.handlers.escalating._rosters = _rosters
            self.replicas.append(one)
        if self.url:
            await self._take_over()
        for one in self.replicas:
            self._watch(one)

    async def _take_over(self) -> None:
        """The turn and the claims of whoever died have lapsed."""
        one = self.replicas[0]
        async with one.database.write() as connection:
            await connection.execute(sa.update(engine).values(expires_at=START))
            await connection.execute(sa.update(jobs).values(claimed_until=START))
        await one.receiver.turns.begin()
        await Jobs(one.database).free()

    def _watch(self, one: Harness) -> None:
        dialect: Any = one.database._writer.sync_engine.dialect
        commit = dialect.do_commit

        def may_die(*arguments: Any) -> None:
            self.commits += 1
            dies = self.commits == self.dies_at
            if not dies or self.when == "after":
                commit(*arguments)
            if dies:
                self.died = True
                raise Death

        dialect.do_commit = may_die

    async def close(self) -> None:
        for one in self.replicas:
            for phone in one.phones.values():
                self.sent.update(envelope.key.partition("/")[2] for envelope in phone.told)
        self.replicas = []
        await self._stack.aclose()
        self._stack = AsyncExitStack()

    async def play(self) -> list[tuple[float, str, str]]:
        """The story from its beginning to its end; gives what the timeline says of it: minute, kind, what."""
        await self.start()
        for minute, what in STORY:
            self.clock.advance(minutes=minute - (self.clock.now() - START).total_seconds() / 60)
            await self._surely(what)
            await self._surely(self._settles)
        told = await self.timeline()
        await self.close()
        return told

    async def _surely(self, what: Doing) -> None:
        """Does it with every replica at once; whoever dies begins again, and so does who had asked."""
        known = asyncio.all_tasks()
        try:
            await asyncio.gather(*(what(one) for one in self.replicas))
        except (Death, asyncio.CancelledError):  # those who wait for what the dead one records are cancelled
            if not self.died:
                raise
            await asyncio.gather(*(asyncio.all_tasks() - known), return_exceptions=True)
        if self.died:
            self.died = False
            await self.close()
            await self.start()
            await what(self.replicas[0])

    async def _settles(self, one: Harness) -> None:
        """Until nothing is left to do; the first of several has the engine's turn."""
        while (
            one is self.replicas[0] and await one.receiver.loop.run_once()
        ) or await one.receiver.runner.run_all_due():
            pass

    async def timeline(self) -> list[tuple[float, str, str]]:
        (incident,) = await self.replicas[0].incidents()
        whole = await self.replicas[0].get(f"/api/v1/incidents/{incident['id']}")
        return [_told(event) for event in whole["timeline"]]


async def _rosters() -> Mapping[str, Roster]:
    return {"day": SHIFTS}


def _told(event: Mapping[str, Any]) -> tuple[float, str, str]:
    hours, minutes, seconds = event["at"][11:].rstrip("Z").split(":")
    minute = (int(hours) - START.hour) * 60 + int(minutes) + float(seconds) / 60
    what = event.get("key", "").partition("/")[2] or ",".join(event.get("notify", ())) or str(event.get("step", ""))
    return minute, event["kind"], what
