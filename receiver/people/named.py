"""Names that the configuration uses: whether there is somebody, or something, of that name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Protocol

from receiver.engine.targets import Target
from receiver.people.settings import TeamSettings, UserSettings

Missing = tuple[str, str]  # what is missing, and the way out


class Somebody(Protocol):
    """Whom a target can mean."""

    @property
    def users(self) -> Mapping[str, UserSettings]: ...
    @property
    def teams(self) -> Mapping[str, TeamSettings]: ...
    @property
    def schedules(self) -> Collection[str]: ...


def missing(name: str, names: Iterable[str], what: str) -> Missing | None:
    """What is to be said where nothing has the name; None: something has."""
    known = sorted(names)
    if name in known:
        return None
    near = get_close_matches(name, known, n=1)
    listed = f"known here: {', '.join(known) or 'none is configured'}"
    return f"{name!r} is not {what}", f"did you mean {near[0]!r}?" if near else listed


def missing_target(text: str, people: Somebody, channels: Collection[str]) -> Missing | None:
    """What is to be said where a target, as `schedule:payments` is one, means nobody; None: it means somebody."""
    target = Target.parse(text)
    if target.kind == "skill":
        skills = {skill for user in people.users.values() for skill in user.skills}
        return missing(target.name, skills, "a skill of any user")
    known: dict[str, Collection[str]] = {
        "channel": channels,
        "user": people.users,
        "team": people.teams,
        "schedule": people.schedules,
    }
    return missing(target.name, known[target.kind], f"a {target.kind}")
