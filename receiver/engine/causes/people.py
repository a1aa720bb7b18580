"""What people decide about incidents: merge, split, move, mark. Each is an event, and teaches what was learned.

It comes through the inbox like everything that moves alerts, in order with them; so it survives replay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from receiver.engine.causes.merging import adopt
from receiver.engine.causes.relearning import WORD, note
from receiver.engine.correlate import Adoption
from receiver.engine.events import (
    AlertRef,
    AlertsJoined,
    AlertsLeft,
    AlertsResolved,
    AnyEvent,
    CauseMarked,
    NoiseMarked,
    Opened,
    Root,
    TookOver,
)
from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.notification import Body, Notification
from receiver.engine.occurrence import Occurrence, new_id
from receiver.engine.policy import step
from receiver.engine.routing import Routing
from receiver.engine.working_set import WorkingSet

DECISION = "tocsin/decision"  # the source of such bodies; no sender's name can hold a slash


class What(StrEnum):
    """What can be decided."""

    MERGE = "merge"  # an incident into another
    MOVE = "move"  # alerts to another incident, or to a new one
    CAUSE = "cause"  # an alert is the cause
    NOISE = "noise"  # an alert has nothing to do with it


def decision(
    what: What, incident: str, by: str, now: datetime, *, to: str = "", alerts: Iterable[Occurrence] = ()
) -> Body:
    """A body that makes the engine carry a decision out."""
    listed = list(alerts)
    said = {
        "what": what.value,
        "incident": incident,
        "by": by,
        "to": to,
        "alerts": " ".join(one.id for one in listed),
        "identities": " ".join(one.identity for one in listed),
    }
    return Body(DECISION, now, msgspec.json.encode({"alerts": [], "groupLabels": said}))


def identities_said(notification: Notification) -> list[str]:
    """The alerts that a decision is about, by identity."""
    return notification.group_labels.get("identities", "").split() if notification.source == DECISION else []


def incidents_said(notifications: Iterable[Notification]) -> set[str]:
    """The incidents that decisions are about."""
    labels = [one.group_labels for one in notifications if one.source == DECISION]
    return {incident for said in labels for incident in (said.get("incident"), said.get("to")) if incident}


def decide(said: Mapping[str, str], work: WorkingSet, routing: Routing, now: datetime) -> None:
    """Carries a decision out; one that has become impossible meanwhile changes nothing, and `work.outcome` says why."""
    incident, by = work.home(said.get("incident")), said.get("by", "") or "somebody"
    if incident is None:
        work.outcome.refused.append(f"{by}: there is no incident {said.get('incident')}")
        return
    wanted = set(said.get("alerts", "").split())
    known = [work.occurrences.get(identity) for identity in said.get("identities", "").split()]
    alerts = [one for one in known if one is not None and one.id in wanted and work.home(one.incident) == incident]
    refused = ""
    if said.get("what") == What.MERGE:
        reason = f"{by} says that they are one"
        refused = adopt(said.get("to", ""), Adoption(incident.id, "", reason, 0.0), work, now, by)
        if not refused:
            _learn_of_merging(incident, work, now)
    elif not alerts:
        refused = f"none of these alerts is part of {incident.id}"
    elif said.get("what") == What.MOVE:
        refused = _move(incident, alerts, said.get("to", ""), by, routing, work, now)
    else:
        for occurrence in alerts:
            incident = _mark(incident, occurrence, What(said["what"]), by, work, now)
    if refused:
        work.outcome.refused.append(f"{by}: {refused}")


def _learn_of_merging(merged: Incident, work: WorkingSet, now: datetime) -> None:
    home = work.home(merged.id)
    if home is not None and home.root is not None and merged.root is not None:
        learned = work.board(home.tenant).learned
        learned.note_followed(merged.root.alert.name, home.root.alert.name, now.timestamp(), WORD)


def _mark(incident: Incident, occurrence: Occurrence, what: What, by: str, work: WorkingSet, now: datetime) -> Incident:
    alert = AlertRef(occurrence.id, occurrence.name)
    event: AnyEvent = CauseMarked(alert, by) if what is What.CAUSE else NoiseMarked(alert, by)
    board = work.board(incident.tenant)
    note(board.learned, incident.root.alert.name if incident.root else occurrence.name, event, now.timestamp())
    board.changed = True
    return work.decided(incident, step(incident, event, now), now)


def _move(
    incident: Incident,
    alerts: Sequence[Occurrence],
    to: str,
    by: str,
    routing: Routing,
    work: WorkingSet,
    now: datetime,
) -> str:
    """Takes alerts out of an incident, into another or a new one. Returns why not, or an empty text."""
    target = work.home(to) if to else None
    if to and (target is None or target.status is IncidentStatus.RESOLVED):
        return f"{to} is not open: alerts can be moved to an open incident, or to a new one"
    if target == incident:
        return f"they are part of {to} already"
    refs = tuple(AlertRef(one.id, one.name) for one in alerts)
    ended = tuple(ref for ref, one in zip(refs, alerts, strict=True) if one.ends_at is not None)
    worst = max(alerts, key=lambda one: one.severity.rank)
    new = target is None
    if target is None:
        target = _opened(incident, alerts, by, routing, work, now)
    joined = AlertsJoined(refs, worst.severity, f"{by} moved it here from {incident.id}")
    target = work.decided(target, step(target, joined, now), now)
    if ended:
        target = work.decided(target, step(target, AlertsResolved(ended), now), now)
    left = AlertsLeft(refs, len(refs) - len(ended), target.id, by)
    work.decided(incident, step(incident, left, now), now)
    for occurrence in alerts:
        work.keep(occurrence.in_incident(target.id))
    if new and target.root is not None:
        board = work.board(target.tenant)
        board.opens(target.id, target.root)
        board.learned.note_opened(target.root.alert.name, now.timestamp(), WORD)
        board.changed = True
    return ""


def _opened(
    incident: Incident,
    alerts: Sequence[Occurrence],
    by: str,
    routing: Routing,
    work: WorkingSet,
    now: datetime,
) -> Incident:
    """A new incident for what a person took out of one: whoever heard of that has heard of this."""
    first = min(alerts, key=lambda one: (one.starts_at, one.identity))
    plan = routing.escalation(first.labels, first.tenant, now)
    opened = Opened(
        tenant=first.tenant,
        source=first.source,
        key=(name := new_id("incident", incident.id, incident.version, first.id)),
        title=first.summary,
        escalation=plan.steps,
        reason=f"{by} took it out of {incident.id}",
        root=Root(AlertRef(first.id, first.name), first.starts_at),
        plan=plan,
        labels=tuple(sorted(first.labels.items())),
    )
    new = Incident(name)
    new = work.decided(new, step(new, opened, now), now)
    heard = TookOver(
        of=incident.id,
        step=incident.step,
        asked=tuple(sorted(incident.asked)),
        told=tuple(sorted(incident.told)),
        acknowledged_by=incident.acknowledged_by,
    )
    return work.decided(new, step(new, heard, now), now)
