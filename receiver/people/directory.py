"""Lookups over the people of the configuration: who has a contact, a skill, a right; how somebody is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, tzinfo
from typing import Protocol

from receiver.access.principal import Grant, Principal, Tenants
from receiver.engine.plan import Contact
from receiver.people.settings import ROLES, QuietHours, RoleSettings, RuleSettings, TeamSettings, UserSettings
from tocsin.model import Severity


class Reaches(Protocol):
    """What a channel says of itself."""

    @property
    def contact(self) -> str:
        """Which of a user's contacts it needs; an empty text: it reaches whoever reads it, not a person."""
        ...

    @property
    def follows(self) -> bool:
        """Whether it shows how an incident goes on."""
        ...


@dataclass(frozen=True)
class Directory:
    """Users, teams and roles of one configuration, and how people are told."""

    users: Mapping[str, UserSettings] = field(default_factory=dict)
    teams: Mapping[str, TeamSettings] = field(default_factory=dict)
    roles: Mapping[str, RoleSettings] = field(default_factory=dict)
    rules: Sequence[RuleSettings] = ()
    channels: Mapping[str, Reaches] = field(default_factory=dict)

    def principal(self, user: str, via: str = "api") -> Principal | None:
        """A user with all that the roles give; None: nobody of that name."""
        settings = self.users.get(user)
        if settings is None:
            return None
        roles = [found for name in settings.roles if (found := self.role(name)) is not None]
        grants = [Grant(frozenset(role.scopes), _tenants(role)) for role in roles]
        return Principal.of(user, grants, via)

    @property
    def zones(self) -> Mapping[str, tzinfo]:
        """Where each user is."""
        return {name: user.zone for name, user in self.users.items()}

    def role(self, name: str) -> RoleSettings | None:
        return self.roles.get(name) or ROLES.get(name)

    def by_contact(self, kind: str, value: str) -> str | None:
        """The user whose contact this is: who pressed a button, who wrote back."""
        wanted = value.casefold() if kind == "email" else value
        for name, user in self.users.items():
            has = getattr(user.contacts, kind) or ""
            if (has.casefold() if kind == "email" else has) == wanted and has:
                return name
        return None

    def skilled(self, names: Iterable[str], skill: str) -> list[str]:
        """Those of the named who have a skill."""
        return [name for name in names if name in self.users and skill in self.users[name].skills]

    def contacts_of(self, user: str, severity: Severity, now: datetime, reason: str) -> list[Contact]:
        """How somebody is told of an incident of that severity, now: each way with its delay."""
        settings = self.users.get(user)
        if settings is None:
            return []
        found = []
        for rule in self._rules_of(settings):
            if rule.severities and severity not in rule.severities:
                continue
            reaches = self.channels.get(rule.channel)
            if reaches is None or not self._has(settings, reaches):
                continue
            quiet = quiet_until(settings, severity, now + rule.after)
            after, why = rule.after, reason
            if quiet is not None:
                after, why = quiet - now, f"{reason}; quiet hours until {quiet.astimezone(settings.zone):%H:%M %Z}"
            found.append(Contact(rule.channel, user, after, why, reaches.follows))
        return found

    def _rules_of(self, settings: UserSettings) -> Sequence[RuleSettings]:
        """Their own rules, else everybody's, else each channel that has a contact for them, one after the other."""
        rules = self.rules if settings.notification_rules is None else settings.notification_rules
        if rules:
            return rules
        usable = [name for name, reaches in self.channels.items() if reaches.contact and self._has(settings, reaches)]
        return [RuleSettings(channel=name, after=timedelta(minutes=5 * turn)) for turn, name in enumerate(usable)]

    @staticmethod
    def _has(settings: UserSettings, reaches: Reaches) -> bool:
        return bool(not reaches.contact or getattr(settings.contacts, reaches.contact, None))


def _tenants(role: RoleSettings) -> Tenants:
    return None if role.tenants is None else frozenset(role.tenants)


def quiet_until(settings: UserSettings, severity: Severity, at: datetime) -> datetime | None:
    """When the quiet hours end that a moment lies in; None: it lies in none, or this cannot wait."""
    quiet = settings.quiet_hours
    if quiet is None or severity in quiet.unless:
        return None
    local = at.astimezone(settings.zone)
    if not _within(quiet, local.time()):
        return None
    day = local.date() + timedelta(days=quiet.end <= local.time().replace(tzinfo=None))
    return datetime.combine(day, quiet.end, settings.zone).astimezone(at.tzinfo)


def _within(quiet: QuietHours, at: time) -> bool:
    if quiet.start < quiet.end:
        return quiet.start <= at < quiet.end
    return at >= quiet.start or at < quiet.end
