"""The alerts that a decision names: by id, by the beginning of one, or all of one alert name."""

from __future__ import annotations

from collections.abc import Sequence

from receiver.decide import NoSuchAlert
from receiver.engine.incident import Incident
from receiver.engine.occurrence import Occurrence, one_line
from receiver.store.queries import Queries
from receiver.web.problems import BadRequest, Impossible

MOST_ALERTS = 5_000  # in one decision
PAGE = 1_000


class NamedAlerts:
    """Looks alerts of an incident up."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    async def of(self, incident: Incident, prefixes: Sequence[str], name: str = "") -> list[Occurrence]:
        """The alerts in the order in which they began; of one that fired several times the last firing.

        Raises:
            BadRequest: none is named, or too many are.
            NoSuchAlert: one is not part of the incident.
            Impossible: the beginning of an id fits several, or one has fired again since.
        """
        if not prefixes and not name:
            raise BadRequest(
                'say which alerts: {"alerts": ["an id or its beginning", …]} or {"name": "an alert name"}; '
                f"tocsin alerts list --incident {incident.id} has them"
            )
        if len(prefixes) > MOST_ALERTS:
            raise BadRequest(f"at most {MOST_ALERTS:,} alerts at once; name them by their alert name, or merge")
        found = [await self._one(incident, prefix) for prefix in prefixes]
        found += await self._all_of(incident, name) if name else []
        latest = {one.identity: one for one in sorted(found, key=lambda one: (one.starts_at, one.id))}
        await self._still_the_last(incident, list(latest.values()))
        return list(latest.values())

    async def are_all(self, incident: Incident, alerts: Sequence[Occurrence]) -> bool:
        """Whether the incident has no others."""
        named = {one.identity for one in alerts}
        last: Occurrence | None = None
        while page := await self._queries.members(incident.id, PAGE, last):
            if any(one.identity not in named for one in page):
                return False
            last = page[-1]
        return True

    async def _one(self, incident: Incident, prefix: str) -> Occurrence:
        prefix = prefix.strip().lower()
        found = await self._queries.members_named(incident.id, prefix) if prefix else []
        if not found:
            raise NoSuchAlert(
                f"no alert of {incident.id} has the id {one_line(prefix, 40) or 'that is empty'}; "
                f"tocsin alerts list --incident {incident.id} has them"
            )
        if len(found) > 1:
            raise Impossible(
                f"more than one alert begins with {prefix}: {found[0].id}, {found[1].id}…; write more of it"
            )
        return found[0]

    async def _all_of(self, incident: Incident, name: str) -> list[Occurrence]:
        found: list[Occurrence] = []
        last: Occurrence | None = None
        while page := await self._queries.members(incident.id, PAGE, last):
            found += [one for one in page if one.name == name]
            last = page[-1]
        if not found:
            raise NoSuchAlert(
                f"no alert of {incident.id} has the name {one_line(name, 100)}; tocsin incidents show {incident.id} "
                "has the names"
            )
        if len({one.identity for one in found}) > MOST_ALERTS:
            raise BadRequest(f"more than {MOST_ALERTS:,} alerts have this name; merge incidents instead")
        return found

    async def _still_the_last(self, incident: Incident, alerts: Sequence[Occurrence]) -> None:
        """The engine can decide about an alert's last firing alone."""
        last = await self._queries.last_firings(alerts)
        for one in alerts:
            later = last.get(one.identity, one)
            if later.id != one.id:
                where = f"in {later.incident}" if later.incident != incident.id else "here"
                raise Impossible(f"{one.name} ({one.id}) has ended and fired again {where} since: name {later.id}")
