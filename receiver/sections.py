"""The parts of the configuration that tell who is told of what: in receiver.yml, or in files of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from receiver.escalation.settings import PolicySettings, RoutesSettings
from receiver.oncall.business_hours import BusinessHours
from receiver.oncall.settings import ScheduleSettings
from receiver.people.settings import (
    Name,
    RoleSettings,
    RuleSettings,
    TeamSettings,
    TenantSettings,
    TierSettings,
    UserSettings,
)
from tocsin.config import Settings


class Sections(Settings):
    """What may stand in a file of `people_files`, as in receiver.yml itself."""

    users: dict[Name, UserSettings] = Field({}, description="Who can be told, and who may do something.")
    teams: dict[Name, TeamSettings] = Field({}, description="People who answer for something together.")
    roles: dict[Name, RoleSettings] = Field({}, description="What somebody may do; viewer, responder, admin exist.")
    schedules: dict[Name, ScheduleSettings] = Field({}, description="Who is on call, by name.")
    business_hours: dict[Name, BusinessHours] = Field({}, description="Times of the week, by name.")
    escalation_policies: dict[Name, PolicySettings] = Field({}, description="Who is told, in turn, by name.")
    routes: RoutesSettings | None = Field(None, description="Which incidents go to which policy.")
    notification_rules: tuple[RuleSettings, ...] = Field((), description="How people are told who have no own rules.")
    tiers: dict[Name, TierSettings] = Field({}, description="What tenants were promised, by tier.")
    tenants: dict[str, TenantSettings] = Field({}, description="Tenants and their tiers.")


def merged(into: dict[str, Any], more: Sections) -> Iterator[tuple[str, str]]:
    """Puts the sections of another file into data; gives what stands in both: the section and the name."""
    for section in more.model_fields_set:
        value = getattr(more, section)
        if isinstance(value, dict):
            known = into.setdefault(section, {})
            for name, one in value.items():
                if name in known:
                    yield section, name
                known[name] = one
        elif into.get(section):
            yield section, ""
        else:
            into[section] = value
