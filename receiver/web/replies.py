"""What somebody means who writes back `1 473`: which incident, and what to do with it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from receiver.access.principal import Principal
from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.plan import contact_of
from receiver.notify.phone_words import code_of
from receiver.store.queries import IncidentFilter, Queries

ACTIONS = {
    "acknowledge": {"1", "ack", "acknowledge", "ok", "yes", "ja", "oui"},
    "escalate": {"2", "esc", "escalate", "eskalieren", "escalader"},
    "resolve": {"3", "resolve", "close", "schließen", "clore"},
}
MOST = 500  # of the newest incidents of each status
LISTED = 5


class Replies:
    """Reads replies: a number stands only among the incidents that this person was told of and that are not over."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    async def read(self, text: str, who: Principal, channel: str, speech: Mapping[str, str]) -> tuple[str, str] | str:
        """The incident and the action; else what to say instead."""
        parts = re.findall(r"\w+", text[:200].casefold())
        action = next((name for name, said in ACTIONS.items() if parts and parts[0] in said), None)
        if action is None:
            return speech["help"]
        mine = [one for one in await self._open() if _told(one, who.name, channel)]
        if len(parts) < 2:
            waiting = [one for one in mine if one.status is IncidentStatus.OPEN] or mine
            if not waiting:
                return speech["none"]
            return (waiting[0].id, action) if len(waiting) == 1 else _which(waiting, speech)
        found = [one for one in mine if parts[1] in (code_of(one.id), one.id)]
        if not found:
            return speech["unknown"].format(code=parts[1][:20])
        return (found[0].id, action) if len(found) == 1 else _which(found, speech, by_id=True)

    async def _open(self) -> list[Incident]:
        going_on = IncidentFilter(status=("open", "acknowledged"))
        return (await self._queries.incidents(going_on, limit=MOST, after=None)).items


def _told(incident: Incident, user: str, channel: str) -> bool:
    """Whether this person was told, or the number that the channel itself has."""
    contacts = [contact_of(where) for where in incident.told | incident.asked]
    return any(one.person == user or (one.channel == channel and not one.person) for one in contacts)


def _which(found: list[Incident], speech: Mapping[str, str], *, by_id: bool = False) -> str:
    listed = [f"{one.id if by_id else code_of(one.id)} {one.title[:40]}" for one in found[:LISTED]]
    return speech["which"].format(list="; ".join(listed))
