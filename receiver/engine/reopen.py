"""An alert that fires again returns to the incident that it was part of: while that is open, and shortly after."""

from __future__ import annotations

from datetime import datetime, timedelta

from receiver.engine.correlate import Placement
from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.ingest import Sighting
from receiver.engine.working_set import WorkingSet
from tocsin import duration


def returned(sighting: Sighting, work: WorkingSet, within: timedelta, now: datetime) -> Placement | None:
    """Where an alert belongs that has fired before; None if that tells nothing. What has resolved is to be reopened.

    Args:
        within: how long after an incident has resolved its alerts reopen it.
    """
    before = sighting.previous.incident if sighting.previous else None
    incident = work.home(before)
    if incident is None:
        return None
    reason = ""
    if incident.status is IncidentStatus.RESOLVED:
        reason = reopens(incident, sighting.occurrence.name, within, now)
        if not reason or incident.key in work.open_by_key:  # the open one has taken its place
            return None
    return Placement(incident.key, "fired again, and was part of this incident before", incident.id, reopens=reason)


def reopens(incident: Incident, alert: str, within: timedelta, now: datetime) -> str:
    """Why an alert that fires again reopens its resolved incident; an empty text if it does not."""
    if incident.resolved_at is None:
        return ""
    since = max(now - incident.resolved_at, timedelta())
    if since > within or not within:
        return ""
    return f"{alert} fired again {duration.show(timedelta(seconds=round(since.total_seconds())))} after it had resolved"
