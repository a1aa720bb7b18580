"""Incidents, alerts and trees as JSON (DESIGN.md §9)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from receiver.engine.causes.tree import Branch, Placing, Tree
from receiver.engine.events import AnyEvent, Root
from receiver.engine.held import Suppression
from receiver.engine.incident import Incident, Standing
from receiver.engine.occurrence import Occurrence
from receiver.engine.run import Run
from receiver.engine.silence_events import ForeignSilence
from receiver.web import answers

MOST_SERVICES = 20  # named in a tree; the others are counted


def time_json(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def incident_json(incident: Incident) -> answers.IncidentJson:
    """`root` is what it began with, `cause` and `noise` are what people said."""
    root, cause = incident.root, incident.cause
    return {
        "id": incident.id,
        "status": incident.status.value,
        "severity": incident.severity.value,
        "title": incident.title,
        "tenant": incident.tenant,
        "source": incident.source,
        "opened_at": time_json(incident.opened_at),
        "acknowledged_at": time_json(incident.acknowledged_at),
        "acknowledged_by": incident.acknowledged_by or None,
        "snoozed_until": time_json(incident.snoozed_until),
        "assigned_to": incident.assigned_to or None,
        "policy": incident.plan.policy or None,
        "sla_broken": list(incident.sla_broken),
        "resolved_at": time_json(incident.resolved_at),
        "resolved_by": incident.resolved_by or None,
        "reopened": incident.reopened,
        "reopened_at": time_json(incident.reopened_at),
        "alerts": incident.alerts,
        "firing": incident.firing,
        "root": None if root is None else root_json(root),
        "cause": None if cause is None else {"id": cause.id, "name": cause.name},
        "noise": sorted(incident.noise),
        "merged_into": incident.merged_into or None,
        "storm": incident.storm,
        "silences": [silence_json(silence) for silence in incident.silences if not silence.ended],
        "silenced_by": [foreign_json(silence) for silence in incident.silenced_by],
        "runs": [incident_run_json(run) for run in incident.runs],
    }


def silence_json(silence: Standing) -> answers.SilenceJson:
    return {
        "source": silence.source,
        "id": silence.id,
        "until": time_json(silence.until),
        "matchers": list(silence.matchers),
    }


def foreign_json(silence: ForeignSilence) -> answers.ForeignSilenceJson:
    return {
        "source": silence.source,
        "id": silence.id,
        "by": silence.by,
        "comment": silence.comment,
        "until": time_json(silence.until),
    }


def incident_run_json(run: Run) -> answers.IncidentRunJson:
    return {
        "id": run.id,
        "runbook": run.plan.runbook,
        "target": run.plan.target,
        "state": run.state.value,
        "outcome": run.outcome,
        "reason": run.reason,
        "dry_run": run.plan.dry_run,
        "by": run.by or None,
        "approved_by": list(run.approved_by),
        "proposed_at": time_json(run.proposed_at),
        "expires_at": time_json(run.expires_at),
        "started_at": time_json(run.started_at),
        "ended_at": time_json(run.ended_at),
    }


def root_json(root: Root) -> answers.RootJson:
    """The alert that an incident began with; `onset` is when its trouble began."""
    return {"alert": root.alert.id, "name": root.alert.name, "node": root.node, "onset": time_json(root.onset)}


def alert_json(occurrence: Occurrence, suppression: Suppression | None = None) -> answers.AlertJson:
    return {
        "id": occurrence.id,
        "fingerprint": occurrence.fingerprint,
        "starts_at": time_json(occurrence.starts_at),
        "ends_at": time_json(occurrence.ends_at),
        "status": occurrence.status.value,
        "labels": dict(occurrence.labels),
        "annotations": dict(occurrence.annotations),
        "source": occurrence.source,
        "incident": occurrence.incident,
        "suppressed": None if suppression is None else suppression_json(suppression),
    }


def placing_json(placing: Placing) -> answers.PlacingJson:
    """An alert's part in its incident; `odds` says how many times likelier than chance it is."""
    why = placing.why
    return {
        "cause_rank": placing.rank,
        "follows": why.follows or None,
        "reason": why.reason,
        "odds": why.odds or None,
        "noise": placing.noise,
    }


def tree_json(tree: Tree) -> answers.TreeJson:
    """The likeliest cause first, what follows from it in its `branches`; `services` counts consequences."""
    return {
        "branches": [branch_json(branch) for branch in tree.branches],
        "noise": [branch_json(branch) for branch in tree.noise],
        "services": dict(list(tree.services.items())[:MOST_SERVICES]),
        "more_services": max(len(tree.services) - MOST_SERVICES, 0),
        "more_alerts": tree.more_alerts,
        "more_kinds": tree.more_kinds,
        "unread": tree.unread,
    }


def branch_json(branch: Branch) -> answers.BranchJson:
    """Alerts of one name on one service; of each label up to three values and how many there are."""
    return {
        "name": branch.name,
        "service": branch.service,
        "where": branch.where,
        "role": branch.role.value,
        "alert": branch.alert,
        "cause_rank": branch.rank,
        "alerts": branch.alerts,
        "firing": branch.firing,
        "severity": branch.severity.value,
        "began_at": time_json(branch.began_at),
        "ended_at": time_json(branch.ended_at),
        "lag_seconds": None if branch.lag is None else branch.lag.total_seconds(),
        "follows": branch.why.follows or None,
        "reason": branch.why.reason,
        "odds": branch.why.odds or None,
        "by": branch.why.by or None,
        "labels": {label: {"values": list(values), "count": count} for label, (values, count) in branch.labels.items()},
        "branches": [branch_json(below) for below in branch.branches],
    }


def suppression_json(suppression: Suppression) -> answers.SuppressionJson:
    """Why an alert is held back; `incident` has it on its timeline, at `until` it is looked at again."""
    hold = suppression.hold
    return {
        "kind": hold.kind.value,
        "reason": hold.reason,
        "by": hold.by or None,
        "incident": hold.by if hold.kind.by_incident else None,
        "since": time_json(suppression.since),
        "until": time_json(hold.look_at),
    }


def event_json(at: datetime, event: AnyEvent) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(event)
    return {"at": time_json(at)} | told


def acted_json(incident: Incident, *, changed: bool, reason: str) -> answers.ActedJson:
    """What became of an action: `changed` is false where it was so before, and `reason` says why."""
    return {**incident_json(incident), "changed": changed, "reason": reason}
