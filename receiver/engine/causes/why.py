"""What an incident's events say about each of its alerts: what it follows, why, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from receiver.engine.causes.ranking import Member
from receiver.engine.causes.relearning import Happened
from receiver.engine.events import Adopted, AlertsJoined, CauseMarked, NoiseMarked, StormBegan
from receiver.engine.incident import Incident

MOST_STEPS = 10  # from a cause to the furthest consequence; what is further is shown as near


@dataclass(frozen=True, slots=True)
class Why:
    """Why an alert is part of an incident: `follows` is the alert that explains it, `odds` against chance; 0: unknown.

    `by` is who said so, of those who said it; `taken` whether it came with a whole incident.
    """

    reason: str = ""
    follows: str = ""
    odds: float = 0.0
    by: str = ""
    taken: bool = False


def reasons(happened: Iterable[Happened]) -> dict[str, Why]:
    """The latest reason for each alert, from the events of an incident and of all that were merged into it.

    What an incident was adopted for is the reason of the alert that it had begun with.
    """
    latest: dict[str, tuple[datetime, bool, Why]] = {}

    def note(alert: str, at: datetime, why: Why) -> None:
        known = latest.get(alert)
        if known is None or (at, why.taken) >= known[:2]:
            latest[alert] = (at, why.taken, why)

    for _, at, event in happened:
        match event:
            case AlertsJoined(alerts=alerts):
                common = Why(event.reason, event.follows, event.odds)
                for alert in alerts:
                    own = Why(alert.reason, alert.follows, alert.odds) if alert.reason else common
                    note(alert.id, at, own)
            case Adopted(root=root) if root.id:
                note(root.id, at, Why(event.reason, event.follows, event.odds, event.by, taken=True))
            case _:
                pass
    return {alert: why for alert, (_, _, why) in latest.items()}


def merged(happened: Iterable[Happened]) -> list[str]:
    """The incidents that became part of this one."""
    return [event.incident for _, _, event in happened if isinstance(event, Adopted)]


def stands_for_storm(incident: Incident, happened: Iterable[Happened]) -> bool:
    """Whether new incidents were folded into this one: each has a cause of its own."""
    return any(isinstance(event, StormBegan) and of == incident.id for of, _, event in happened)


def with_marks(incident: Incident, happened: Iterable[Happened]) -> tuple[Incident, str]:
    """The incident with what people had marked as noise in those that were merged into it; who marked its cause."""
    noise = set[str]()
    marked_by = ""
    for _, _, event in sorted(happened, key=lambda one: one[1]):
        match event:
            case NoiseMarked(alert=alert):
                noise.add(alert.id)
            case CauseMarked(alert=alert, by=by):
                noise.discard(alert.id)
                if alert == incident.cause:
                    marked_by = by
            case _:
                pass
    return replace(incident, noise=frozenset(noise)), marked_by


def followed(order: Iterable[Member], incident: Incident, known: Mapping[str, Why]) -> dict[str, str]:
    """For each alert that is no noise the one that it follows, itself in the incident; empty: nothing that is known.

    `order` is by rank. Under a cause that a person marked stands everything; without one, what nothing explains stands
    by itself, and what people merged stands under the likeliest cause.
    """
    alerts = {member.occurrence.id: member for member in order if member.occurrence.id not in incident.noise}
    top = next(iter(alerts), "")
    above: dict[str, str] = {}
    first_of: dict[str, str] = {}  # an alert that fires again hangs where it hung before
    for name, member in sorted(alerts.items(), key=lambda one: (one[1].occurrence.starts_at, one[0])):
        why = known.get(name, Why())
        earlier = first_of.setdefault(member.occurrence.identity, name)
        follows = why.follows or (top if why.taken else "")
        if not follows and earlier != name:
            follows = above.get(earlier, "")
        above[name] = follows if follows in alerts and follows != name else ""
    marked = incident.cause.id if incident.cause else ""
    if marked in alerts:
        above = {name: parent or marked for name, parent in above.items()} | {marked: ""}
    return {name: above[name] for name in alerts}


def ways(above: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """For each alert those that lead to it, from the top on, itself last; `above` is what each hangs on.

    People can tie a circle: it is cut above what comes first in it.
    """
    above = dict(above)
    known: dict[str, tuple[str, ...]] = {}
    for name in above:
        climbed = _climb(name, above, known)
        last = next(reversed(climbed), name)
        if above[last] in climbed:
            above[above[last]] = ""
            climbed = _climb(name, above, known)
            last = next(reversed(climbed))
        way = known.get(above[last], ())
        for one in reversed(climbed):
            way = (*way[: MOST_STEPS - 1], one)
            known[one] = way
    return known


def _climb(name: str, above: Mapping[str, str], known: Mapping[str, object]) -> dict[str, None]:
    """An alert and those above it, up to one whose way is known, the top, or the last of a circle."""
    climbed: dict[str, None] = {}
    while name and name not in known and name not in climbed:
        climbed[name] = None
        name = above[name]
    return climbed
