"""What there is to call about runbooks, as `calls.py` has the rest."""

from __future__ import annotations

from tocsin.client.call import Call, each, one, path, said


class RunCalls:
    """Runbooks, their runs, approvals, and the switch that stops them all."""

    __slots__ = ()

    @each
    def runbooks() -> Call:
        """Every runbook that is configured, by name."""
        return Call("GET", path("runbooks"))

    @each
    def possible_runs(incident: str, *, by: str | None = None) -> Call:
        """What each runbook that fits would do about an incident now; nothing is done."""
        return Call("GET", path("incidents", incident, "runbooks"), {"by": by})

    @one
    def run_runbook(
        incident: str,
        runbook: str,
        *,
        target: str | None = None,
        dry_run: bool | None = None,
        plan_hash: str | None = None,
        by: str | None = None,
        reason: str | None = None,
        key: str = "",
    ) -> Call:
        """Asks for a run; the same `key` names the same run. With `plan_hash` of exactly that plan."""
        wanted = said(runbook=runbook, target=target, dry_run=dry_run, plan_hash=plan_hash, by=by, reason=reason)
        return Call("POST", path("incidents", incident, "runs"), body=wanted, key=key)

    @each
    def runs(
        *,
        incident: str | None = None,
        runbook: str | None = None,
        target: str | None = None,
        state: str | None = None,
        outcome: str | None = None,
    ) -> Call:
        """Every run that is so, newest first."""
        return Call("GET", path("runs"), dict(locals()))

    @one
    def run_record(run: str) -> Call:
        """The whole record of a run."""
        return Call("GET", path("runs", run))

    @each
    def approvals() -> Call:
        """Every run that waits for approval, with its plan."""
        return Call("GET", path("approvals"))

    @one
    def approve_run(run: str, plan_hash: str, *, by: str | None = None, reason: str | None = None) -> Call:
        """Agrees with exactly the plan of that hash."""
        return Call("POST", path("runs", run, "approve"), body=said(plan_hash=plan_hash, by=by, reason=reason))

    @one
    def reject_run(run: str, *, plan_hash: str | None = None, by: str | None = None, reason: str | None = None) -> Call:
        """Says no: the run ends, and nothing of it is done."""
        return Call("POST", path("runs", run, "reject"), body=said(plan_hash=plan_hash, by=by, reason=reason))

    @one
    def cancel_run(run: str, *, by: str | None = None, reason: str | None = None) -> Call:
        """Calls a run off that has not begun."""
        return Call("POST", path("runs", run, "cancel"), body=said(by=by, reason=reason))

    @one
    def remediation() -> Call:
        """Whether all remediation is stopped, by whom and why."""
        return Call("GET", path("remediation"))

    @one
    def stop_remediation(reason: str, *, by: str | None = None) -> Call:
        """Lets no run and no step of any tenant begin any more."""
        return Call("POST", path("remediation", "stop"), body=said(reason=reason, by=by))

    @one
    def start_remediation(*, by: str | None = None) -> Call:
        """Lets runs begin again."""
        return Call("POST", path("remediation", "start"), body=said(by=by))
