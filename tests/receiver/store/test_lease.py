"""The engine's turn: one process has it, and only its epoch can commit."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.engine.notification import Body
from receiver.engine.working_set import Outcome, WorkingSet
from receiver.store.database import Database, Lost
from receiver.store.inbox import Inbox
from receiver.store.lease import Lease
from receiver.store.ledger import Ledger
from receiver.store.schema import inbox, quarantine
from tests.receiver.bodies import START

AT_ONCE = timedelta()


async def test_restart_takes_the_turn_at_once(store: Database) -> None:
    """Each turn is a new epoch, also for the same process after it has given its turn back."""
    first = Lease(store, "first")
    assert await first.take()
    await first.give_back()
    second = Lease(store, "second")
    assert await second.take()
    assert second.epoch == 2
    await second.renew()


async def test_one_holder(replicas: tuple[Database, Database]) -> None:
    """While the holder lives and renews, nobody else gets the turn."""
    mine, other = (Lease(database, "a replica") for database in replicas)
    assert await mine.take()
    assert not await other.take()
    await mine.renew()
    assert not await other.take()
    assert (mine.epoch, other.epoch) == (1, 0)


async def test_lapsed_turn_is_taken_over(replicas: tuple[Database, Database]) -> None:
    """A holder that does not renew is followed by another, and learns of it when it wakes up."""
    paused, other = Lease(replicas[0], "paused", lasts=AT_ONCE), Lease(replicas[1], "other")
    assert await paused.take()
    assert await other.take()
    with pytest.raises(Lost):
        await paused.renew()
    assert not await paused.take()
    await other.renew()


async def test_lapsed_turn_that_nobody_wanted(replicas: tuple[Database, Database]) -> None:
    """A holder that was slow goes on in its turn, as long as nobody else has taken it."""
    slow = Lease(replicas[0], "slow", lasts=AT_ONCE)
    assert await slow.take()
    await slow.renew()
    assert slow.epoch == 1


async def test_paused_holder_writes_nothing(replicas: tuple[Database, Database]) -> None:
    """What a paused engine had decided is not committed when it wakes up: no meaning, no position, no body goes."""
    body = Body("alertmanager", START, b"{}", 1)
    await _take_in(replicas[0], body)
    paused, other = Lease(replicas[0], "paused", lasts=AT_ONCE), Lease(replicas[1], "other")
    await paused.take()
    epoch = paused.epoch
    await other.take()
    decided = WorkingSet(outcome=Outcome(quarantined=[(body, "decided before the pause")]))
    batch = await (await Inbox.open(replicas[0], done=0, limit=10)).oldest()
    with pytest.raises(Lost):
        await Ledger(replicas[0]).commit_processed(decided, epoch, batch.position, batch.taken)
    async with replicas[1].read() as connection:
        assert (await connection.execute(sa.select(sa.func.count()).select_from(quarantine))).scalar_one() == 0
        assert (await connection.execute(sa.select(sa.func.count()).select_from(inbox))).scalar_one() == 1
    await Ledger(replicas[1]).commit_processed(decided, other.epoch, batch.position, batch.taken)
    assert (await Inbox.open(replicas[0], done=0, limit=10)).depth == 0


async def test_own_earlier_turn_is_over_too(replicas: tuple[Database, Database]) -> None:
    """Who lost the turn and got it back cannot commit what it decided in between: others have worked since."""
    one, other = (Lease(database, "a replica", lasts=AT_ONCE) for database in replicas)
    await one.take()
    before = one.epoch
    await other.take()
    await one.take()
    with pytest.raises(Lost):
        await Ledger(replicas[0]).commit_processed(WorkingSet(), before, 1, nothing)


async def _take_in(database: Database, body: Body) -> None:
    async with database.write() as connection:
        row = {"source": body.source, "received_at": body.received_at, "alerts": 1, "content": body.content}
        await connection.execute(sa.insert(inbox), [row])


async def nothing(_connection: AsyncConnection) -> None:
    """No body is done with."""
