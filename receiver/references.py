"""What the parts of the configuration say of each other: files that name more, and names that must exist."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from glob import glob
from pathlib import Path
from typing import Any

from receiver.escalation.settings import EscalationSettings, RouteSettings
from receiver.people.named import Missing, missing, missing_target
from receiver.people.settings import ROLES, RuleSettings, TenantSettings
from receiver.sections import Sections, merged
from tocsin import yamltree
from tocsin.config import Fault, validate
from tocsin.errors import InputError
from tocsin.problem import Position, Problem, has_errors
from tocsin.yamltree import Document, YamlPath

Places = dict[tuple[str | int, ...], Document]  # the files that other than the first one's sections come from


def with_other_files(data: dict[str, Any], folder: Path, places: Places) -> dict[str, Any]:
    """The data of receiver.yml with the sections of `people_files` and the tiers of `tenant_files`.

    `places` is told which document each section, or each name of it, comes from.

    Raises:
        InputError: one of these files has problems.
    """
    whole = {key: dict(value) if isinstance(value, dict) else value for key, value in data.items()}
    problems: list[Problem] = []
    for document in _documents(data.get("people_files"), folder, problems):
        more, found = validate(document, Sections, os.environ)
        problems += found
        if more is None:
            continue
        for section in more.model_fields_set:
            names = getattr(more, section)
            places |= (
                {(section, name): document for name in names} if isinstance(names, dict) else {(section,): document}
            )
        for section, name in merged(whole, more):
            what = f"{section}: {name!r}" if name else section
            problems.append(
                Problem(
                    "twice",
                    f"{what} stands in two files",
                    document.at(section, *([name] if name else [])),
                    hint="keep one",
                )
            )
    for document in _documents(data.get("tenant_files"), folder, problems):
        found_tenant = document.data if isinstance(document.data, dict) else {}
        about = found_tenant.get("metadata") or {}
        if found_tenant.get("kind") == "Tenant" and isinstance(about, dict) and about.get("name"):
            tier = about.get("tier")
            whole.setdefault("tenants", {}).setdefault(str(about["name"]), TenantSettings(tier=tier))
    if has_errors(problems):
        raise InputError(problems)
    return whole


def _documents(patterns: Any, folder: Path, problems: list[Problem]) -> Iterator[Document]:
    """The documents of every file that the patterns mean, in order."""
    for pattern in [patterns] if isinstance(patterns, str) else patterns if isinstance(patterns, list | tuple) else ():
        files = sorted(glob(str(folder / str(pattern))))
        if not files:
            hint = "paths count from the configuration's folder; take the line out, or write the file"
            problems.append(Problem("files", f"{pattern}: no such file", Position(str(folder)), hint=hint))
        for file in files:
            documents, found = yamltree.read(Path(file))
            problems += found
            yield from () if has_errors(found) else documents


def faults(config: Sections, channels: Collection[str], one_policy: bool, places: Places) -> Iterator[Fault]:
    """Names that nothing has, routes that lead nowhere, policies that nobody comes to; each with its file."""
    for fault in _faults(config, channels, one_policy):
        yield placed(fault, places)


def placed(fault: Fault, places: Places) -> Fault:
    """A fault with the file that its part of the configuration comes from."""
    return replace(fault, document=places.get(tuple(fault.path[:2])) or places.get(tuple(fault.path[:1])))


def _faults(config: Sections, channels: Collection[str], one_policy: bool) -> Iterator[Fault]:
    yield from _people(config, channels)
    escalation = getattr(config, "escalation", None)
    if escalation is not None:
        yield from _steps(config, channels, escalation, ("escalation",))
    for name, policy in config.escalation_policies.items():
        yield from _steps(config, channels, policy, ("escalation_policies", name))
        yield from _outside(config, name)
    if config.routes is not None and one_policy:
        hint = "make it a policy under escalation_policies and name that under routes.policy"
        yield Fault(("escalation",), "escalation stands beside routes; which of them counts?", hint)
    if config.routes is None and config.escalation_policies:
        hint = "add routes: {policy: NAME}; that is the default route"
        yield Fault(("escalation_policies",), "there are policies, but no routes lead to them", hint)
    if config.routes is not None:
        yield from _known(config.routes.policy, config.escalation_policies, ("routes", "policy"), "a policy")
        for number, route in enumerate(config.routes.routes):
            yield from _route(config, route, ("routes", "routes", number))
    for name, tenant in config.tenants.items():
        if tenant.tier is not None and (config.tiers or "tenants" in config.model_fields_set):
            yield from _known(tenant.tier, config.tiers, ("tenants", name, "tier"), "a tier")


def _people(config: Sections, channels: Collection[str]) -> Iterator[Fault]:
    for name, user in config.users.items():
        for number, role in enumerate(user.roles):
            yield from _known(role, {**ROLES, **config.roles}, ("users", name, "roles", number), "a role")
        if user.notification_rules is not None:
            yield from _rules(user.notification_rules, channels, ("users", name, "notification_rules"))
    yield from _rules(config.notification_rules, channels, ("notification_rules",))
    for name, team in config.teams.items():
        for number, member in enumerate(team.members):
            yield from _known(member, config.users, ("teams", name, "members", number), "a user")
    for name, schedule in config.schedules.items():
        for person in sorted(schedule.people()):
            yield from _known(person, config.users, ("schedules", name), "a user")


def _rules(rules: tuple[RuleSettings, ...], channels: Collection[str], at: YamlPath) -> Iterator[Fault]:
    for number, rule in enumerate(rules):
        yield from _known(rule.channel, channels, (*at, number, "channel"), "a channel")


def _steps(
    config: Sections, channels: Collection[str], escalation: EscalationSettings, at: YamlPath
) -> Iterator[Fault]:
    for number, step in enumerate(escalation.steps):
        for place, text in enumerate(step.notify):
            where: YamlPath = (*at, "steps", number, "notify", place)
            yield from _told(missing_target(text, config, channels), where)


def _outside(config: Sections, name: str) -> Iterator[Fault]:
    policy = config.escalation_policies[name]
    at: YamlPath = ("escalation_policies", name, "outside")
    if policy.outside is None:
        return
    yield from _known(policy.outside, config.escalation_policies, at, "a policy")
    yield from _known(policy.hours or "", config.business_hours, (*at[:-1], "hours"), "business hours")
    seen, other = {name}, policy.outside
    while other in config.escalation_policies and (following := config.escalation_policies[other].outside):
        if other in seen:
            yield Fault(
                at,
                f"{name} leads outside of its hours to {other}, and that back again",
                "end with a policy without hours",
            )
            return
        seen.add(other)
        other = following


def _route(config: Sections, route: RouteSettings, at: YamlPath) -> Iterator[Fault]:
    if route.policy is not None:
        yield from _known(route.policy, config.escalation_policies, (*at, "policy"), "a policy")
    for number, inner in enumerate(route.routes):
        yield from _route(config, inner, (*at, "routes", number))


def _known(name: str, names: Iterable[str], at: YamlPath, what: str) -> Iterator[Fault]:
    yield from _told(missing(name, names, what), at)


def _told(found: Missing | None, at: YamlPath) -> Iterator[Fault]:
    if found is not None:
        message, hint = found
        yield Fault(at, f"{'.'.join(map(str, at))}: {message}", hint)
