"""Whether a run may begin, as far as its incident and its runbook tell; pure. Guards and limits are asked besides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from receiver.engine.incident import Incident, IncidentStatus
from receiver.engine.occurrence import Occurrence
from receiver.engine.run_events import Observed
from receiver.engine.runs_planned import RunPlan
from receiver.remediate.runbook import Runbook
from tocsin import duration


def why_not(
    incident: Incident, plan: RunPlan, alerts: Sequence[Occurrence], runbook: Runbook | None, now: datetime
) -> str:
    """What stands against a run that would begin now, or an empty text. `alerts` are those of the incident."""
    if incident.status is IncidentStatus.RESOLVED:
        return "the incident is over"
    if incident.status is IncidentStatus.ACKNOWLEDGED and not plan.while_acknowledged:
        return f"{incident.acknowledged_by} has the incident (the runbook's while_acknowledged is false)"
    if runbook is None:
        return "the runbook is no longer configured"
    if runbook.hash != plan.runbook_hash:
        return "the runbook has changed since this was planned: plan it anew"
    firing = [one for one in alerts if one.ends_at is None]
    if all(one.id != plan.alert for one in firing):
        return f"the alert {plan.alert_name} that it is for no longer fires"
    newest = max(one.starts_at for one in firing)
    if now - newest > plan.fresh_within:
        age, most = duration.show(now - newest), duration.show(plan.fresh_within)
        return f"the newest alert of the incident began {age} ago, and the runbook is for {most} (fresh_within)"
    return ""


def against(observed: Sequence[Observed]) -> str:
    """What guards say against it, or an empty text."""
    return "; ".join(f"guard {one.name}: {one.reason}" for one in observed if not one.holds)
