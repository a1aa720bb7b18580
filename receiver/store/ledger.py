"""Occurrences and incidents: what the engine must know, and what it decided, committed at once or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence, Set
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import datetime
from typing import Any, Self

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.engine.events import AnyEvent
from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.message_events import MessageDelivered, MessageFailed, MessageRetried
from receiver.engine.notification import Body
from receiver.engine.occurrence import Occurrence
from receiver.engine.working_set import Outcome, Recorded, WorkingSet
from receiver.store import bulk, jobs
from receiver.store.admission import Full, Stopped
from receiver.store.database import Conflict, Database, Lost
from receiver.store.endings import Ended, GivenBack, end, give_back, tell
from receiver.store.held_rows import write_held
from receiver.store.lease import hold
from receiver.store.memory import Memory
from receiver.store.outbox import put_back
from receiver.store.run_rows import write_runs
from receiver.store.schema import engine, events, incidents, learned, occurrences, places, quarantine

CHUNK = 5000  # values in one IN (…): below every database's limit
MADE_ON_THE_LOOP = 20  # rows

Reading = AbstractAsyncContextManager[AsyncConnection]
During = Callable[[AsyncConnection], Awaitable[None]]

encode_json = msgspec.json.Encoder().encode
_incident_decoder = msgspec.json.Decoder(Incident)
_event_decoder = msgspec.json.Decoder(AnyEvent)
_labels_decoder = msgspec.json.Decoder(dict[str, str])


class Ledger:
    """Reads what decisions need and commits what they were.

    What the engine needs again and again it remembers. Whatever this process commits passes through here; what another
    process changed shows as a conflict, and is then asked of the store.
    """

    def __init__(self, database: Database, memory: Memory | None = None) -> None:
        self._database = database
        self._memory = memory or Memory()

    def forget(self) -> None:
        """Forgets what was remembered: others may have worked since, or a commit has perhaps failed."""
        self._memory.clear()

    async def position(self) -> int:
        """The last body whose meaning is committed; 0 before any."""
        async with self._database.read() as connection:
            return (await connection.execute(sa.select(engine.c.position))).scalar_one_or_none() or 0

    async def load(
        self,
        identities: Iterable[str],
        keys: Set[str],
        pending: WorkingSet | None = None,
        ids: Set[str] = frozenset(),
    ) -> WorkingSet:
        """The latest occurrence of each identity, and the incidents that they or the keys belong to, or have these ids.

        Of an incident that became part of another, that too. `pending` is what an earlier batch knew and decided whose
        commit is under way: it counts before the store.
        """
        before = pending or WorkingSet()
        decided, others = before.recall(identities)
        known, unknown = self._memory.recall(others)
        wanted = {occurrence.incident for occurrence in (*decided, *known) if occurrence.incident} | ids
        by_id, unknown_ids = self._memory.incidents(wanted - before.incidents.keys())
        of_before = [incident for name, incident in before.incidents.items() if name in wanted]
        keys = keys | _keys_of_resolved([*by_id, *of_before])
        by_key, unknown_keys = self._memory.open_incidents(keys - before.open_by_key.keys())
        found: list[Incident] = []
        if unknown or unknown_ids or unknown_keys:
            reading = self._database.read_to_write() if pending is None else self._database.read()
            latest, found = await _ask(reading, unknown, unknown_ids, unknown_keys)
            self._memory.learn(latest, [incident for incident in found if incident.id not in before.incidents])
            known += latest
            keys = keys | _keys_of_resolved(found)
        newest = [before.incidents.get(incident.id, incident) for incident in (*by_id, *by_key, *found)]
        newest += [incident for incident in before.incidents.values() if incident.id in wanted or incident.key in keys]
        newest += await self._homes(newest, before)
        return WorkingSet.of((*decided, *known), newest)

    async def _homes(self, found: Iterable[Incident], before: WorkingSet) -> list[Incident]:
        """What merged incidents have become part of, however often."""
        known = {incident.id for incident in found}
        homes: list[Incident] = []
        while missing := {one.merged_into for one in (*found, *homes) if one.merged_into} - known:
            decided = [before.incidents[name] for name in missing & before.incidents.keys()]
            remembered, unknown = self._memory.incidents(missing - before.incidents.keys())
            stored: list[Incident] = []
            if unknown:
                async with self._database.read() as connection:
                    stored = await _incidents(connection, incidents.c.id, sorted(unknown))
                self._memory.learn((), stored)
            homes += [*decided, *remembered, *stored]
            known |= missing
        return homes

    async def incident(self, incident_id: str) -> Incident | None:
        async with self._database.read() as connection:
            found = await _incidents(connection, incidents.c.id, [incident_id])
        return found[0] if found else None

    async def incidents(self, ids: Iterable[str]) -> dict[str, Incident]:
        """Those of these incidents that there are, by id."""
        async with self._database.read() as connection:
            return {one.id: one for one in await _incidents(connection, incidents.c.id, sorted(set(ids)))}

    async def commit_processed(self, work: WorkingSet, epoch: int, position: int | None, taken: During) -> None:
        """Commits what a batch of bodies meant, and that they are done with: `taken` has its part in the transaction.

        Raises:
            Conflict: an incident was changed meanwhile; nothing was committed.
            Lost: another process has taken over; nothing was committed.
            StoreUnavailable: perhaps it was committed; `position` tells.
        """
        rows = await _Rows.of(work.outcome, self._database.dialect)
        with self._remembering(work.outcome):
            async with self._database.write() as connection:
                await rows.write_events(connection)
                await rows.write(connection)
                await hold(connection, epoch, position)
                await taken(connection)
            self._memory.learn_work(work)

    async def commit(
        self,
        outcome: Outcome,
        now: datetime,
        ended: Sequence[Ended] = (),
        back: Sequence[GivenBack] = (),
        *,
        during: During | None = None,
    ) -> None:
        """Commits decisions about incidents, with the jobs that asked for them, and those that are to be done again.

        `during` is for what a job says in its middle: it has its part in the transaction, too.

        Raises:
            Conflict: an incident was changed meanwhile; nothing was committed.
            Lost: a job is no longer ours; nothing was committed.
        """
        rows = await _Rows.of(outcome, self._database.dialect)
        by_jobs = {one.job.key for one in ended}
        with self._remembering(outcome):
            async with self._database.write() as connection:
                await rows.write_events(connection)
                await end(connection, ended, now)
                await give_back(connection, back)
                await rows.write(connection, by_jobs)
                if during is not None:
                    await during(connection)
            self._memory.learn(outcome.occurrences.values(), outcome.incidents.values())

    @contextmanager
    def _remembering(self, outcome: Outcome) -> Iterator[None]:
        """Around a commit: what failed, or perhaps failed, leaves nothing remembered that may not be so."""
        try:
            yield
        except Conflict:
            self._memory.forget(outcome)
            raise
        except (Lost, Full, Stopped):
            raise
        except BaseException:
            self.forget()
            raise


class _Rows:
    """An outcome as rows, made before the transaction begins."""

    def __init__(self, outcome: Outcome, dialect: sa.Dialect) -> None:
        # What closes comes first: an identity has one open occurrence at any time.
        by_end = sorted(outcome.occurrences.values(), key=lambda occurrence: occurrence.ends_at is None)
        self._events = [_event_row(recorded) for recorded in outcome.events]
        self._upserts = [
            bulk.Upsert(incidents, [_incident_row(i) for i in outcome.incidents.values()], dialect),
            bulk.Upsert(occurrences, [_occurrence_row(occurrence) for occurrence in by_end], dialect),
            bulk.Upsert(quarantine, [_quarantine_row(body, why) for body, why in outcome.quarantined], dialect),
            bulk.Upsert(learned, [{"id": t, "learned": content} for t, content in outcome.learned.items()], dialect),
        ]
        self._merged = outcome.merged
        self._held = outcome.held
        self._effects = outcome.effects
        self._outcome = outcome
        self._of_messages = [
            (recorded.at, recorded.event)
            for recorded in outcome.events
            if isinstance(recorded.event, MessageDelivered | MessageFailed | MessageRetried)
        ]

    @classmethod
    async def of(cls, outcome: Outcome, dialect: sa.Dialect) -> Self:
        """Many rows are made off the event loop."""
        if len(outcome.occurrences) > MADE_ON_THE_LOOP:
            return await asyncio.to_thread(cls, outcome, dialect)
        return cls(outcome, dialect)

    async def write_events(self, connection: AsyncConnection) -> None:
        """Before all else, in every transaction: who comes second waits here, and holds nothing the first one wants."""
        if self._events:
            await connection.execute(sa.insert(events), self._events)

    async def write(self, connection: AsyncConnection, by_jobs: Set[str] = frozenset()) -> None:
        """`by_jobs`: the keys of messages that end in this transaction."""
        for upsert in self._upserts:
            await upsert.run(connection)
        for incident, to in self._merged.items():
            for table in (occurrences, places):
                moved = sa.update(table).where(table.c.incident == incident).values(incident=to)
                await connection.execute(moved)
        if self._held:
            await write_held(connection, self._held)
        await jobs.put(connection, self._effects)
        await write_runs(connection, self._outcome.events, self._outcome.incidents)
        await tell(connection, [event for _, event in self._of_messages if event.key not in by_jobs])
        for at, event in self._of_messages:
            if isinstance(event, MessageRetried):
                await put_back(connection, event, at)


async def _ask(
    reading: Reading, identities: Sequence[str], ids: Sequence[str], keys: Sequence[str]
) -> tuple[list[Occurrence], list[Incident]]:
    """What is not remembered, from the store."""
    async with reading as connection:
        latest = await last_firings(connection, sorted(identities))
        wanted = {occurrence.incident for occurrence in latest if occurrence.incident}
        found = await _incidents(connection, incidents.c.id, sorted(wanted.union(ids)))
        open_keys = _keys_of_resolved(found).union(keys)
        found += await _incidents(connection, incidents.c.key, sorted(open_keys), incidents.c.status != "resolved")
    return latest, found


def _keys_of_resolved(found: Iterable[Incident]) -> set[str]:
    """Under which keys an incident that may be reopened must be the only open one."""
    return {incident.key for incident in found if incident.status is IncidentStatus.RESOLVED}


async def last_firings(connection: AsyncConnection, identities: Sequence[str]) -> list[Occurrence]:
    """Of each identity the open occurrence, else the one that ended last. Each half is answered by one index."""
    newest: dict[str, Occurrence] = {}
    for chunk in _chunks(identities):
        of_chunk = sa.select(occurrences).where(bulk.one_of(occurrences.c.identity, chunk, connection.dialect))
        closed = of_chunk.where(occurrences.c.ends_at.is_not(None), ~_ended_later_exists())
        for row in await connection.execute(closed.union_all(of_chunk.where(occurrences.c.ends_at.is_(None)))):
            if row.ends_at is None or row.identity not in newest:
                newest[row.identity] = occurrence_of(row)
    return list(newest.values())


def _ended_later_exists() -> sa.Exists:
    later = occurrences.alias("later")
    return sa.exists().where(later.c.identity == occurrences.c.identity, later.c.ends_at > occurrences.c.ends_at)


async def _incidents(
    connection: AsyncConnection, column: sa.Column[Any], values: Sequence[str], *where: sa.ColumnElement[bool]
) -> list[Incident]:
    found: list[Incident] = []
    for chunk in _chunks(values):
        query = sa.select(incidents.c.state).where(bulk.one_of(column, chunk, connection.dialect), *where)
        found += [_incident_decoder.decode(state) for state in (await connection.execute(query)).scalars()]
    return found


def _chunks(values: Sequence[str]) -> Iterable[Sequence[str]]:
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))


def _event_row(recorded: Recorded) -> dict[str, Any]:
    return {
        "incident": recorded.incident,
        "version": recorded.version,
        "at": recorded.at,
        "event": encode_json(recorded.event),
    }


def _quarantine_row(body: Body, why: str) -> dict[str, Any]:
    return {
        "id": body.position,
        "source": body.source,
        "received_at": body.received_at,
        "reason": why,
        "content": body.content,
        "origin": str(body.origin) or None,
    }


def _incident_row(incident: Incident) -> dict[str, Any]:
    return {
        "id": incident.id,
        "tenant": incident.tenant,
        "key": incident.key,
        "status": incident.status.value,
        "severity": incident.severity.value,
        "opened_at": incident.opened_at,
        "version": incident.version,
        "state": encode_json(incident),
        "resolved_at": incident.resolved_at,
    }


def _occurrence_row(occurrence: Occurrence) -> dict[str, Any]:
    return {
        "id": occurrence.id,
        "identity": occurrence.identity,
        "tenant": occurrence.tenant,
        "source": occurrence.source,
        "fingerprint": occurrence.fingerprint,
        "starts_at": occurrence.starts_at,
        "ends_at": occurrence.ends_at,
        "incident": occurrence.incident,
        "labels": encode_json(occurrence.labels),
        "annotations": encode_json(occurrence.annotations),
        "generator_url": occurrence.generator_url,
        "expired": occurrence.expired,
        "not_before": occurrence.not_before,
    }


def occurrence_of(row: sa.Row[Any]) -> Occurrence:
    """An occurrence from its row."""
    return Occurrence(
        id=row.id,
        identity=row.identity,
        tenant=row.tenant,
        source=row.source,
        fingerprint=row.fingerprint,
        labels=_labels_decoder.decode(row.labels),
        annotations=_labels_decoder.decode(row.annotations),
        generator_url=row.generator_url,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        incident=row.incident,
        expired=row.expired,
        not_before=row.not_before,
    )


def event_of(row: sa.Row[Any]) -> tuple[datetime, AnyEvent]:
    """When something happened, and what."""
    return row.at, _event_decoder.decode(row.event)


def incident_of(state: bytes) -> Incident:
    """An incident from its stored fold."""
    return _incident_decoder.decode(state)
