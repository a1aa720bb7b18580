"""What correlation knows, in memory while the engine runs here: read from the store, forgotten when in doubt."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.engine.causes.board import KEPT_FOR, MOST_OPEN, Board, Boards
from receiver.engine.causes.learned import Learned, NotUsable, decode
from receiver.engine.causes.relearning import Happened, relearned
from receiver.engine.incident import Incident
from receiver.store.database import Database
from receiver.store.held_rows import chunks
from receiver.store.ledger import event_of, incident_of
from receiver.store.schema import events, incidents, learned

log = structlog.get_logger("receiver.store")

LEARNS_FROM = timedelta(days=14)
MOST_TO_LEARN_FROM = 5_000  # incidents


class BoardKeeper:
    """The boards of all tenants. A batch changes them in place; one that is not committed makes them forgotten."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._boards: Boards | None = None

    @property
    def known(self) -> bool:
        """Whether the store need not be asked."""
        return self._boards is not None

    def forget(self) -> None:
        """Reads anew: a batch was not committed, or others have worked since."""
        self._boards = None

    async def boards(self, now: datetime) -> Boards:
        """The boards as of now."""
        if self._boards is None:
            async with self._database.read() as connection:
                self._boards = await _read(connection, now)
        return self._boards

    async def standing(self, tenants: Iterable[str] | None, now: datetime) -> set[str]:
        """The incidents that could explain something; `tenants`: of these alone."""
        boards = await self.boards(now)
        asked = boards.values() if tenants is None else [boards[tenant] for tenant in tenants if tenant in boards]
        return {incident for board in asked for incident in board.standing(now.timestamp())}


async def _read(connection: AsyncConnection, now: datetime) -> Boards:
    recent = sa.select(incidents.c.state).where(incidents.c.opened_at >= now - timedelta(seconds=KEPT_FOR))
    query = recent.order_by(incidents.c.opened_at.desc(), incidents.c.id).limit(MOST_OPEN)
    of_tenant: dict[str, list[Incident]] = {}
    for state in (await connection.execute(query)).scalars():
        incident = incident_of(state)
        of_tenant.setdefault(incident.tenant, []).append(incident)
    known: dict[str, Learned] = {}
    for row in await connection.execute(sa.select(learned)):
        try:
            known[row.id] = decode(row.learned)
        except NotUsable as error:
            log.warning("what correlation had learned is learned anew from history", tenant=row.id, reason=str(error))
            known[row.id] = await _learn_anew(connection, row.id, now)
    return {
        tenant: Board.of(of_tenant.get(tenant, ()), known.get(tenant, Learned()))
        for tenant in of_tenant.keys() | known.keys()
    }


async def _learn_anew(connection: AsyncConnection, tenant: str, now: datetime) -> Learned:
    """From the newest incidents of a tenant and what joined them."""
    query = (
        sa.select(incidents.c.state)
        .where(incidents.c.opened_at >= now - LEARNS_FROM, incidents.c.tenant == tenant)
        .order_by(incidents.c.opened_at.desc())
        .limit(MOST_TO_LEARN_FROM)
    )
    found = [incident_of(state) for state in (await connection.execute(query)).scalars()]
    return relearned(found, [one async for one in _events(connection, [incident.id for incident in found])])


async def _events(connection: AsyncConnection, ids: Sequence[str]) -> AsyncIterator[Happened]:
    for chunk in chunks(ids):
        query = sa.select(events).where(events.c.incident.in_(chunk)).order_by(events.c.at, events.c.incident)
        for row in await connection.execute(query):
            yield row.incident, *event_of(row)
