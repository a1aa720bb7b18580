"""Messages with their states: listed, and put back once they were given up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.access.principal import Tenants
from receiver.engine.message_events import MessageRetried
from receiver.engine.plan import Message
from receiver.store.database import Database, Lost
from receiver.store.jobs import CHANNEL_LANE, Deliver, lane_of
from receiver.store.schema import EPOCH, finished_jobs, incidents, jobs

State = Literal["pending", "sending", "retried", "sent", "delivered", "skipped", "dead"]
STATES: tuple[State, ...] = get_args(State)

Moments = list[datetime]

_payload = msgspec.json.Decoder(Deliver)


@dataclass(frozen=True, slots=True)
class Notification:
    """One message. `at`: when it is due or, once it is over, when that was; `reason`: why it waits, or how it ended."""

    id: int
    key: str
    incident: str
    channel: str
    person: str
    message: Message
    state: State
    attempts: int
    at: datetime
    reason: str


class Outbox:
    """What was, is and will be sent. Ids are never given twice; later messages have higher ones."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(
        self,
        *,
        state: State | None,
        channel: str | None,
        incident: str | None,
        limit: int,
        before: int | None,
        tenants: Tenants = None,
    ) -> list[Notification]:
        """The newest first, those below an id, of incidents of these tenants (None: of any)."""
        found: list[Notification] = []
        async with self._database.read() as connection:
            for table, where in ((jobs, _waiting(state)), (finished_jobs, _over(state))):
                if where is None:
                    continue
                query = sa.select(table).where(where, *_of(table, channel, incident, before, tenants))
                shape = _of_job if table is jobs else _of_finished
                found += [
                    shape(row) for row in await connection.execute(query.order_by(table.c.id.desc()).limit(limit))
                ]
        return sorted(found, key=lambda one: -one.id)[:limit]

    async def one(self, number: int, tenants: Tenants = None) -> Notification | None:
        """One message, by its id."""
        found = await self.list(state=None, channel=None, incident=None, limit=1, before=number + 1, tenants=tenants)
        return found[0] if found and found[0].id == number else None

    async def told(self, addresses: Iterable[str], since: datetime) -> dict[str, Moments]:
        """When messages were sent to each address; several incidents in one message count once."""
        over = finished_jobs.c
        sent = over.state.in_(("sent", "delivered")) & over.carried_by.is_(None) & (over.finished_at > since)
        query = sa.select(over.address, over.finished_at).where(
            over.address != "", over.address.in_(sorted(addresses)), sent
        )
        found: dict[str, Moments] = {}
        async with self._database.read() as connection:
            for row in await connection.execute(query):
                found.setdefault(row.address, []).append(row.finished_at)
        return found

    async def held(self, addresses: Iterable[str], now: datetime) -> dict[str, datetime]:
        """Until when messages to each address are held, if some are."""
        until = jobs.c.held_until
        query = sa.select(jobs.c.address, sa.func.min(until).label("until")).where(
            until.is_not(None), jobs.c.address.in_(sorted(addresses)), until > now
        )
        async with self._database.read() as connection:
            rows = await connection.execute(query.group_by(jobs.c.address))
            return {row.address: row.until for row in rows}


def _waiting(state: State | None) -> sa.ColumnElement[bool] | None:
    match state:
        case None:
            return sa.true()
        case "pending":
            return (jobs.c.state == "pending") & (jobs.c.attempt == 0)
        case "retried":
            return (jobs.c.state == "pending") & (jobs.c.attempt > 0)
        case "sending":
            return jobs.c.state == "running"
        case _:
            return None


def _over(state: State | None) -> sa.ColumnElement[bool] | None:
    match state:
        case None:
            return finished_jobs.c.address != ""
        case "dead":
            return finished_jobs.c.state == sa.literal_column("'dead'")  # as its index says
        case "sent" | "delivered" | "skipped":
            return (finished_jobs.c.address != "") & (finished_jobs.c.state == state)
        case _:
            return None


def _of(
    table: sa.Table, channel: str | None, incident: str | None, before: int | None, tenants: Tenants
) -> Sequence[sa.ColumnElement[bool]]:
    lane = table.c.lane
    wanted = (
        [lane == lane_of(channel)] if channel is not None else [lane >= CHANNEL_LANE, lane < f"{CHANNEL_LANE[:-1]}0"]
    )
    wanted += [] if incident is None else [table.c.incident == incident]
    if tenants is not None:
        wanted.append(table.c.incident.in_(sa.select(incidents.c.id).where(incidents.c.tenant.in_(sorted(tenants)))))
    return wanted + ([] if before is None else [table.c.id < before])


def _of_job(row: sa.Row[Any]) -> Notification:
    state: State = "sending" if row.state == "running" else "retried" if row.attempt else "pending"
    return _notification(row, state, row.due_at, row.reason or "")


def _of_finished(row: sa.Row[Any]) -> Notification:
    return _notification(row, row.state, row.finished_at, row.outcome)


def _notification(row: sa.Row[Any], state: State, at: datetime, reason: str) -> Notification:
    payload = _payload.decode(row.payload)
    return Notification(
        row.id,
        row.key,
        row.incident,
        payload.channel,
        payload.person,
        payload.message,
        state,
        row.attempt,
        at,
        reason or payload.reason,
    )


async def put_back(connection: AsyncConnection, retried: MessageRetried, now: datetime) -> None:
    """Lets a message that was given up wait again under its id and its key, with as many attempts as a new one.

    Raises:
        Lost: it is not dead (any more).
    """
    incident = retried.key.partition("/")[0]
    dead = (finished_jobs.c.incident == incident) & (finished_jobs.c.key == retried.key)
    dead &= finished_jobs.c.state == "dead"
    row = (await connection.execute(sa.select(finished_jobs).where(dead).limit(1))).first()
    gone = await connection.execute(sa.delete(finished_jobs).where(finished_jobs.c.id == (row.id if row else -1), dead))
    if row is None or gone.rowcount != 1:
        raise Lost(f"the message {retried.key} is not among the dead letters")
    again = {
        "id": row.id,
        "key": row.key,
        "lane": row.lane,
        "queue": f"{incident}/{row.address}",
        "incident": incident,
        "due_at": now,
        "state": "pending",
        "attempt": 0,
        "epoch": int((now - EPOCH).total_seconds()),  # beyond every claim that it had before
        "payload": row.payload,
        "address": row.address,
        "reason": f"put back by {retried.by}",
    }
    await connection.execute(sa.insert(jobs), [again])
