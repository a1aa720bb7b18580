"""Jobs: timers and messages, each a row until it is done. Every replica claims what is due.

A claim gives the row its next epoch: only the latest claim may finish it. A claim lapses by the database's clock unless
it is renewed, so that what a dead replica had begun is done again by another: doubt means doing it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.engine.events import Message
from receiver.engine.later import key_of, timer_key, wanted_at
from receiver.engine.policy import CancelTimer, Effect, LookAgain, Send, SetTimer
from receiver.store.database import Database, Lost
from receiver.store.dialect import insert, now
from receiver.store.schema import MICROSECOND, finished_jobs, jobs

ESCALATION_LANE = "escalation"
SUPPRESSION_LANE = "suppression"
CLAIM_LASTS = timedelta(seconds=10)


class Escalate(msgspec.Struct, frozen=True, tag="escalate"):
    """Ask the policy about a step."""

    step: int


class Deliver(msgspec.Struct, frozen=True, tag="deliver"):
    """Tell a channel."""

    channel: str
    message: Message
    round: int = 0  # of `Send`


class Reconsider(msgspec.Struct, frozen=True, tag="reconsider"):
    """Put a marker into the inbox, so that the engine looks again at what is held back."""

    by: str
    after: str


Payload = Escalate | Deliver | Reconsider

_decoder = msgspec.json.Decoder(Payload)


@dataclass(frozen=True, slots=True)
class Job:
    """A row whose time has come; `attempt` counts from 1."""

    id: int
    key: str
    lane: str
    incident: str
    attempt: int
    epoch: int
    payload: Payload


def lane_of(channel: str) -> str:
    """A channel's own lane: a slow one delays no other."""
    return f"channel/{channel}"


class Jobs:
    """Claims rows that are due, for this process."""

    def __init__(self, database: Database, claim_lasts: timedelta = CLAIM_LASTS) -> None:
        self._database = database
        self._claim_lasts = claim_lasts
        self._held: dict[int, Job] = {}

    async def free(self) -> int:
        """Takes back what somebody had begun and never finished; returns how many jobs that were.

        That is every claim that has lapsed; in a store that is ours alone, every claim of an earlier process.
        """
        async with self._database.read() as connection:
            if (await connection.execute(sa.select(jobs.c.id).where(self._begun()).limit(1))).first() is None:
                return 0
        async with (
            self._database.write() as connection
        ):  # only now: what was claimed while we waited for our turn is held
            return (await connection.execute(sa.update(jobs).where(self._begun()).values(state="pending"))).rowcount

    def _begun(self) -> sa.ColumnElement[bool]:
        begun = (jobs.c.state == sa.literal_column("'running'")) & jobs.c.id.not_in(list(self._held))
        if self._database.shared:
            begun &= jobs.c.claimed_until.is_(None) | (jobs.c.claimed_until <= now())
        return begun

    async def renew(self) -> None:
        """Keeps the claims on what is being done just now."""
        held = [sa.and_(*_ours(job)) for job in self._held.values()]
        if held and self._database.shared:
            async with self._database.write() as connection:
                await connection.execute(sa.update(jobs).where(sa.or_(*held)).values(claimed_until=self._until()))

    def let_go(self, job: Job) -> None:
        """Nothing is done for this job any more: its claim, if it still stands, may lapse."""
        self._held.pop(job.id, None)

    def _until(self) -> sa.ColumnElement[int]:
        return sa.type_coerce(now(), sa.BigInteger) + sa.literal(self._claim_lasts // MICROSECOND, sa.BigInteger)

    async def lanes(self) -> set[str]:
        """The lanes in which something waits."""
        async with self._database.read() as connection:
            return set((await connection.execute(sa.select(jobs.c.lane).distinct())).scalars())

    async def claim(self, lane: str, now: datetime, limit: int) -> list[Job]:
        """The jobs of a lane that are due, now ours; of each queue only the first."""
        earlier = jobs.alias("earlier")
        blocked = sa.exists().where(earlier.c.queue == jobs.c.queue, earlier.c.id < jobs.c.id)
        due = (jobs.c.lane == lane) & (jobs.c.state == "pending") & (jobs.c.due_at <= now) & ~blocked
        query = sa.select(jobs).where(due).order_by(jobs.c.due_at, jobs.c.id).limit(limit)
        async with self._database.read() as connection:
            if (await connection.execute(query)).first() is None:
                return []
        found: list[Job] = []
        try:
            async with self._database.write() as connection:
                rows = (await connection.execute(query.with_for_update(skip_locked=True, of=jobs))).all()
                found = [_claimed(row) for row in rows]
                self._held |= {job.id: job for job in found}  # before the commit: from then on `free` would take it
                claimed = sa.update(jobs).where(jobs.c.id.in_(job.id for job in found))
                begun = {"state": "running", "epoch": jobs.c.epoch + 1, "attempt": jobs.c.attempt + 1}
                await connection.execute(claimed.values(**begun, claimed_until=self._until()))
        except BaseException:
            for job in found:
                self.let_go(job)
            raise
        return found

    async def retry(self, job: Job, due_at: datetime) -> None:
        """Gives a job back, to be tried again later."""
        async with self._database.write() as connection:
            await connection.execute(sa.update(jobs).where(*_ours(job)).values(state="pending", due_at=due_at))


def _claimed(row: sa.Row[Any]) -> Job:
    """The job of a row as it was before it was claimed."""
    payload = _decoder.decode(row.payload)
    return Job(row.id, row.key, row.lane, row.incident, row.attempt + 1, row.epoch + 1, payload)


async def finish(connection: AsyncConnection, job: Job, outcome: str, now: datetime) -> None:
    """Moves a job away, in the transaction that records what came of it.

    Raises:
        Lost: it is no longer ours.
    """
    gone = await connection.execute(sa.delete(jobs).where(*_ours(job)))
    if gone.rowcount != 1:
        raise Lost(f"job {job.key} has been taken over")
    row = {"id": job.id, "key": job.key, "lane": job.lane, "incident": job.incident}
    await connection.execute(
        sa.insert(finished_jobs), [row | {"finished_at": now, "attempt": job.attempt, "outcome": outcome}]
    )


async def put(connection: AsyncConnection, effects: Iterable[Effect]) -> None:
    """Writes effects as jobs; a later one about the same thing replaces an earlier one."""
    rows: dict[str, dict[str, Any]] = {}
    cancelled: list[str] = []
    for effect in effects:
        match effect:
            case CancelTimer(incident=incident):
                rows.pop(timer_key(incident), None)
                cancelled.append(timer_key(incident))
            case SetTimer():
                row = _timer(effect)
                rows[row["key"]] = row
            case Send():
                row = _message(effect)
                rows[row["key"]] = row
            case LookAgain():
                row = _reconsideration(effect)
                rows[row["key"]] = row
    if cancelled:
        await _cancel(connection, cancelled)
    if rows:
        statement = insert(connection, jobs)
        renewed = {name: statement.excluded[name] for name in ("due_at", "payload", "state", "attempt")}
        await connection.execute(
            statement.on_conflict_do_update(index_elements=["key"], set_=renewed), list(rows.values())
        )


async def _cancel(connection: AsyncConnection, keys: Sequence[str]) -> None:
    await connection.execute(sa.delete(jobs).where(jobs.c.key == sa.bindparam("gone")), [{"gone": key} for key in keys])


def _timer(effect: SetTimer) -> dict[str, Any]:
    key = timer_key(effect.incident)
    return _row(key, ESCALATION_LANE, key, effect.incident, effect.due_at, Escalate(effect.step))


def _message(effect: Send) -> dict[str, Any]:
    queue = f"{effect.incident}/{effect.channel}"
    payload = Deliver(effect.channel, effect.message, effect.round)
    return _row(effect.key, lane_of(effect.channel), queue, effect.incident, effect.due_at, payload)


def _reconsideration(effect: LookAgain) -> dict[str, Any]:
    """What is due within the same second shares a row; `by` has one row, and the latest time for it counts."""
    key = key_of(effect)
    return _row(key, SUPPRESSION_LANE, key, "", wanted_at(effect), Reconsider(effect.by, effect.after))


def _row(key: str, lane: str, queue: str, incident: str, due_at: datetime, payload: Payload) -> dict[str, Any]:
    return {
        "key": key,
        "lane": lane,
        "queue": queue,
        "incident": incident,
        "due_at": due_at,
        "state": "pending",
        "attempt": 0,
        "epoch": 0,
        "payload": msgspec.json.encode(payload),
    }


def _ours(job: Job) -> tuple[sa.ColumnElement[bool], ...]:
    return jobs.c.id == job.id, jobs.c.state == "running", jobs.c.epoch == job.epoch
