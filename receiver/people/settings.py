"""Users, teams, roles, tiers and tenants as they stand in files."""

from __future__ import annotations

import re
from datetime import time, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from receiver.access.principal import Scope
from receiver.engine.plan import Sla
from tocsin.config import Duration, OneOrMore, Settings
from tocsin.model import Severity

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Clock = Annotated[time, Field(description="A local time: 22:00.")]
Language = Literal["en", "de", "fr"]

CONTACTS = {
    "email": (re.compile(r"[^@\s<>,;:\"()\[\]\\]+@[^@\s<>,;:]+"), "oncall@example.org"),
    "phone": (re.compile(r"\+[1-9][0-9]{6,14}"), "+4930123456 (E.164)"),
    "slack": (re.compile(r"[UW][A-Z0-9]{2,20}"), "U012ABCDEF, the member's ID (Slack: profile, Copy member ID)"),
    "pagerduty": (re.compile(r"[A-Z0-9]{5,20}|[^@\s<>]+@[^@\s<>]+"), "PXXXXXX, the user's ID, or their e-mail address"),
    "apprise": (re.compile(r"[a-z][a-z0-9+.-]*://\S+"), "a URL of apprise, better in a *_file of the channel"),
}


def _zone(text: str) -> str:
    if text not in available_timezones():
        raise PydanticCustomError("timezone", "is no time zone", {"hint": "write it as Europe/Berlin or UTC"})
    return text


Zone = Annotated[str, AfterValidator(_zone)]


class ContactSettings(Settings):
    """The ways to reach somebody; each channel takes the one it needs."""

    email: str | None = Field(None, description="An address: `alice@example.org`.")
    phone: str | None = Field(None, description="A number as E.164 has it: `+4930123456`; for SMS and calls.")
    slack: str | None = Field(None, description="The member's ID: `U012ABCDEF` (in Slack: profile, Copy member ID).")
    pagerduty: str | None = Field(None, description="The user's ID, or the address they log in with there.")
    apprise: str | None = Field(None, description="A URL of apprise.")

    @model_validator(mode="after")
    def _well_formed(self) -> Self:
        for name, (pattern, example) in CONTACTS.items():
            value = getattr(self, name)
            if value is not None and (len(value) > 300 or not pattern.fullmatch(value)):
                said = {"name": name, "hint": f"write it as {example}"}
                raise PydanticCustomError("contact", "{name} is not written as one", said)
        return self


class RuleSettings(Settings):
    """So long after a step meant somebody, tell them by this channel."""

    channel: Name = Field(description="A channel's name.")
    after: Duration = Field(timedelta(), description="How long after the step; nothing is sent once somebody has it.")
    severities: tuple[Severity, ...] = Field((), description="For incidents of these severities; none: of every one.")


class QuietHours(Settings):
    """When somebody is told only of what cannot wait; the rest comes at the end of the quiet hours."""

    start: Clock = Field(alias="from", description="When they begin, in the user's time zone.")
    end: Clock = Field(alias="to", description="When they end; before their beginning: on the next day.")
    unless: tuple[Severity, ...] = Field((Severity.CRITICAL,), description="What is told all the same.")

    @model_validator(mode="after")
    def _last(self) -> Self:
        if self.start == self.end:
            raise ValueError("quiet hours begin and end at the same time; leave them out, or give an end")
        return self


class UserSettings(Settings):
    """Somebody who can be told, and who may do something."""

    name: str = Field("", description="How people call them; stands in messages.", max_length=100)
    contacts: ContactSettings = Field(ContactSettings(), description="How to reach them.")
    timezone: Zone = Field("UTC", description="Theirs: for quiet hours and for times in messages.")
    language: Language = Field("en", description="In which messages to them are written.")
    skills: tuple[Name, ...] = Field((), description="What they know; a step can ask for it.")
    roles: tuple[Name, ...] = Field(("responder",), description="What they may do.")
    notification_rules: tuple[RuleSettings, ...] | None = Field(None, description="How they are told; none: as all.")
    quiet_hours: QuietHours | None = Field(None, description="When only what cannot wait is told.")

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class TeamSettings(Settings):
    """People who answer for something together."""

    members: OneOrMore[Name] = Field(description="Users, by name.")


class RoleSettings(Settings):
    """What somebody may do, and for whom."""

    scopes: OneOrMore[Scope] = Field(description="What may be done.")
    tenants: OneOrMore[str] | None = Field(None, description="For these tenants; none: for every one.")


class SlaSettings(Settings):
    """How soon somebody must have acknowledged and resolved, by severity."""

    acknowledge: dict[Severity, Duration] = Field({}, description="From the opening, by severity.")
    resolve: dict[Severity, Duration] = Field({}, description="From the opening, by severity.")
    warn: float = Field(0.8, gt=0, lt=1, description="The share of the time after which a warning comes.")

    def sla(self) -> Sla:
        """As the engine wants it."""
        return Sla(tuple(self.acknowledge.items()), tuple(self.resolve.items()), self.warn)


class TierSettings(Settings):
    """What tenants of a tier were promised."""

    sla: SlaSettings | None = Field(None, description="How soon somebody answers.")


class TenantSettings(Settings):
    """A tenant's part in the receiver; its rules are the generator's."""

    tier: Name | None = Field(None, description="One of `tiers`.")


# What exists without being configured; a role of the same name takes its place.
ROLES = {
    "viewer": RoleSettings(scopes=("incidents:read", "rules:read", "metrics:read")),
    "responder": RoleSettings(
        scopes=("incidents:read", "incidents:write", "rules:read", "metrics:read", "remediation:run")
    ),
    "admin": RoleSettings(scopes=("admin:all",)),
}
