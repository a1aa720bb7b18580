"""What is held back, as rows: read for one batch of the engine, and the windows that are on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.engine.held import EVERYTHING, LOOK_AGAIN, Shelf, Suppression
from receiver.engine.hold import SuppressionRules
from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.ingest import identities, tenant_of
from receiver.engine.maintenance import Agenda, Window
from receiver.engine.notification import Notification
from receiver.engine.occurrence import Occurrence
from receiver.engine.working_set import WorkingSet
from receiver.store.database import Database
from receiver.store.held_rows import chunks, history_of, suppression_of
from receiver.store.ledger import incident_of, occurrence_of
from receiver.store.schema import histories, incidents, occurrences, places, suppressions
from receiver.store.windows import stored_windows

AT_ONCE = 1000  # alerts that one marker looks at; what is beyond gets a marker of its own


class Holding:
    """Prepares a batch: which windows are on, what is remembered, which causes are open, what is due."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._agenda = Agenda(())
        self._stored: tuple[Window, ...] | None = None

    async def holds_any(self) -> bool:
        """Whether anything is held back, or held open, by what an earlier run decided."""
        held = sa.select(suppressions.c.occurrence).join(occurrences, occurrences.c.id == suppressions.c.occurrence)
        flapping = sa.select(histories.c.identity).where(histories.c.look_at.is_not(None))
        async with self._database.read() as connection:
            for query in (held.where(occurrences.c.ends_at.is_(None)), flapping):
                if (await connection.execute(query.limit(1))).first() is not None:
                    return True
        return False

    def forget(self) -> None:
        """Reads the windows anew: another replica may have heard of a change of them."""
        self._stored = None

    def asks_store(self, notifications: Iterable[Notification], rules: SuppressionRules) -> bool:
        """Whether to prepare these the store must be asked, which must have committed all that came before."""
        if self._stored is None or any(one.source == LOOK_AGAIN for one in notifications):
            return True
        return bool(rules.remembered or rules.inhibition) and any(one.alerts for one in notifications)

    async def prepare(
        self,
        notifications: Sequence[Notification],
        work: WorkingSet,
        rules: SuppressionRules,
        tenant_label: str,
        now: datetime,
    ) -> None:
        """Sets `work.shelf`, and adds to `work` the alerts and incidents that it speaks of.

        Reads nothing where nothing could be held back. A marker also tells that windows may have changed.
        """
        asks = self.asks_store(notifications, rules)
        markers = [one.group_labels for one in notifications if one.source == LOOK_AGAIN]
        if self._stored is None or markers:
            async with self._database.read() as connection:
                self._stored = await stored_windows(connection)
        windows = (*rules.windows, *self._stored)
        if windows != self._agenda.windows:
            self._agenda = Agenda(windows)
        work.shelf = Shelf(windows=self._agenda.at(now))
        if not asks:
            return
        async with self._database.read() as connection:
            for said in markers:
                await _due(connection, work, said, now)
            await _remembered(connection, work, notifications, rules, tenant_label)
            await _causes(connection, work, notifications, rules, tenant_label)


async def _due(connection: AsyncConnection, work: WorkingSet, said: Mapping[str, str], now: datetime) -> None:
    """What a marker asks to look at again, with its alerts and the incidents that it could go to."""
    shelf, by = work.shelf, said.get("by", "")
    everything = sa.true() if by == EVERYTHING else sa.false()
    wanted = everything | (suppressions.c.look_at <= now) | ((suppressions.c.by == by) & sa.literal(bool(by)))
    query = (
        sa.select(suppressions.c.suppression, occurrences)
        .join(occurrences, occurrences.c.id == suppressions.c.occurrence)
        .where(wanted, occurrences.c.ends_at.is_(None), suppressions.c.occurrence > said.get("after", ""))
        .order_by(suppressions.c.occurrence)
        .limit(AT_ONCE)
    )
    rows = (await connection.execute(query)).all()
    shelf.more = shelf.more or len(rows) == AT_ONCE
    for row in rows:
        _take(suppression_of(row.suppression), occurrence_of(row), work)
        shelf.due.append(row.id)
    calm = sa.select(histories.c.history).where(
        (histories.c.look_at <= now) | (everything & histories.c.look_at.is_not(None))
    )
    found = [history_of(content) for content in (await connection.execute(calm.limit(AT_ONCE))).scalars()]
    shelf.more = shelf.more or len(found) == AT_ONCE
    for history in found:
        shelf.histories.setdefault(history.identity, history)
        shelf.calm.append(history.identity)
    await _latest(connection, [history.identity for history in found], work)
    keys = {suppression.placement.key for suppression in shelf.suppressions.values()}
    ids = {suppression.hold.by for suppression in shelf.suppressions.values() if suppression.hold.kind.by_incident}
    ids |= {history.incident for history in found}
    still_open = incidents.c.status != IncidentStatus.RESOLVED.value
    _know(await _incidents(connection, incidents.c.key, sorted(keys), still_open), work)
    _know(await _incidents(connection, incidents.c.id, sorted(ids)), work)


async def _latest(connection: AsyncConnection, wanted: Sequence[str], work: WorkingSet) -> None:
    """The open alerts of identities that flap, with their suppressions."""
    for chunk in chunks(wanted):
        query = (
            sa.select(suppressions.c.suppression, occurrences)
            .join(suppressions, occurrences.c.id == suppressions.c.occurrence, isouter=True)
            .where(occurrences.c.identity.in_(chunk), occurrences.c.ends_at.is_(None))
        )
        for row in await connection.execute(query):
            _take(suppression_of(row.suppression) if row.suppression else None, occurrence_of(row), work)


def _take(suppression: Suppression | None, occurrence: Occurrence, work: WorkingSet) -> None:
    """Adds an alert to what is known; what a batch knows already is newer."""
    work.occurrences.setdefault(occurrence.identity, occurrence)
    if suppression is not None:
        work.shelf.suppressions.setdefault(occurrence.id, suppression)


def _know(found: Iterable[Incident], work: WorkingSet) -> None:
    for incident in found:
        if incident.id not in work.incidents:
            work.incidents[incident.id] = incident
            if incident.status is not IncidentStatus.RESOLVED:
                work.open_by_key.setdefault(incident.key, incident.id)


async def _remembered(
    connection: AsyncConnection,
    work: WorkingSet,
    notifications: Iterable[Notification],
    rules: SuppressionRules,
    tenant_label: str,
) -> None:
    """How the alerts of a batch have come and gone, where a rule asks; and the incidents held open for them."""
    if not rules.remembered:
        return
    wanted = {identity for one in notifications for identity in identities(one, tenant_label)}
    wanted |= {work.shelf.suppressions[occurrence].identity for occurrence in work.shelf.due}
    for chunk in chunks(sorted(wanted)):
        query = sa.select(histories.c.history).where(histories.c.identity.in_(chunk))
        for content in (await connection.execute(query)).scalars():
            history = history_of(content)
            work.shelf.histories.setdefault(history.identity, history)
    ids = {history.incident for history in work.shelf.histories.values() if history.incident}
    _know(await _incidents(connection, incidents.c.id, sorted(ids)), work)


async def _causes(
    connection: AsyncConnection,
    work: WorkingSet,
    notifications: Iterable[Notification],
    rules: SuppressionRules,
    tenant_label: str,
) -> None:
    """Which alerts fire, in open incidents, on what the alerts of a batch depend on."""
    inhibition = rules.inhibition
    if inhibition is None:
        return
    label = inhibition.topology.label
    asked = {
        (tenant_of(alert, tenant_label), alert.labels.get(label, "")) for one in notifications for alert in one.alerts
    }
    due = [work.occurrences[work.shelf.suppressions[occurrence].identity] for occurrence in work.shelf.due]
    asked |= {(occurrence.tenant, inhibition.node_of(occurrence)) for occurrence in due}
    nodes = sorted({dependency for _, node in asked for dependency in inhibition.ways(node)})
    found: set[str] = set()
    for chunk in chunks(nodes):
        query = (
            sa.select(places)
            .join(occurrences, occurrences.c.id == places.c.occurrence)
            .join(incidents, incidents.c.id == places.c.incident)
            .where(places.c.node.in_(chunk), occurrences.c.ends_at.is_(None))
            .where(incidents.c.status != IncidentStatus.RESOLVED.value)
        )
        for row in await connection.execute(query):
            work.shelf.causes.setdefault((row.tenant, row.node), {})[row.occurrence] = row.incident
            found.add(row.incident)
    _know(await _incidents(connection, incidents.c.id, sorted(found)), work)


async def _incidents(
    connection: AsyncConnection, column: sa.Column[str], values: Sequence[str], *where: sa.ColumnElement[bool]
) -> list[Incident]:
    found: list[Incident] = []
    for chunk in chunks(values):
        query = sa.select(incidents.c.state).where(column.in_(chunk), *where)
        found += [incident_of(state) for state in (await connection.execute(query)).scalars()]
    return found
