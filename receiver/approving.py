"""Whether somebody may say yes or no to a run of a runbook: pure, and strict about who they are."""

from __future__ import annotations

from receiver.access.principal import Principal
from receiver.engine.incident import Incident
from receiver.engine.run import Run
from receiver.engine.run_events import RunApproved, RunRejected
from receiver.people.directory import Directory
from receiver.refusals import Forbidden, NoSuchRun, PlanChanged


def approval(
    incident: Incident, run_id: str, plan_hash: str, who: Principal, directory: Directory, reason: str = ""
) -> RunApproved:
    """Their yes to exactly this plan; whether it still waits for one, and whose counts, is the policy's.

    Raises:
        NoSuchRun: the incident has none of that id.
        Forbidden: the right, or the role that the plan asks for, is missing.
        PlanChanged: they have seen another plan.
    """
    run = _theirs(incident, run_id, who, directory)
    _same(run, plan_hash)
    return RunApproved(run.id, who.name, plan_hash, who.via, reason)


def rejection(
    incident: Incident, run_id: str, plan_hash: str, who: Principal, directory: Directory, reason: str = ""
) -> RunRejected:
    """Their no; without a hash it is one to whatever the run would do.

    Raises:
        NoSuchRun: the incident has none of that id.
        Forbidden: the right, or the role that the plan asks for, is missing.
        PlanChanged: they have seen another plan.
    """
    run = _theirs(incident, run_id, who, directory)
    if plan_hash:
        _same(run, plan_hash)
    return RunRejected(run.id, who.name, who.via, reason)


def _theirs(incident: Incident, run_id: str, who: Principal, directory: Directory) -> Run:
    run = incident.run(run_id)
    if run is None:
        raise NoSuchRun(f"the incident {incident.id} has no run {run_id}; tocsin runbooks approvals list tells which")
    if not who.may("remediation:approve", incident.tenant):
        lacks = f"remediation:approve for the tenant {incident.tenant} is missing"
        raise Forbidden(f"{who.name} may not decide about runbooks: {lacks}")
    if directory.users and who.name not in directory.users:
        raise Forbidden(f"{who.name} is no user here: nobody decides about runbooks for somebody else")
    role = run.plan.approval.role if run.plan.approval is not None else ""
    if role and not _has(role, incident.tenant, who, directory):
        lacks = f"the role {role} for the tenant {incident.tenant}, and {who.name} does not have it"
        raise Forbidden(f"the runbook {run.plan.runbook} wants {lacks}: users.NAME.roles gives it")
    return run


def _has(role: str, tenant: str, who: Principal, directory: Directory) -> bool:
    """Whether somebody has a role by name; no scope stands in for it, admin:all included."""
    user, settings = directory.users.get(who.name), directory.role(role)
    if user is None or settings is None or role not in user.roles:
        return False
    return settings.tenants is None or tenant in settings.tenants


def _same(run: Run, plan_hash: str) -> None:
    if plan_hash != run.plan_hash:
        seen = plan_hash[:40] or "none"
        raise PlanChanged(
            f"that is not the plan as it stands: its hash is {run.plan_hash}, and yours is {seen}; look at it again"
        )
