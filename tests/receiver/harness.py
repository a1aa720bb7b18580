"""A whole receiver in one process, over a real store and a clock that tests move."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from aiohttp.test_utils import TestClient, TestServer

from receiver.app import Receiver
from receiver.config import ReceiverConfig
from receiver.notify.channel import Channel, Envelope, Receipt
from receiver.people.directory import Directory
from receiver.prepared import Prepared
from receiver.store.database import Database
from receiver.store.inbox_file import InboxFile
from tests.receiver import stores
from tests.receiver.bodies import START
from tocsin.clock import ManualClock
from tocsin.guard import Guard

HOOK = "/api/v2/hooks/alertmanager"


class Death(BaseException):
    """The process ends here, as far as a test goes."""


@dataclass
class Phone:
    """A channel that remembers what it was told, and fails as often as a test wants.

    While it `kills`, its process dies right after each message: nobody can record that it was sent.
    """

    contact: ClassVar[str] = ""
    follows: ClassVar[bool] = False
    idempotent: ClassVar[bool] = False

    told: list[Envelope] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    kills: bool = False

    async def send(self, envelope: Envelope) -> Receipt:
        if self.failures:
            raise self.failures.pop(0)
        self.told.append(envelope)
        if self.kills:
            raise Death
        return Receipt()

    @property
    def keys(self) -> list[str]:
        """What was sent, without the incident's id: `page/0/alice`."""
        return [envelope.key.partition("/")[2] for envelope in self.told]


@dataclass
class Harness:
    receiver: Receiver
    database: Database
    clock: ManualClock
    client: TestClient[Any, Any]
    phones: Mapping[str, Phone]

    @property
    def inbox_file(self) -> InboxFile:
        """Where senders' bodies lie."""
        file = self.receiver.inbox._file
        assert file is not None
        return file

    async def post(self, content: bytes, *, source: str = "") -> int:
        """Posts a webhook body and lets everything that follows at once happen."""
        answer = await self.client.post(f"{HOOK}/{source}" if source else HOOK, data=io.BytesIO(content))
        await self.settle()
        return answer.status

    async def settle(self) -> None:
        """Until nothing is left to do at this moment."""
        while await self.receiver.loop.run_once() or await self.receiver.runner.run_all_due():
            pass

    async def advance(self, **duration: float) -> None:
        self.clock.advance(**duration)
        await self.settle()

    async def get(self, path: str) -> Any:
        answer = await self.client.get(path)
        assert answer.status == 200, await answer.text()
        return await answer.json()

    async def incidents(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.get("/api/v1/incidents"))["items"]
        return items

    async def alerts(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.get("/api/v1/alerts"))["items"]
        return items

    async def act(self, incident: str, action: str, by: str = "alice") -> dict[str, Any]:
        answer = await self.client.post(f"/api/v1/incidents/{incident}/{action}", json={"by": by})
        await self.settle()
        assert answer.status == 200, await answer.text()
        told: dict[str, Any] = await answer.json()
        return told

    async def story(self, incident: str) -> list[str]:
        """The kinds of an incident's events, in order."""
        return [event["kind"] for event in (await self.get(f"/api/v1/incidents/{incident}"))["timeline"]]


def escalation(*steps: tuple[str, tuple[str, ...]], **extra: Any) -> ReceiverConfig:
    """A configuration that tells phones; each step is how long after the one before, and whom."""
    names = {name for _, notify in steps for name in notify}
    hook = {"webhook": {"url": "http://127.0.0.1:1/never-called"}}
    wanted = [{"after": after, "notify": list(notify)} for after, notify in steps]
    return ReceiverConfig.model_validate(
        {"channels": dict.fromkeys(names, hook), "escalation": {"steps": wanted}} | extra
    )


def prepared(config: ReceiverConfig, channels: Mapping[str, Channel]) -> Prepared:
    """A configuration made ready, with these channels in place of its own."""
    return replace(Prepared.of(config), channels=channels, directory=config.directory(channels))


@asynccontextmanager
async def receiver(
    folder: Path,
    config: ReceiverConfig | None = None,
    *,
    clock: ManualClock | None = None,
    busy_seconds: float = 0.1,
    guard: Guard | None = None,
    asks: bool = False,
    channels: Mapping[str, Channel] | None = None,
) -> AsyncIterator[Harness]:
    """A receiver on a store in a folder; start it twice on one folder to see what survives.

    Every channel is a phone but those of `channels`.
    """
    config = config or ReceiverConfig()
    clock = clock or ManualClock(START)
    phones = {name: Phone() for name in config.channels}
    if config.database.is_postgresql:
        database = await config.database.open(folder)
    else:
        stores.lay(folder)
        database = await Database.open(folder, busy_timeout_seconds=busy_seconds)
    guard = guard or Guard()
    built = await Receiver.build(database, prepared(config, {**phones, **(channels or {})}), clock, guard)
    if not asks:  # else whoever calls must prove who they are, where users are configured
        built.doors.access.proofs.people = Directory()
    commits = asyncio.create_task(built.inbox.run())
    try:
        server = TestServer(built.doors.application)
        await server.start_server(ssl=guard.ssl_context())
        async with TestClient(server) as client:
            yield Harness(built, database, clock, client, phones)
    finally:
        commits.cancel()
        await asyncio.gather(commits, return_exceptions=True)
        await built.inbox.close()
        await built.remediating.close()
        await database.close()
