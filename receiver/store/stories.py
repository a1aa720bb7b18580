"""An incident's story: what happened to it and to all that were merged into it, and the tree of its alerts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from receiver.engine.causes.growing import tree_of
from receiver.engine.causes.relearning import Happened
from receiver.engine.causes.tree import Reading, Tree
from receiver.engine.causes.why import merged
from receiver.engine.events import AnyEvent
from receiver.engine.incident import Incident
from receiver.engine.occurrence import Occurrence
from receiver.store.queries import Queries

MOST_MEMBERS = 20_000  # alerts of an incident that are looked at, those that began first
MOST_MERGED = 1_000  # incidents in one, whose reasons are looked at
FEW_MEMBERS = 50  # of an incident that is read together with others
PAGE = 1_000  # alerts at once; others have their turn in between


@dataclass(frozen=True, slots=True)
class Story:
    """An incident with its own events, in order, and its alerts as far as they are known, by id."""

    incident: Incident
    timeline: Sequence[tuple[datetime, AnyEvent]]
    tree: Tree
    alerts: dict[str, Occurrence]


class Stories:
    """Reads what a tree is made of. `reading` may be changed while it is used."""

    def __init__(self, queries: Queries, reading: Reading) -> None:
        self._queries = queries
        self.reading = reading

    async def story(self, incident: Incident, most: int = MOST_MEMBERS) -> Story:
        """The story of an incident with at most so many of its alerts."""
        timeline = await self._queries.timeline(incident.id)
        happened: list[Happened] = [(incident.id, at, event) for at, event in timeline]
        waiting = merged(happened)
        seen = {incident.id}
        while waiting and len(seen) <= MOST_MERGED:
            name = waiting.pop(0)
            if name in seen:
                continue
            seen.add(name)
            of_other: list[Happened] = [(name, at, event) for at, event in await self._queries.timeline(name)]
            happened += of_other
            waiting += merged(of_other)
        alerts = await self.members(incident.id, most)
        tree = await asyncio.to_thread(tree_of, incident, happened, alerts, self.reading)
        return Story(incident, timeline, tree, {one.id: one for one in alerts})

    async def several(self, incidents: Sequence[Incident]) -> dict[str, Story]:
        """The stories of many incidents, each of which has few alerts; what is larger, or merged, is left out."""
        few = {one.id: one for one in incidents if one.alerts <= FEW_MEMBERS}
        timelines = await self._queries.timelines(list(few))
        alone = [
            one for name, one in few.items() if not merged([(name, at, event) for at, event in timelines.get(name, [])])
        ]
        members = await self._queries.members_of([one.id for one in alone], FEW_MEMBERS * len(alone))
        return await asyncio.to_thread(
            lambda: {
                one.id: self._told(one, timelines.get(one.id, []), members[one.id])
                for one in alone
                if one.id in members
            }
        )

    def _told(self, incident: Incident, timeline: list[tuple[datetime, AnyEvent]], alerts: list[Occurrence]) -> Story:
        happened = [(incident.id, at, event) for at, event in timeline]
        return Story(
            incident, timeline, tree_of(incident, happened, alerts, self.reading), {one.id: one for one in alerts}
        )

    async def members(self, incident: str, most: int = MOST_MEMBERS) -> list[Occurrence]:
        """The alerts of an incident that began first."""
        found: list[Occurrence] = []
        while len(found) < most:
            page = await self._queries.members(incident, min(PAGE, most - len(found)), found[-1] if found else None)
            found += page
            if len(page) < PAGE:
                break
        return found
