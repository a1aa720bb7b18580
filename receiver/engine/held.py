"""What is held back and why: an alert that opens no incident for now stands here with its reason, never nowhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from receiver.engine.correlate import Placement
from receiver.engine.events import AlertRef
from receiver.engine.notification import Body

if TYPE_CHECKING:
    from receiver.engine.maintenance import Active

LOOK_AGAIN = "tocsin/look-again"  # the source of our own markers in the inbox; no sender's name can hold a slash
EVERYTHING = "*"


class Kind(StrEnum):
    """Why an alert is held back; also a label of a metric, so the set is bounded."""

    MAINTENANCE = "maintenance"
    FLAPPING = "flapping"
    INHIBITED = "inhibited"
    MINIMUM = "minimum"
    NEVER_FIRED = "never fired"

    @property
    def by_incident(self) -> bool:
        """Whether `by` is an incident, on whose timeline the alert stands."""
        return self in (Kind.FLAPPING, Kind.INHIBITED)


@dataclass(frozen=True, slots=True)
class Hold:
    """The verdict that an alert opens no incident now.

    `by` is what holds it: a window, an incident, a rule. `look_at` is when it must be looked at again; None: when what
    holds it ends.
    """

    kind: Kind
    by: str
    reason: str
    look_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Suppression:
    """An occurrence that is held back, and where it would have gone."""

    occurrence: str
    identity: str
    hold: Hold
    since: datetime
    placement: Placement


@dataclass(frozen=True, slots=True)
class History:
    """How an alert has come and gone of late: kept for alerts that came back, as long as a rule asks.

    While it flaps, `incident` is the one that is held open for it, and `pending` the alert whose end was not told
    there.
    """

    identity: str
    fired: tuple[datetime, ...] = ()
    ended: tuple[datetime, ...] = ()
    incident: str = ""
    pending: AlertRef | None = None
    look_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A node of the topology on which an alert of an incident fires."""

    tenant: str
    node: str
    incident: str


@dataclass(slots=True)
class HeldChanges:
    """What a batch changed of the held; None stands for gone. Committed with the rest of its outcome."""

    suppressions: dict[str, Suppression | None] = field(default_factory=dict)
    histories: dict[str, History | None] = field(default_factory=dict)
    places: dict[str, Place | None] = field(default_factory=dict)
    forget_before: datetime | None = None  # histories that nobody asks for any more

    def __bool__(self) -> bool:
        return bool(self.suppressions or self.histories or self.places)


@dataclass(slots=True)
class Shelf:
    """What a batch must know to hold back or let go; lives for one batch.

    `causes` tells, by tenant and node, which occurrences fire there and in which incident. `due` are the occurrences
    that a marker asks to look at again, `calm` the identities whose flapping may be over.
    """

    windows: tuple[Active, ...] = ()
    suppressions: dict[str, Suppression] = field(default_factory=dict)
    histories: dict[str, History] = field(default_factory=dict)
    causes: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    due: list[str] = field(default_factory=list)
    calm: list[str] = field(default_factory=list)
    more: bool = False  # a marker asks for more than one batch should hold
    changes: HeldChanges = field(default_factory=HeldChanges)

    def hold(self, suppression: Suppression) -> None:
        self.suppressions[suppression.occurrence] = suppression
        self.changes.suppressions[suppression.occurrence] = suppression

    def let_go(self, occurrence: str) -> None:
        self.suppressions.pop(occurrence, None)
        self.changes.suppressions[occurrence] = None

    def remember(self, history: History) -> None:
        self.histories[history.identity] = history
        self.changes.histories[history.identity] = history

    def forget(self, identity: str) -> None:
        self.histories.pop(identity, None)
        self.changes.histories[identity] = None

    def stands(self, occurrence: str, place: Place) -> None:
        """An alert of an incident fires on a node."""
        self.causes.setdefault((place.tenant, place.node), {})[occurrence] = place.incident
        self.changes.places[occurrence] = place

    def leaves(self, occurrence: str, tenant: str, node: str) -> None:
        self.causes.get((tenant, node), {}).pop(occurrence, None)
        self.changes.places[occurrence] = None

    def moves(self, incident: str, to: str) -> None:
        """An incident became part of another: its alerts stand on their nodes for that."""
        for (tenant, node), standing in self.causes.items():
            for occurrence in [one for one, of in standing.items() if of == incident]:
                standing[occurrence] = to
                if occurrence in self.changes.places:
                    self.changes.places[occurrence] = Place(tenant, node, to)


def marker(now: datetime, *, by: str = "", after: str = "") -> Body:
    """A body that makes the engine look again at what `by` holds and at what is due, beyond the id `after`."""
    said = {"alerts": [], "groupLabels": {"by": by, "after": after}}
    return Body(LOOK_AGAIN, now, msgspec.json.encode(said))
