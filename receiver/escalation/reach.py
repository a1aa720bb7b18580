"""Whom a step's targets mean at this moment: pure, over what was looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from receiver.engine.plan import Contact
from receiver.engine.targets import Target
from receiver.people.directory import Directory
from tocsin.model import Severity


class Shift(Protocol):
    """A turn of duty."""

    @property
    def user(self) -> str: ...

    @property
    def end(self) -> datetime: ...


class Roster(Protocol):
    """A schedule with its overrides."""

    def at(self, moment: datetime) -> Shift | None: ...


@dataclass(frozen=True)
class Circumstances:
    """What is so just now: schedules, how many open incidents everybody has, how often each choice was made in turn."""

    now: datetime
    rosters: Mapping[str, Roster] = field(default_factory=dict)
    load: Mapping[str, int] = field(default_factory=dict)
    turns: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Reached:
    """Those who are told, and which targets mean nobody, each with the reason."""

    contacts: tuple[Contact, ...] = ()
    missed: tuple[str, ...] = ()
    hand_over_at: datetime | None = None
    by_default: bool = False  # these are the default route's people
    taken: tuple[str, ...] = ()  # targets that chose in turn: the next time it is the next one's


def reach(notify: Sequence[str], severity: Severity, directory: Directory, about: Circumstances) -> Reached:
    """Whom these targets mean now, each address once; a target that means nobody is told of."""
    contacts: dict[str, Contact] = {}
    missed: list[str] = []
    ends: list[datetime] = []
    taken: list[str] = []
    for text in notify:
        target = Target.parse(text)
        if target.kind == "channel":
            found = _channel(target.name, directory)
        else:
            people, why = _people(target, directory, about)
            found = [c for user, reason in people for c in directory.contacts_of(user, severity, about.now, reason)]
            if people and not found:
                why = f"{' and '.join(user for user, _ in people)}: no channel of their notification rules reaches them"
            if target.choose == "round_robin" and people:
                taken.append(str(target))
            shift = about.rosters[target.name].at(about.now) if target.kind == "schedule" and people else None
            ends += [shift.end] if shift is not None else []
            if not found:
                missed.append(f"{target}: {why}")
                continue
        if not found:
            missed.append(f"{target}: the channel is no longer configured")
        for contact in found:
            contacts.setdefault(contact.address, contact)
    return Reached(tuple(contacts.values()), tuple(missed), min(ends, default=None), taken=tuple(taken))


def _channel(name: str, directory: Directory) -> list[Contact]:
    reaches = directory.channels.get(name)
    return [] if reaches is None else [Contact(name, reason="the policy names this channel", follows=reaches.follows)]


def _people(target: Target, directory: Directory, about: Circumstances) -> tuple[list[tuple[str, str]], str]:
    """The users that a target means, each with the reason; none: why not."""
    match target.kind:
        case "user":
            known = target.name in directory.users
            return ([(target.name, "the policy names them")] if known else []), "no longer among the users"
        case "schedule":
            return _on_call(target.name, directory, about)
        case _:
            return _of_a_group(target, directory, about)


def _on_call(name: str, directory: Directory, about: Circumstances) -> tuple[list[tuple[str, str]], str]:
    roster = about.rosters.get(name)
    if roster is None:
        return [], "no longer among the schedules"
    shift = roster.at(about.now)
    if shift is None:
        return [], "nobody is on call just now"
    if shift.user not in directory.users:
        return [], f"{shift.user} is on call and no longer among the users"
    zone = directory.users[shift.user].zone
    return [(shift.user, f"on call for {name} until {shift.end.astimezone(zone):%Y-%m-%d %H:%M %Z}")], ""


def _of_a_group(target: Target, directory: Directory, about: Circumstances) -> tuple[list[tuple[str, str]], str]:
    if target.kind == "team":
        if target.name not in directory.teams:
            return [], "no longer among the teams"
        members = [name for name in directory.teams[target.name].members if name in directory.users]
        what = f"of the team {target.name}"
    else:
        members, what = directory.skilled(directory.users, target.name), f"knows {target.name}"
    if target.skill:
        members, what = directory.skilled(members, target.skill), f"{what}, knows {target.skill}"
    if not members:
        return [], f"nobody {what.removeprefix('of ')}" if target.kind == "skill" else f"nobody is {what}"
    if target.choose == "least_loaded":
        user = min(members, key=lambda name: (about.load.get(name, 0), members.index(name)))
        return [(user, f"{what}, with the fewest open incidents ({about.load.get(user, 0)})")], ""
    if target.choose == "round_robin":
        return [(members[about.turns.get(str(target), 0) % len(members)], f"{what}, whose turn it is")], ""
    return [(name, what) for name in members], ""
