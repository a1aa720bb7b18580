"""What people and scripts ask: lists by page, newest first, one incident with its story."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from receiver.access.principal import Tenants
from receiver.engine.events import AnyEvent
from receiver.engine.held import Suppression
from receiver.engine.incident import Incident
from receiver.engine.occurrence import Occurrence
from receiver.store.bulk import one_of
from receiver.store.database import Database
from receiver.store.held_rows import chunks, suppression_of
from receiver.store.ledger import event_of, incident_of, last_firings, occurrence_of
from receiver.store.schema import EPOCH, MICROSECOND, events, incidents, occurrences, suppressions

T = TypeVar("T")

CHUNK = 1_000  # rows that are looked through at once
MOST_LOOKED_AT = 20_000  # for one page


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list, and the cursor that gives the next one."""

    items: list[T]
    next: str | None


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ends: lists go by time and id, newest first, so that new rows move nothing."""

    at: datetime
    id: str

    def __str__(self) -> str:
        text = f"{(self.at - EPOCH) // MICROSECOND}.{self.id}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """The cursor in a text that `str` wrote.

        Raises:
            ValueError: it is none.
        """
        try:
            at, _, row_id = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(".")
            return cls(EPOCH + timedelta(microseconds=int(at)), row_id)
        except (ValueError, binascii.Error, OverflowError) as error:
            raise ValueError("the cursor is none that this server gave out") from error


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Which incidents are asked for; what is empty says nothing. `text` is part of the title, in either case."""

    status: Sequence[str] = ()
    severity: Sequence[str] = ()
    tenant: str = ""
    assigned_to: str = ""
    acknowledged_by: str = ""
    policy: str = ""
    opened_after: datetime | None = None
    opened_before: datetime | None = None
    text: str = ""
    tenants: Tenants = None  # None: of every one

    @property
    def is_told_by_columns(self) -> bool:
        return not (self.assigned_to or self.acknowledged_by or self.policy or self.text)

    def takes(self, incident: Incident) -> bool:
        """Whether an incident is among them, by what no column tells."""
        return (
            self.text.casefold() in incident.title.casefold()
            and self.assigned_to in ("", incident.assigned_to, incident.assigned_to.removeprefix("user:"))
            and self.acknowledged_by in ("", incident.acknowledged_by)
            and self.policy in ("", incident.plan.policy)
        )


EVERY_INCIDENT = IncidentFilter()


class Queries:
    """Reads for the API."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def incidents(
        self, wanted: IncidentFilter = EVERY_INCIDENT, *, limit: int, after: Cursor | None
    ) -> Page[Incident]:
        """A page; what no column tells is looked for in so many rows, then the page ends, perhaps before it is full."""
        query = sa.select(incidents.c.state).where(*_columns(wanted))
        found: list[Incident] = []
        last, looked_at, more = after, 0, True
        while more and len(found) < limit and looked_at < MOST_LOOKED_AT:
            wished = limit - len(found) if wanted.is_told_by_columns else CHUNK
            rows = await self._page(query, incidents, incidents.c.opened_at, wished, last)
            read, more = [incident_of(row.state) for row in rows[:wished]], len(rows) > wished
            looked_at += len(read)
            for position, incident in enumerate(read):
                last = Cursor(incident.opened_at, incident.id)
                if wanted.takes(incident):
                    found.append(incident)
                    if len(found) == limit:
                        more = more or position + 1 < len(read)
                        break
        return Page(found, str(last) if more and last is not None else None)

    async def alerts(
        self,
        *,
        status: str | None,
        incident: str | None,
        limit: int,
        after: Cursor | None,
        suppressed: bool | None = None,
        tenants: Tenants = None,
    ) -> Page[Occurrence]:
        query = sa.select(occurrences).where(*_of_tenants(occurrences, tenants))
        if status is not None:
            query = query.where(*_of_status(status))
        if incident is not None:
            query = query.where(occurrences.c.incident == incident)
        if suppressed is not None:
            held = occurrences.c.id.in_(sa.select(suppressions.c.occurrence))
            query = query.where(held if suppressed else ~held)
        rows = await self._page(query, occurrences, occurrences.c.starts_at, limit, after)
        found = [occurrence_of(row) for row in rows]
        return Page(found[:limit], _next([(o.starts_at, o.id) for o in found], limit))

    async def suppressions(self, alerts: Sequence[Occurrence]) -> dict[str, Suppression]:
        """Why those of the alerts that are held back are so, by the alert's id."""
        found: dict[str, Suppression] = {}
        async with self._database.read() as connection:
            for chunk in chunks([alert.id for alert in alerts]):
                query = sa.select(suppressions.c.suppression).where(suppressions.c.occurrence.in_(chunk))
                for content in (await connection.execute(query)).scalars():
                    suppression = suppression_of(content)
                    found[suppression.occurrence] = suppression
        return found

    async def _page(
        self, query: sa.Select[Any], table: sa.Table, time: sa.Column[Any], limit: int, after: Cursor | None
    ) -> list[sa.Row[Any]]:
        """One row more than asked for tells whether there is a next page."""
        if after is not None:
            query = query.where(sa.tuple_(time, table.c.id) < sa.tuple_(sa.literal(after.at, time.type), after.id))
        query = query.order_by(time.desc(), table.c.id.desc()).limit(limit + 1)
        async with self._database.read() as connection:
            return list((await connection.execute(query)).all())

    async def named(self, prefix: str, tenants: Tenants = None) -> list[Incident]:
        """The incidents whose id begins so (at most two: one is an answer, two are a question)."""
        named = (incidents.c.id >= prefix, incidents.c.id < prefix + chr(0x10FFFF))
        query = sa.select(incidents.c.state).where(*named, *_of_tenants(incidents, tenants))
        async with self._database.read() as connection:
            return [incident_of(state) for state in (await connection.execute(query.limit(2))).scalars()]

    async def members(self, incident: str, limit: int, after: Occurrence | None = None) -> list[Occurrence]:
        """The alerts of an incident that began first, in order, behind one of them."""
        query = sa.select(occurrences).where(occurrences.c.incident == incident)
        if after is not None:
            at = sa.literal(after.starts_at, occurrences.c.starts_at.type)
            query = query.where(sa.tuple_(occurrences.c.starts_at, occurrences.c.id) > sa.tuple_(at, after.id))
        query = query.order_by(occurrences.c.starts_at, occurrences.c.id).limit(limit)
        async with self._database.read() as connection:
            return [occurrence_of(row) for row in await connection.execute(query)]

    async def members_of(self, incidents: Sequence[str], most: int) -> dict[str, list[Occurrence]]:
        """The alerts of several incidents, each in order; those that do not fit are left out as a whole."""
        async with self._database.read() as connection:
            query = sa.select(occurrences).where(one_of(occurrences.c.incident, incidents, connection.dialect))
            rows = list(await connection.execute(query.limit(most + 1)))
        found: dict[str, list[Occurrence]] = {name: [] for name in incidents} if len(rows) <= most else {}
        for row in rows if found else ():
            found[row.incident].append(occurrence_of(row))
        for alerts in found.values():
            alerts.sort(key=lambda one: (one.starts_at, one.id))
        return found

    async def members_named(self, incident: str, prefix: str) -> list[Occurrence]:
        """The alerts of an incident whose id begins so (at most two: one is an answer, two are a question)."""
        mine = (occurrences.c.incident == incident) & (occurrences.c.id >= prefix)
        query = sa.select(occurrences).where(mine, occurrences.c.id < prefix + chr(0x10FFFF)).limit(2)
        async with self._database.read() as connection:
            return [occurrence_of(row) for row in await connection.execute(query)]

    async def last_firings(self, alerts: Sequence[Occurrence]) -> dict[str, Occurrence]:
        """Of each of the alerts, by identity, its open occurrence or else the one that ended last."""
        async with self._database.read() as connection:
            found = await last_firings(connection, [alert.identity for alert in alerts])
        return {one.identity: one for one in found}

    async def timeline(
        self, incident: str, after: int = 0, limit: int | None = None
    ) -> list[tuple[datetime, AnyEvent]]:
        """All that happened to an incident behind a version of it, in order, or so many of its events."""
        mine = (events.c.incident == incident) & (events.c.version > after)
        query = sa.select(events).where(mine).order_by(events.c.version).limit(limit)
        async with self._database.read() as connection:
            return [event_of(row) for row in await connection.execute(query)]

    async def timelines(self, incidents: Sequence[str]) -> dict[str, list[tuple[datetime, AnyEvent]]]:
        """All that happened to several incidents, in order."""
        found: dict[str, list[tuple[datetime, AnyEvent]]] = {}
        async with self._database.read() as connection:
            mine = one_of(events.c.incident, incidents, connection.dialect)
            for row in await connection.execute(
                sa.select(events).where(mine).order_by(events.c.incident, events.c.version)
            ):
                found.setdefault(row.incident, []).append(event_of(row))
        return found


def _of_tenants(table: sa.Table, tenants: Tenants) -> tuple[sa.ColumnElement[bool], ...]:
    return () if tenants is None else (table.c.tenant.in_(sorted(tenants)),)


def _columns(wanted: IncidentFilter) -> list[sa.ColumnElement[bool]]:
    column = incidents.c
    where: list[sa.ColumnElement[bool]] = [*_of_tenants(incidents, wanted.tenants)]
    where += [column.status.in_(wanted.status)] if wanted.status else []
    where += [column.severity.in_(wanted.severity)] if wanted.severity else []
    where += [column.tenant == wanted.tenant] if wanted.tenant else []
    where += [column.opened_at > wanted.opened_after] if wanted.opened_after else []
    where += [column.opened_at < wanted.opened_before] if wanted.opened_before else []
    return where


def _of_status(status: str) -> tuple[sa.ColumnElement[bool], ...]:
    open_, expired = occurrences.c.ends_at.is_(None), occurrences.c.expired
    return {"firing": (open_,), "expired": (~open_, expired), "resolved": (~open_, ~expired)}[status]


def _next(keys: list[tuple[datetime, str]], limit: int) -> str | None:
    return str(Cursor(*keys[limit - 1])) if len(keys) > limit else None
