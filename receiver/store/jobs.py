"""Jobs: timers and messages, each a row until it is done. Every replica claims what is due.

A lane is a channel, or what else must not wait for one another; within it, the jobs of a queue (one incident's messages
to one address) run in order: a job waits for earlier ones that are due, running or being tried again, never for one
whose own time is still to come.

A claim gives the row its next epoch: only the latest claim may finish it. A claim lapses by the database's clock unless
it is renewed, so that what a dead replica had begun is done again by another: doubt means doing it again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.engine.effects import (
    ActOn,
    Alarm,
    CancelTimer,
    ConsiderRunbooks,
    Effect,
    LookAgain,
    Send,
    SetAlarm,
    SetTimer,
    SyncSilences,
)
from receiver.engine.later import Asked, key_of, timer_key, wanted_at
from receiver.engine.plan import Message, address
from receiver.store.database import Database
from receiver.store.dialect import insert, now
from receiver.store.schema import EPOCH, MICROSECOND, jobs

ESCALATION_LANE = "escalation"
SUPPRESSION_LANE = "suppression"
SILENCE_LANE = "silences"
REMEDIATION_LANE = "remediation"
CLAIM_LASTS = timedelta(seconds=10)


class Escalate(msgspec.Struct, frozen=True, tag="escalate"):
    """Ask the policy about a step."""

    step: int


class Ring(msgspec.Struct, frozen=True, tag="ring"):
    """Ask the policy about something that is not a step."""

    alarm: Alarm


class Deliver(msgspec.Struct, frozen=True, tag="deliver", omit_defaults=True):
    """Tell a channel, or somebody by it."""

    channel: str
    message: Message
    round: int = 0  # of `Send`
    person: str = ""
    reason: str = ""
    about: str = ""  # of `Send`

    @property
    def address(self) -> str:
        return address(self.channel, self.person)


class Silence(msgspec.Struct, frozen=True, tag="silence"):
    """See that Alertmanager is silent about an incident for as long as it should be."""


class Reconsider(msgspec.Struct, frozen=True, tag="reconsider"):
    """Put a marker into the inbox, so that the engine looks again at what is held back."""

    by: str
    after: str


class Consider(msgspec.Struct, frozen=True, tag="consider"):
    """Look which runbooks fit an incident."""


class Act(msgspec.Struct, frozen=True, tag="act"):
    """Do what comes next in a run of a runbook."""

    run: str


Payload = Escalate | Ring | Deliver | Reconsider | Silence | Consider | Act

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
    due_at: datetime = EPOCH
    held_until: datetime | None = None  # it has been kept back to go together with others, or for a limit

    @property
    def address(self) -> str:
        """Whom a message is for; empty: it is none."""
        return self.payload.address if isinstance(self.payload, Deliver) else ""


def lane_of(channel: str) -> str:
    """A channel's own lane: a slow one delays no other."""
    return f"{CHANNEL_LANE}{channel}"


CHANNEL_LANE = "channel/"

# Each lane is found by one step in the index, however many rows it has.
_NEXT_DUE = sa.text("""
    WITH RECURSIVE found(lane) AS (
        SELECT min(lane) FROM jobs
        UNION ALL
        SELECT (SELECT min(lane) FROM jobs WHERE lane > found.lane) FROM found WHERE found.lane IS NOT NULL
    )
    SELECT lane, (SELECT due_at FROM jobs WHERE jobs.lane = found.lane AND state = 'pending' ORDER BY due_at LIMIT 1)
        AS due_at
    FROM found WHERE lane IS NOT NULL
""").columns(lane=jobs.c.lane.type, due_at=jobs.c.due_at.type)


class Jobs:
    """Claims rows that are due, for this process."""

    def __init__(self, database: Database, claim_lasts: timedelta = CLAIM_LASTS) -> None:
        self._database = database
        self._claim_lasts = claim_lasts
        self._held: dict[int, Job] = {}
        self.renewed_at = time.monotonic()  # when the claims were last kept; a store that is away lets them lapse

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
        held = [(job.id, job.epoch) for job in self._held.values()]
        if held and self._database.shared:
            mine = (jobs.c.state == "running") & sa.tuple_(jobs.c.id, jobs.c.epoch).in_(held)
            async with self._database.write() as connection:
                await connection.execute(sa.update(jobs).where(mine).values(claimed_until=self._until()))
        self.renewed_at = time.monotonic()

    def let_go(self, job: Job) -> None:
        """Nothing is done for this job any more: its claim, if it still stands, may lapse."""
        self._held.pop(job.id, None)

    def _until(self) -> sa.ColumnElement[int]:
        return claimed_until(self._claim_lasts)

    async def next_due(self) -> dict[str, datetime]:
        """The lanes in which something waits, and when the first of it is due."""
        async with self._database.read() as connection:
            return {row.lane: row.due_at for row in await connection.execute(_NEXT_DUE) if row.due_at is not None}

    async def claim(self, lane: str, now: datetime, limit: int) -> list[Job]:
        """The jobs of a lane that are due, now ours; of each queue only the first."""
        query = sa.select(jobs).where(_due(lane, now)).order_by(jobs.c.due_at, jobs.c.id).limit(limit)
        async with self._database.read() as connection:
            if (await connection.execute(query.with_only_columns(jobs.c.id).limit(1))).first() is None:
                return []
        return await self._claim(query)

    async def claim_held(self, lane: str, addresses: Iterable[str], now: datetime, limit: int) -> list[Job]:
        """What is due for these addresses and has been held: it goes together."""
        held = jobs.c.address.in_(sorted(addresses)) & jobs.c.held_until.is_not(None)
        query = sa.select(jobs).where(_due(lane, now), held).order_by(jobs.c.due_at, jobs.c.id).limit(limit)
        return await self._claim(query)

    async def _claim(self, query: sa.Select[Any]) -> list[Job]:
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


def claimed_until(lasts: timedelta = CLAIM_LASTS) -> sa.ColumnElement[int]:
    """When a claim lapses that is made or renewed now."""
    return sa.type_coerce(now(), sa.BigInteger) + sa.literal(lasts // MICROSECOND, sa.BigInteger)


def _due(lane: str, now: datetime) -> sa.ColumnElement[bool]:
    """What may begin: of each queue the first that does not wait for a time of its own."""
    earlier = jobs.alias("earlier")
    in_the_way = (earlier.c.state == "running") | (earlier.c.due_at <= now) | (earlier.c.attempt > 0)
    blocked = sa.exists().where(earlier.c.queue == jobs.c.queue, earlier.c.id < jobs.c.id, in_the_way)
    return (jobs.c.lane == lane) & (jobs.c.state == "pending") & (jobs.c.due_at <= now) & ~blocked


def _claimed(row: sa.Row[Any]) -> Job:
    """The job of a row as it was before it was claimed."""
    payload = _decoder.decode(row.payload)
    return Job(
        row.id,
        row.key,
        row.lane,
        row.incident,
        row.attempt + 1,
        row.epoch + 1,
        payload,
        due_at=row.due_at,
        held_until=row.held_until,
    )


async def put(connection: AsyncConnection, effects: Iterable[Effect]) -> None:
    """Writes effects as jobs; a later one about the same thing replaces an earlier one."""
    rows: dict[str, dict[str, Any]] = {}
    cancelled: list[str] = []
    for effect in effects:
        match effect:
            case CancelTimer(incident=incident, name=name):
                rows.pop(timer_key(incident, name), None)
                cancelled.append(timer_key(incident, name))
            case _:
                rows[key_of(effect)] = _row_of(effect)
    if cancelled:
        await _cancel(connection, cancelled)
    messages = [row for row in rows.values() if row["address"]]
    others = [row for row in rows.values() if not row["address"]]
    for wanted, renewed in ((others, _anew), (messages, _sooner)):
        if wanted:
            statement = insert(connection, jobs)
            await connection.execute(
                statement.on_conflict_do_update(index_elements=["key"], set_=renewed(statement.excluded)), wanted
            )


def _anew(said: Any) -> dict[str, Any]:
    """A timer is set anew even while it rings: what was begun before ends nothing."""
    return {name: said[name] for name in ("due_at", "payload", "state", "attempt")}


def _sooner(said: Any) -> dict[str, Any]:
    """A message that waits may be wanted sooner; what is being sent is not sent again."""
    waits = (jobs.c.state == "pending") & (said.due_at < jobs.c.due_at)
    return {
        "due_at": sa.case((waits, said.due_at), else_=jobs.c.due_at),
        "payload": sa.case((waits, said.payload), else_=jobs.c.payload),
    }


async def _cancel(connection: AsyncConnection, keys: Sequence[str]) -> None:
    await connection.execute(sa.delete(jobs).where(jobs.c.key == sa.bindparam("gone")), [{"gone": key} for key in keys])


def _row_of(effect: Asked) -> dict[str, Any]:
    """Effects of one key share a row: the latest word about it counts."""
    key, due_at = key_of(effect), wanted_at(effect)
    match effect:
        case SetTimer(incident=incident, step=number):
            return _row(key, ESCALATION_LANE, key, incident, due_at, Escalate(number))
        case SetAlarm(incident=incident, alarm=alarm):
            return _row(key, ESCALATION_LANE, key, incident, due_at, Ring(alarm))
        case SyncSilences(incident=incident):
            return _row(key, SILENCE_LANE, key, incident, due_at, Silence())
        case ConsiderRunbooks(incident=incident):
            return _row(key, REMEDIATION_LANE, key, incident, due_at, Consider())
        case ActOn(incident=incident, run=run):
            return _row(key, REMEDIATION_LANE, key, incident, due_at, Act(run))
        case Send(incident=incident, channel=channel, person=person):
            payload = Deliver(channel, effect.message, effect.round, person, effect.reason, effect.about)
            return _row(key, lane_of(channel), f"{incident}/{address(channel, person)}", incident, due_at, payload)
        case LookAgain(by=by, after=after):
            return _row(key, SUPPRESSION_LANE, key, "", due_at, Reconsider(by, after))


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
        "address": payload.address if isinstance(payload, Deliver) else "",
    }
