"""Who has how much to do, and whose turn it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from receiver.engine.incident import Incident
from receiver.engine.plan import contact_of
from receiver.store.database import Database
from receiver.store.dialect import insert
from receiver.store.ledger import incident_of
from receiver.store.schema import incidents, turns


class Workload:
    """Reads and writes what a choice between several people rests on."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Mapping[str, int]:
        """How many incidents that are not over each person has, or was asked to take."""
        async with self._database.read() as connection:
            states = (
                await connection.execute(sa.select(incidents.c.state).where(incidents.c.status != "resolved"))
            ).scalars()
            return Counter(person for state in states for person in responsible(incident_of(state)))

    async def turns(self, targets: Sequence[str]) -> Mapping[str, int]:
        """How often each of these targets has chosen so far."""
        async with self._database.read() as connection:
            rows = await connection.execute(sa.select(turns).where(turns.c.target.in_(targets)))
            return {row.target: row.taken for row in rows}

    async def take_turns(self, targets: Sequence[str]) -> None:
        """These have chosen once more."""
        async with self._database.write() as connection:
            taken = insert(connection, turns)
            more = taken.on_conflict_do_update(index_elements=["target"], set_={"taken": turns.c.taken + 1})
            await connection.execute(more, [{"target": target, "taken": 1} for target in targets])


def responsible(incident: Incident) -> set[str]:
    """Whoever acknowledged it, else whoever was asked."""
    if incident.acknowledged_by:
        return {incident.acknowledged_by}
    return {person for where in incident.asked if (person := contact_of(where).person)}
