"""Checks of approvals: the role is there, enough people have it, and whoever is to be asked can be."""

from __future__ import annotations

from collections.abc import Iterator

from receiver.access.principal import Scope
from receiver.people.directory import Directory
from receiver.people.named import missing, missing_target
from receiver.people.settings import ROLES, RoleSettings
from receiver.remediate.findings import Config, Finding
from receiver.remediate.runbook import Runbook
from receiver.remediate.settings import ApprovalSettings

APPROVES: Scope = "remediation:approve"


def approval_can_be_given(runbook: Runbook, config: Config | None) -> Iterator[Finding]:
    """The role exists and may approve, enough users have it, and the targets to be asked exist."""
    terms = runbook.settings.approval
    if terms is None or config is None:
        return
    role = _role(terms, config)
    if terms.role is not None and role is None:
        message, hint = missing(terms.role, {*ROLES, *config.roles}, "a role") or ("", "")
        yield Finding("unknown-role", ("approval", "role"), message, hint)
    elif role is not None and not {APPROVES, "admin:all"} & set(role.scopes):
        hint = f"add {APPROVES} to roles.{terms.role}.scopes, or name another role"
        yield Finding("role", ("approval", "role"), f"the role {terms.role!r} may approve nothing", hint)
    else:
        yield from _too_few(runbook, terms, config)
    for number, target in enumerate(terms.notify):
        found = missing_target(target, config, config.channels)
        if found is not None:
            yield Finding("unknown-target", ("approval", "notify", number), *found)


def _role(terms: ApprovalSettings, config: Config) -> RoleSettings | None:
    return config.roles.get(terms.role or "") or ROLES.get(terms.role or "")


def _too_few(runbook: Runbook, terms: ApprovalSettings, config: Config) -> Iterator[Finding]:
    """For one tenant after the other; where no users are configured, and no role is asked for, anybody may approve."""
    if not config.users and terms.role is None:
        return
    directory = Directory(config.users, config.teams, config.roles)
    for tenant in runbook.settings.tenants or (None,):
        able = []
        for name, user in config.users.items():
            principal = directory.principal(name)
            may = principal is not None and principal.may(APPROVES, tenant)
            if may and (terms.role is None or terms.role in user.roles):
                able.append(name)
        if len(able) < terms.count:
            whose = f" of the role {terms.role!r}" if terms.role else ""
            where = f" for tenant {tenant!r}" if tenant else ""
            message = f"{terms.count} must agree, and {_counted(able)}{whose} may approve{where}"
            hint = f"give users a role with the scope {APPROVES}, or ask for fewer"
            yield Finding("too-few-approvers", ("approval", "count"), message, hint)
            return


def _counted(names: list[str]) -> str:
    return " and ".join(sorted(names)) if names else "no user"
