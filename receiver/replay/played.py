"""What a storm came to: each alert with its incident, each incident with its alerts, each message with its time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from receiver.engine.causes.ranking import Member, ranked
from receiver.engine.events import Adopted, AlertsJoined
from receiver.engine.held import Hold
from receiver.engine.incident import Incident
from receiver.engine.occurrence import Occurrence
from receiver.engine.onset import Holds, onset
from receiver.engine.plan import Message
from receiver.engine.working_set import Outcome
from tocsin.model import Alert


@dataclass(frozen=True, slots=True)
class Sent:
    """A message to a channel, and when it was sent."""

    at: datetime
    incident: str
    channel: str
    message: Message


@dataclass(slots=True)
class Row:
    """One occurrence: as it is in the end, `startsAt` as it was received, and why it went where it is."""

    occurrence: Occurrence
    starts_at: str
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Played:
    """All of it, in the order in which it came; `causes` has the rank of each occurrence that is in an incident."""

    rows: tuple[Row, ...]
    incidents: tuple[Incident, ...]
    held: Mapping[str, Hold]
    causes: Mapping[str, int]
    sent: tuple[Sent, ...]
    quarantined: tuple[tuple[int, str], ...]  # positions of bodies, each with what was wrong

    @property
    def members(self) -> Mapping[str, list[Row]]:
        """Each incident's alerts, the likeliest cause first."""
        found: dict[str, list[Row]] = {incident.id: [] for incident in self.incidents}
        for row in sorted(self.rows, key=lambda row: self.causes.get(row.occurrence.id, 0)):
            if row.occurrence.incident is not None:
                found[row.occurrence.incident].append(row)
        return found

    def objects(self) -> Iterable[dict[str, Any]]:
        """One object an occurrence, as DESIGN.md §9 promises."""
        for row in self.rows:
            one = row.occurrence
            hold = self.held.get(one.id)
            yield {
                "id": one.id,
                "fingerprint": one.fingerprint,
                "startsAt": row.starts_at,
                "incident": one.incident,
                "cause_rank": self.causes.get(one.id),
                "reasons": row.reasons,
                "suppressed": None if hold is None else f"{hold.kind.value}: {hold.reason}",
            }


class _Said(msgspec.Struct):
    startsAt: str | None = None  # noqa: N815  as Alertmanager writes it


class _SaidBody(msgspec.Struct):
    alerts: list[_Said]


_said = msgspec.json.Decoder(_SaidBody)


class Chronicle:
    """Notes what each step of the engine has decided."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.sent: list[Sent] = []
        self.quarantined: list[tuple[int, str]] = []

    def note(self, outcome: Outcome, alerts: tuple[Alert, ...] = (), content: bytes = b"") -> None:
        """`alerts` are those of the body that led to it, `content` its bytes."""
        texts: Mapping[str, list[tuple[datetime, str]]] | None = None
        for one in outcome.occurrences.values():
            known = self.rows.get(one.id)
            if known is not None:
                known.occurrence = one
            else:
                texts = _texts(alerts, content) if texts is None else texts
                self.rows[one.id] = Row(one, _as_received(one, texts))
        for recorded in outcome.events:
            match recorded.event:
                case AlertsJoined(alerts=joined, reason=reason):
                    for alert in joined:
                        self.rows[alert.id].reasons.append(alert.reason or reason)
                case Adopted(root=root, reason=reason) if root.id in self.rows:
                    self.rows[root.id].reasons.append(reason)
                case _:
                    pass
        self.quarantined += [(body.position, why) for body, why in outcome.quarantined]

    def played(self, incidents: Iterable[Incident], held: Mapping[str, Hold], holds: Holds) -> Played:
        """What it came to; `holds` tells when trouble began."""
        by_id = {incident.id: incident for incident in incidents}
        by_incident: dict[str, list[Member]] = {}
        for row in self.rows.values():
            one = row.occurrence
            if one.incident is not None:
                home = by_id[one.incident]
                while home.merged_into:
                    home = by_id[home.merged_into]
                row.occurrence = one.in_incident(home.id)
                began_at = onset(one.labels, one.annotations, one.starts_at, holds)
                by_incident.setdefault(home.id, []).append(Member(one, began_at))
        causes = {
            member.occurrence.id: rank
            for name, members in by_incident.items()
            for rank, member in enumerate(ranked(members, by_id[name]), start=1)
        }
        ours = {name: hold for name, hold in held.items() if name in self.rows and not self._joined(name)}
        return Played(
            tuple(self.rows.values()),
            tuple(incident for incident in by_id.values() if not incident.merged_into),
            ours,
            causes,
            tuple(self.sent),
            tuple(self.quarantined),
        )

    def _joined(self, occurrence: str) -> bool:
        return self.rows[occurrence].occurrence.incident is not None


def _texts(alerts: tuple[Alert, ...], content: bytes) -> Mapping[str, list[tuple[datetime, str]]]:
    """Each identity's `startsAt`, as times and as they were written: Go's nanoseconds are more than a time can hold."""
    found: dict[str, list[tuple[datetime, str]]] = {}
    if alerts:
        for alert, said in zip(alerts, _said.decode(content).alerts, strict=True):
            found.setdefault(alert.identity, []).append((alert.starts_at, said.startsAt or rfc3339(alert.starts_at)))
    return found


def _as_received(one: Occurrence, texts: Mapping[str, list[tuple[datetime, str]]]) -> str:
    said = texts.get(one.identity)
    if not said:
        return rfc3339(one.starts_at)
    return next((text for at, text in said if at == one.starts_at), said[-1][1])


def rfc3339(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
