"""What came of jobs, recorded together: one that cannot be keeps no other back."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from receiver.decide import Asked, Decider
from receiver.engine.effects import Send
from receiver.engine.events import Commented
from receiver.engine.incident import Incident
from receiver.engine.message_events import MessageSent
from receiver.engine.policy import step
from receiver.engine.working_set import Outcome
from receiver.jobs.recording import Recorder
from receiver.metrics import Metrics
from receiver.store import jobs as table
from receiver.store.database import Conflict, Database
from receiver.store.jobs import Job, Jobs
from receiver.store.ledger import Ledger
from receiver.store.outbox import Outbox
from receiver.store.schema import events, jobs
from tests.receiver.bodies import START
from tests.receiver.store.conftest import dialect, open_store, store, store_url  # noqa: F401
from tocsin.clock import ManualClock
from tocsin.errors import StoreUnavailable

NAMES = ("a", "b", "c", "d", "e")


async def _claimed(database: Database) -> tuple[Decider, list[Job]]:
    """Five incidents with a page each, all of them begun."""
    clock = ManualClock(START)
    ledger = Ledger(database)
    outcome = Outcome()
    for name in NAMES:
        outcome.record(Incident(name), step(Incident(name), Commented("eve", "it began"), START), START)
        outcome.effects.append(Send(name, "phone", "page", f"{name}/page", START))
    outcome.incidents = {
        name: incident.__class__(name, key=name, version=1) for name, incident in outcome.incidents.items()
    }
    await ledger.commit(outcome, START)
    found = await Jobs(database).claim("channel/phone", START, 10)
    return Decider(ledger, Metrics(), clock), found


def _sent(job: Job) -> Asked:
    return Asked(job, MessageSent("phone", "page", job.key))


async def _sent_keys(database: Database) -> list[str]:
    found = await Outbox(database).list(state="sent", channel=None, incident=None, limit=10, before=None)
    return sorted(one.key for one in found)


async def test_many_in_one_transaction(store: Database) -> None:  # noqa: F811
    """Whatever is done at the same moment is committed once."""
    decider, found = await _claimed(store)
    commits = 0
    commit = decider._ledger.commit

    async def counted(*arguments: object) -> None:
        nonlocal commits
        commits += 1
        await commit(*arguments)  # type: ignore[arg-type]

    decider._ledger.commit = counted  # type: ignore[method-assign,assignment]
    recorder = Recorder(decider, asyncio.Event(), lambda _: None)
    await asyncio.gather(*(recorder.record(_sent(job)) for job in found))
    assert (commits, await _sent_keys(store)) == (1, [f"{name}/page" for name in NAMES])


async def test_two_about_one_incident(store: Database) -> None:  # noqa: F811
    """Several results of one incident come one after the other in its story."""
    decider, found = await _claimed(store)
    async with store.write() as connection:
        await table.put(connection, [Send("a", "mail", "page", "a/page/mail", START)])
    found += await Jobs(store).claim("channel/mail", START, 10)
    await decider.decide_all([_sent(job) for job in found])
    async with store.read() as connection:
        versions = await connection.execute(sa.select(events.c.version).where(events.c.incident == "a"))
        assert sorted(versions.scalars()) == [1, 2, 3]


async def test_one_that_was_taken_over(store: Database) -> None:  # noqa: F811
    """A job that somebody else has now is left to them; the others are recorded."""
    decider, found = await _claimed(store)
    async with store.write() as connection:
        await connection.execute(sa.update(jobs).where(jobs.c.id == found[2].id).values(epoch=7))
    await decider.decide_all([_sent(job) for job in found])
    assert await _sent_keys(store) == ["a/page", "b/page", "d/page", "e/page"]


async def test_one_whose_incident_changed(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Who is too late for one incident decides about that one again; each is recorded once."""
    decider, found = await _claimed(store)
    fails = iter([Conflict("changed"), Conflict("changed"), None, Conflict("changed")])
    commit = decider._ledger.commit

    async def now_and_then(*arguments: object) -> None:
        error = next(fails, None)
        if error is not None:
            raise error
        await commit(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(decider._ledger, "commit", now_and_then)
    await decider.decide_all([_sent(job) for job in found])
    assert await _sent_keys(store) == [f"{name}/page" for name in NAMES]


async def test_a_store_that_is_away(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """What has been done is recorded when the store is back, however long that takes; nothing is done twice."""
    decider, found = await _claimed(store)
    monkeypatch.setattr("receiver.jobs.recording.AGAIN_SECONDS", 0.0)
    away = iter([True, True, True])
    commit = decider._ledger.commit
    waited: list[str] = []

    async def later(*arguments: object) -> None:
        if next(away, False):
            raise StoreUnavailable("the disk is away")
        await commit(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(decider._ledger, "commit", later)
    recorder = Recorder(decider, asyncio.Event(), lambda error: waited.append(str(error)))
    await asyncio.gather(*(recorder.record(_sent(job)) for job in found))
    assert (waited, len(await _sent_keys(store))) == (["the disk is away"] * 3, 5)


async def test_two_replicas_and_one_timer(postgres_url: str) -> None:
    """Of two processes that race for what is due, one has it; after its claim lapsed its late word counts no more."""
    one, other = await Database.connect(postgres_url), await Database.connect(postgres_url)
    try:
        decider, found = await _claimed(one)
        assert await Jobs(other).claim("channel/phone", START, 10) == []
        async with other.write() as connection:
            await connection.execute(sa.update(jobs).values(claimed_until=START - timedelta(days=1)))
        assert await Jobs(other).free() == 5
        again = await Jobs(other).claim("channel/phone", START, 10)
        late = Decider(Ledger(other), Metrics(), ManualClock(START))
        await asyncio.gather(
            decider.decide_all([_sent(job) for job in found]), late.decide_all([_sent(job) for job in again])
        )
        assert len(await _sent_keys(one)) == 5
        async with one.read() as connection:
            count = await connection.execute(sa.select(sa.func.count()).select_from(events))
            assert count.scalar_one() == 10
    finally:
        await one.close()
        await other.close()
