"""One incident becomes part of another: what follows for both, and for whoever was told of it."""

from __future__ import annotations

from datetime import datetime

from receiver.engine.correlate import Adoption
from receiver.engine.events import Adopted, AlertRef, MergedInto, TookOver
from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.policy import step
from receiver.engine.working_set import WorkingSet


def adopt(incident_id: str, adoption: Adoption, work: WorkingSet, now: datetime, by: str = "") -> str:
    """Merges an incident into another.

    Returns why nothing was done, or an empty text.
    """
    incident, other = work.home(incident_id), work.home(adoption.incident)
    if incident is None or other is None:
        return "one of them is not known"
    if incident.id == other.id:
        return "they are one already"
    if incident.tenant != other.tenant:
        return f"they are of different tenants: {incident.tenant} and {other.tenant}"
    root = other.root.alert if other.root else AlertRef("", other.title)
    adopted = Adopted(
        incident=other.id,
        root=root,
        alerts=other.alerts,
        firing=other.firing,
        severity=other.severity,
        reason=adoption.reason,
        follows=adoption.follows,
        odds=adoption.odds,
        by=by,
    )
    taken = _taken_over(incident, other)
    incident = work.decided(incident, step(incident, adopted, now), now)
    if taken is not None:
        incident = work.decided(incident, step(incident, taken, now), now)
    work.decided(other, step(other, MergedInto(incident.id, adoption.reason, by), now), now)
    work.outcome.merged[other.id] = incident.id
    work.shelf.moves(other.id, incident.id)
    return ""


def _taken_over(incident: Incident, other: Incident) -> TookOver | None:
    """What was told of the other need not be told again, where it was told to the end and was as bad.

    A page that is still under way is not counted on: it will be held back, since its incident is over.
    """
    heard = other.asked <= other.told and other.told
    if not heard or other.severity.rank < incident.severity.rank or incident.status is IncidentStatus.RESOLVED:
        return None
    return TookOver(other.id, other.step, tuple(sorted(other.asked)), tuple(sorted(other.told)), other.acknowledged_by)
