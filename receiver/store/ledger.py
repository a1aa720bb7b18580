"""Occurrences and incidents: what the engine must know, and what it decided, committed at once or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.engine.incident import AnyEvent, Incident
from receiver.engine.occurrence import Occurrence
from receiver.engine.working_set import Outcome, Recorded, WorkingSet
from receiver.store import jobs
from receiver.store.database import Database
from receiver.store.dialect import insert
from receiver.store.held_rows import write_held
from receiver.store.lease import hold
from receiver.store.schema import events, inbox, incidents, occurrences, quarantine

CHUNK = 500  # values in one IN (…): below every database's limit

encode_json = msgspec.json.Encoder().encode
_incident_decoder = msgspec.json.Decoder(Incident)
_event_decoder = msgspec.json.Decoder(AnyEvent)
_labels_decoder = msgspec.json.Decoder(dict[str, str])


class Ledger:
    """Reads what decisions need and commits what they were."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, identities: Iterable[str], keys: Iterable[str]) -> WorkingSet:
        """The latest occurrence of each identity, and the incidents that they or the keys belong to."""
        async with self._database.read() as connection:
            latest = await _latest(connection, sorted(identities))
            wanted = {occurrence.incident for occurrence in latest if occurrence.incident}
            found = await _incidents(connection, incidents.c.id, sorted(wanted))
            keys_of_all = {*keys, *(incident.key for incident in found)}  # a reopened one must be alone under its key
            open_ = incidents.c.status != "resolved"
            found += await _incidents(connection, incidents.c.key, sorted(keys_of_all), open_)
        return WorkingSet.of(latest, found)

    async def incident(self, incident_id: str) -> Incident | None:
        async with self._database.read() as connection:
            found = await _incidents(connection, incidents.c.id, [incident_id])
        return found[0] if found else None

    async def commit_processed(self, outcome: Outcome, epoch: int, position: int) -> None:
        """Commits what a batch of bodies meant, and that they are done with.

        Raises:
            Conflict: an incident was changed meanwhile; nothing was committed.
            Lost: another process has taken over; nothing was committed.
        """
        async with self._database.write() as connection:
            await _write_events(connection, outcome)
            await _write(connection, outcome)
            await hold(connection, epoch, position)
            await connection.execute(sa.delete(inbox).where(inbox.c.id <= position))

    async def commit(self, outcome: Outcome, now: datetime, done: tuple[jobs.Job, str] | None = None) -> None:
        """Commits a decision about an incident, with the job that asked for it and the word for what came of it.

        Raises:
            Conflict: the incident was changed meanwhile; nothing was committed.
            Lost: the job is no longer ours; nothing was committed.
        """
        async with self._database.write() as connection:
            await _write_events(connection, outcome)
            if done is not None:
                await jobs.finish(connection, *done, now)
            await _write(connection, outcome)


async def _write_events(connection: AsyncConnection, outcome: Outcome) -> None:
    """Before all else, in every transaction: who comes second waits here, holding nothing that the first one wants."""
    if outcome.events:
        await connection.execute(sa.insert(events), [_event_row(recorded) for recorded in outcome.events])


async def _write(connection: AsyncConnection, outcome: Outcome) -> None:
    if outcome.incidents:
        await _upsert(connection, incidents, [_incident_row(i) for i in outcome.incidents.values()])
    if outcome.occurrences:
        # What closes comes first: an identity has one open occurrence at any time.
        rows = sorted(outcome.occurrences.values(), key=lambda occurrence: occurrence.ends_at is None)
        await _upsert(connection, occurrences, [_occurrence_row(occurrence) for occurrence in rows])
    if outcome.held:
        await write_held(connection, outcome.held)
    if outcome.quarantined:
        rows_ = [
            {
                "id": b.position,
                "source": b.source,
                "received_at": b.received_at,
                "reason": why,
                "content": b.content,
            }
            for b, why in outcome.quarantined
        ]
        await _upsert(connection, quarantine, rows_)
    await jobs.put(connection, outcome.effects)


async def _upsert(connection: AsyncConnection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    statement = insert(connection, table)
    changed = {column.name: statement.excluded[column.name] for column in table.columns if not column.primary_key}
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed), rows)


async def _latest(connection: AsyncConnection, identities: Sequence[str]) -> list[Occurrence]:
    """Of each identity the open occurrence, else the one that ended last."""
    newest: dict[str, Occurrence] = {}
    for chunk in _chunks(identities):
        query = (
            sa.select(occurrences)
            .where(occurrences.c.identity.in_(chunk))
            .where(occurrences.c.ends_at.is_(None) | ~_ended_later_exists())
        )
        for row in await connection.execute(query):
            occurrence = occurrence_of(row)
            if occurrence.ends_at is None or occurrence.identity not in newest:
                newest[occurrence.identity] = occurrence
    return list(newest.values())


def _ended_later_exists() -> sa.Exists:
    later = occurrences.alias("later")
    return sa.exists().where(later.c.identity == occurrences.c.identity, later.c.ends_at > occurrences.c.ends_at)


async def _incidents(
    connection: AsyncConnection, column: sa.Column[Any], values: Sequence[str], *where: sa.ColumnElement[bool]
) -> list[Incident]:
    found: list[Incident] = []
    for chunk in _chunks(values):
        query = sa.select(incidents.c.state).where(column.in_(chunk), *where)
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
