"""The rows of runs, written with what happened to them: limits, lists and approvals ask for these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.engine.incident import Incident
from receiver.engine.run import Run
from receiver.engine.run_events import RunEvent
from receiver.engine.working_set import Recorded
from receiver.store.dialect import insert
from receiver.store.schema import remediations

CHANGES = ("state", "outcome", "ended_at", "reason")


async def write_runs(
    connection: AsyncConnection, events: Iterable[Recorded], incidents: Mapping[str, Incident]
) -> None:
    """Writes the rows of the runs that something happened to."""
    touched = {(one.incident, one.event.run) for one in events if isinstance(one.event, RunEvent)}
    rows = [_values(incidents[incident], run) for incident, name in touched if (run := incidents[incident].run(name))]
    if not rows:
        return
    statement = insert(connection, remediations)
    changed = {name: statement.excluded[name] for name in CHANGES}
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed), rows)


def _values(incident: Incident, run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "incident": incident.id,
        "tenant": incident.tenant,
        "runbook": run.plan.runbook,
        "target": run.plan.target,
        "fleet": run.plan.fleet,
        "state": run.state.value,
        "outcome": run.outcome,
        "dry_run": run.plan.dry_run,
        "by": run.by,
        "plan_hash": run.plan_hash,
        "proposed_at": run.proposed_at,
        "expires_at": run.expires_at,
        "ended_at": run.ended_at,
        "reason": run.reason,
    }
