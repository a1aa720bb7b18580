"""Jobs: whoever claims one has it alone, until it is done, given back, or its claim lapses."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from receiver.engine.effects import Send, SetTimer
from receiver.engine.working_set import Outcome
from receiver.store import jobs as table
from receiver.store.database import Database, Lost
from receiver.store.endings import Ended, GivenBack
from receiver.store.jobs import Jobs
from receiver.store.ledger import Ledger
from receiver.store.outbox import Outbox
from tests.receiver.bodies import START
from tests.receiver.store.conftest import OpenStore

LANE = "channel/phone"


async def _due(database: Database, *incidents: str) -> None:
    effects = [Send(incident, "phone", "page", f"{incident}/page/0/phone", START) for incident in incidents]
    async with database.write() as connection:
        await table.put(connection, effects)


async def _finish(database: Database, job: table.Job) -> None:
    await Ledger(database).commit(Outcome(), START, [Ended(job, "sent", "done")])


async def test_claimed_once(store: Database) -> None:
    """A job that is claimed is nobody else's; when it is done it is gone."""
    await _due(store, "a")
    jobs = Jobs(store)
    (job,) = await jobs.claim(LANE, START, 10)
    assert (job.attempt, job.key) == (1, "a/page/0/phone")
    assert await Jobs(store).claim(LANE, START, 10) == []
    await _finish(store, job)
    with pytest.raises(Lost):
        await _finish(store, job)
    assert await jobs.next_due() == {}


async def test_two_claimers_at_once(open_store: OpenStore, store_url: str) -> None:
    """However many claim at the same time, each job goes to one of them."""
    databases = [await open_store() for _ in range(4)] if store_url else [await open_store()] * 4
    names = [f"i{number:02}" for number in range(40)]
    await _due(databases[0], *names)
    claims = await asyncio.gather(*(Jobs(database).claim(LANE, START, 3) for database in databases * 5))
    claimed = [job.incident for claim in claims for job in claim]
    assert len(claimed) == len(set(claimed))
    rest = await Jobs(databases[0]).claim(LANE, START, 100)
    assert sorted(claimed + [job.incident for job in rest]) == names


async def test_first_of_a_queue(store: Database) -> None:
    """Of what goes to one channel about one incident, only the first can be claimed until it is done."""
    async with store.write() as connection:
        await table.put(
            connection,
            [Send("a", "phone", "page", "a/page", START), Send("a", "phone", "resolved", "a/resolved", START)],
        )
    jobs = Jobs(store)
    (page,) = await jobs.claim(LANE, START, 10)
    assert page.key == "a/page"
    assert await jobs.claim(LANE, START, 10) == []
    await _finish(store, page)
    (end,) = await jobs.claim(LANE, START, 10)
    assert end.key == "a/resolved"


async def test_what_waits_for_a_time_of_its_own_blocks_nobody(store: Database) -> None:
    """An earlier row of a queue is in the way while it is due, runs or is tried again, not before its time."""
    page, end = "a/page/0/phone", "a/resolved/phone"
    minute = timedelta(minutes=1)
    async with store.write() as connection:
        await table.put(
            connection,
            [Send("a", "phone", "page", page, START + minute), Send("a", "phone", "resolved", end, START)],
        )
    jobs = Jobs(store)
    assert await jobs.next_due() == {LANE: START}
    (first,) = await jobs.claim(LANE, START, 10)
    assert first.key == end
    await Ledger(store).commit(Outcome(), START, back=[GivenBack(first, START + 2 * minute, "answered 503")])
    (second,) = await jobs.claim(LANE, START + minute, 10)
    assert second.key == page
    assert await jobs.claim(LANE, START + 2 * minute, 10) == []  # it runs
    back = GivenBack(second, START + 9 * minute, "answered 503")
    await Ledger(store).commit(Outcome(), START, back=[back])
    assert await jobs.claim(LANE, START + 3 * minute, 10) == []  # it is tried again


async def test_when_each_lane_is_next_due(store: Database) -> None:
    """Of each lane the earliest that waits; a lane in which everything runs is not named."""
    late = START + timedelta(days=7)
    async with store.write() as connection:
        await table.put(connection, [SetTimer(f"i{n}", 0, late + timedelta(seconds=n)) for n in range(50)])
        await table.put(
            connection, [Send("a", "phone", "page", "a/page", START), Send("b", "mail", "page", "b/page", late)]
        )
    jobs = Jobs(store)
    assert await jobs.next_due() == {table.ESCALATION_LANE: late, "channel/mail": late, LANE: START}
    await jobs.claim(LANE, START, 10)
    assert await jobs.next_due() == {table.ESCALATION_LANE: late, "channel/mail": late}


async def test_a_message_that_is_wanted_again(store: Database) -> None:
    """One that waits comes sooner, never later; one that is being sent is neither begun again nor lost."""
    jobs, minute = Jobs(store), timedelta(minutes=1)
    for due in (START + 5 * minute, START, START + 9 * minute):
        async with store.write() as connection:
            await table.put(connection, [Send("a", "phone", "page", "a/page", due)])
    (job,) = await jobs.claim(LANE, START, 10)
    async with store.write() as connection:
        await table.put(connection, [Send("a", "phone", "page", "a/page", START)])
    assert await jobs.claim(LANE, START + minute, 10) == []
    await _finish(store, job)


async def test_what_was_held_goes_together(store: Database) -> None:
    """Whatever is held for an address is claimed with the first of it, beyond the bound of a claim."""
    await _due(store, "a", "b", "c")
    jobs, later = Jobs(store), START + timedelta(seconds=30)
    back = [GivenBack(job, later, "waits", tried=False, held=True) for job in await jobs.claim(LANE, START, 10)]
    await Ledger(store).commit(Outcome(), START, back=back)
    assert await jobs.claim_held(LANE, ["phone"], START, 10) == []
    (first,) = await jobs.claim(LANE, later, 1)
    rest = await jobs.claim_held(LANE, ["phone"], later, 10)
    assert [(job.attempt, job.held_until) for job in (first, *rest)] == [(1, later)] * 3


async def test_one_end_that_is_lost_keeps_none(store: Database) -> None:
    """Many ends are one transaction: where one job is no longer ours, none of them is recorded."""
    await _due(store, "a", "b")
    mine, other = await Jobs(store, timedelta()).claim(LANE, START, 10)
    await Jobs(store).free()
    await Jobs(store).claim(LANE, START, 1)
    with pytest.raises(Lost):
        await Ledger(store).commit(Outcome(), START, [Ended(mine, "sent", ""), Ended(other, "sent", "")])
    assert len(await Outbox(store).list(state=None, channel=None, incident=None, limit=10, before=None)) == 2
    assert await Outbox(store).list(state="sent", channel=None, incident=None, limit=10, before=None) == []


async def test_given_back(store: Database) -> None:
    """A job that is tried again later is due then, and counts its attempts."""
    await _due(store, "a")
    jobs = Jobs(store)
    (job,) = await jobs.claim(LANE, START, 10)
    later = START + timedelta(minutes=1)
    await Ledger(store).commit(Outcome(), START, back=[GivenBack(job, later, "answered 503")])
    assert await jobs.claim(LANE, START, 10) == []
    (again,) = await jobs.claim(LANE, later, 10)
    assert again.attempt == 2


async def test_renewed_while_it_runs(store: Database) -> None:
    """A timer that is set anew while it goes off is not ended by what was begun before."""
    jobs = Jobs(store)
    for step in (0, 1):
        async with store.write() as connection:
            await table.put(connection, [SetTimer("a", step, START)])
        (running,) = await jobs.claim(table.ESCALATION_LANE, START, 10)
        if step == 0:
            earlier = running
    assert (earlier.id, earlier.attempt) == (running.id, running.attempt)
    with pytest.raises(Lost):
        await _finish(store, earlier)
    await _finish(store, running)


async def test_claim_of_a_dead_process(open_store: OpenStore, store_url: str) -> None:
    """What a dead replica had claimed is freed once its claim has lapsed, and its late end is refused."""
    database = await open_store()
    await _due(database, "a")
    (lost,) = await Jobs(database, timedelta()).claim(LANE, START, 10)
    other = Jobs(await open_store() if store_url else database)
    assert await other.free() == 1
    (found,) = await other.claim(LANE, START, 10)
    assert (found.id, found.attempt) == (lost.id, 2)
    with pytest.raises(Lost):
        await _finish(database, lost)
    await _finish(database, found)


async def test_living_claim_is_not_freed(replicas: tuple[Database, Database]) -> None:
    """What somebody works on stays his while he renews his claim; nobody frees his own."""
    mine, other = Jobs(replicas[0]), Jobs(replicas[1])
    await _due(replicas[0], "a")
    await mine.claim(LANE, START, 10)
    assert await other.free() == 0
    await mine.renew()
    assert (await mine.free(), await other.free()) == (0, 0)


async def test_own_claim_that_lapsed(open_store: OpenStore) -> None:
    """A claim is never freed by the process that is at work on it, however long it takes."""
    database = await open_store()
    jobs = Jobs(database, timedelta())
    await _due(database, "a")
    (job,) = await jobs.claim(LANE, START, 10)
    assert await jobs.free() == 0
    jobs.let_go(job)
    assert await jobs.free() == 1
