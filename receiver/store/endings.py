"""How jobs end, or are given back: many at once, in the transaction that records what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.engine.message_events import MessageDelivered, MessageFailed, MessageRetried
from receiver.store.bulk import one_of
from receiver.store.database import Lost
from receiver.store.jobs import Deliver, Job, claimed_until
from receiver.store.schema import finished_jobs, jobs

EndState = Literal["sent", "delivered", "skipped", "dead", "done"]  # done: it was no message


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that is over: what became of it, and why."""

    job: Job
    state: EndState
    outcome: str
    carried_by: str = ""  # the key of the message in which it went with others


@dataclass(frozen=True, slots=True)
class GivenBack:
    """A job that is to be done again, then. `tried`: it was an attempt; else it only waits.

    `held`: it is kept back until then, and goes together with what else is held for its address.
    """

    job: Job
    due_at: datetime
    reason: str
    tried: bool = True
    held: bool = False


async def end(connection: AsyncConnection, ended: Sequence[Ended], now: datetime) -> None:
    """Moves jobs away.

    Raises:
        Lost: one of them is no longer ours.
    """
    if not ended:
        return
    claims = [(one.job.id, one.job.epoch) for one in ended]
    mine = (jobs.c.state == "running") & sa.tuple_(jobs.c.id, jobs.c.epoch).in_(claims)
    gone = await connection.execute(sa.delete(jobs).where(mine))
    if gone.rowcount != len(ended):
        names = ", ".join(one.job.key for one in ended[:3])
        raise Lost(f"job {names} has been taken over" if len(ended) == 1 else f"one of {names}… has been taken over")
    await connection.execute(sa.insert(finished_jobs), [_row(one, now) for one in ended])


async def keep(connection: AsyncConnection, job: Job) -> None:
    """Within a transaction of what a job says in its middle: it is ours, and stays so until this is committed.

    Raises:
        Lost: it is no longer ours.
    """
    mine = (jobs.c.id == job.id) & (jobs.c.epoch == job.epoch) & (jobs.c.state == "running")
    if (await connection.execute(sa.update(jobs).where(mine).values(claimed_until=claimed_until()))).rowcount != 1:
        raise Lost(f"job {job.key} has been taken over")


def _row(one: Ended, now: datetime) -> dict[str, object]:
    job = one.job
    return {
        "id": job.id,
        "key": job.key,
        "lane": job.lane,
        "incident": job.incident,
        "finished_at": now,
        "attempt": job.attempt,
        "outcome": one.outcome,
        "state": one.state,
        "address": job.address,
        "carried_by": one.carried_by or None,
        "payload": msgspec.json.encode(job.payload) if isinstance(job.payload, Deliver) else None,
    }


_back = (
    sa.update(jobs)
    .where(
        jobs.c.id == sa.bindparam("of_id"),
        jobs.c.state == "running",
        jobs.c.epoch == sa.bindparam("of_epoch", type_=sa.BigInteger),
    )
    .values(
        state="pending",
        due_at=sa.bindparam("then"),
        reason=sa.bindparam("why"),
        attempt=jobs.c.attempt - sa.bindparam("not_tried", type_=sa.Integer),
        held_until=sa.bindparam("held", type_=jobs.c.held_until.type),
    )
)


async def give_back(connection: AsyncConnection, back: Sequence[GivenBack]) -> None:
    """Lets jobs wait again; one that has been taken over meanwhile stays with whoever has it."""
    if back:
        await connection.execute(_back, [_waiting(one) for one in back])


def _waiting(one: GivenBack) -> dict[str, object]:
    return {
        "of_id": one.job.id,
        "of_epoch": one.job.epoch,
        "then": one.due_at,
        "why": one.reason,
        "not_tried": 0 if one.tried else 1,
        "held": one.due_at if one.held else one.job.held_until,
    }


async def tell(
    connection: AsyncConnection, events: Sequence[MessageDelivered | MessageFailed | MessageRetried]
) -> None:
    """What the far side said afterwards of messages that had been sent."""
    arrived = [event.key for event in events if isinstance(event, MessageDelivered)]
    if arrived:
        of_keys = finished_jobs.c.id.in_(_messages(arrived, connection.dialect, "sent"))
        await connection.execute(sa.update(finished_jobs).where(of_keys).values(state="delivered"))
    for event in events:
        if isinstance(event, MessageFailed):
            of_key = finished_jobs.c.id.in_(_messages([event.key], connection.dialect, "sent"))
            await connection.execute(sa.update(finished_jobs).where(of_key).values(state="dead", outcome=event.reason))


def _messages(keys: Sequence[str], dialect: sa.Dialect, state: str) -> sa.Select[tuple[int]]:
    """The rows of messages; each key begins with its incident, by which they are found."""
    incidents = sorted({key.partition("/")[0] for key in keys})
    of_incidents = one_of(finished_jobs.c.incident, incidents, dialect) & (finished_jobs.c.address != "")
    return sa.select(finished_jobs.c.id).where(
        of_incidents, finished_jobs.c.key.in_(keys), finished_jobs.c.state == state
    )
