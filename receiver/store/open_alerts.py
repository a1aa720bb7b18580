"""What fires by our own books: asked by those who compare it with what others know."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa

from receiver.engine.incident import Incident
from receiver.store.database import Database
from receiver.store.ledger import incident_of
from receiver.store.schema import incidents, occurrences

PAGE = 2_000  # rows, between which others may run
CHUNK = 500  # values in one IN (…)

_labels = msgspec.json.Decoder(dict[str, str])


class OpenAlerts:
    """Reads the occurrences of a source that have no end."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, source: str) -> set[str]:
        """The identity of every open occurrence of a source."""
        found: set[str] = set()
        query = sa.select(occurrences.c.identity)
        query = query.where(occurrences.c.ends_at.is_(None), occurrences.c.source == source)
        query = query.order_by(occurrences.c.identity).limit(PAGE)
        last = ""
        while True:
            async with self._database.read() as connection:
                some = (await connection.execute(query.where(occurrences.c.identity > last))).scalars().all()
            found.update(some)
            if len(some) < PAGE:
                return found
            last = some[-1]

    async def labels(self, identities: Sequence[str]) -> list[tuple[dict[str, str], datetime]]:
        """Labels and start of the open occurrences among these identities."""
        found = []
        for first in range(0, len(identities), CHUNK):
            wanted = occurrences.c.identity.in_(identities[first : first + CHUNK])
            query = sa.select(occurrences.c.labels, occurrences.c.starts_at)
            async with self._database.read() as connection:
                rows = await connection.execute(query.where(wanted, occurrences.c.ends_at.is_(None)))
                found += [(_labels.decode(row.labels), row.starts_at) for row in rows]
        return found

    async def incidents(self, identities: Collection[str]) -> dict[str, set[str]]:
        """The incidents that open occurrences of these identities belong to, with the identities of each."""
        found: dict[str, set[str]] = {}
        wanted = sorted(identities)
        for first in range(0, len(wanted), CHUNK):
            some = occurrences.c.identity.in_(wanted[first : first + CHUNK])
            query = sa.select(occurrences.c.incident, occurrences.c.identity)
            query = query.where(some, occurrences.c.ends_at.is_(None), occurrences.c.incident.is_not(None))
            async with self._database.read() as connection:
                for row in await connection.execute(query):
                    found.setdefault(row.incident, set()).add(row.identity)
        return found

    async def with_foreign_silences(self) -> list[Incident]:
        """The incidents that are not over and of which it is told that others silence their alerts."""
        query = sa.select(incidents.c.state).where(incidents.c.status != "resolved")
        async with self._database.read() as connection:
            found = [incident_of(state) for state in (await connection.execute(query)).scalars()]
        return [incident for incident in found if incident.silenced_by]

    async def named(self, source: str, alertname: str) -> list[dict[str, str]]:
        """The labels of a source's open occurrences of one alert name; for sources that have few."""
        found = await self.labels(sorted(await self.of(source)))
        return [labels for labels, _ in found if labels.get("alertname") == alertname]
