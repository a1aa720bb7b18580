"""What the API answers about who is on call, as types: `oncall/shapes.py` makes most of them. Fields may be added."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict  # pydantic reads these before Python 3.12

from receiver.web.answers import Severity, Time


class NamedScheduleJson(TypedDict):
    """A schedule of the configuration."""

    name: str
    timezone: str


class ShiftJson(TypedDict):
    """Who is on call from `start` until just before `end`; `why` tells what put them there."""

    user: str
    start: Time
    end: Time
    layer: str | None
    override: str | None
    why: str


class WhoJson(TypedDict):
    """Who is on call at a time (`user` null: nobody; `name`: as people call them), and the shift that begins next."""

    schedule: str
    timezone: str
    at: Time
    name: str | None
    user: str | None
    start: Time | None
    end: Time | None
    layer: str | None
    override: str | None
    why: str
    next: ShiftJson | None


class SpanJson(TypedDict):
    """A time."""

    start: Time
    end: Time


class OverlapJson(SpanJson):
    """A time for which two are named: `user` counts."""

    user: str
    instead_of: str


ScheduleJson = TypedDict(
    "ScheduleJson",
    {
        "name": str,
        "timezone": str,
        "from": Time,
        "to": Time,
        "shifts": list[ShiftJson],
        "gaps": list[SpanJson],
        "overlaps": list[OverlapJson],
    },
)
ScheduleJson.__doc__ = (
    "A schedule between two times; shifts are whole, gaps and overlaps are what lies between the two."
)

OverrideJson = TypedDict(
    "OverrideJson",
    {
        "id": str,
        "schedule": str,
        "timezone": str,
        "status": Literal["planned", "active", "over", "removed"],
        "from": Time,
        "to": Time,
        "user": str,
        "swap_with": str | None,
        "created_at": Time,
        "created_by": str,
        "removed_at": Time | None,
        "removed_by": str | None,
    },
)
OverrideJson.__doc__ = "An override, or with `swap_with` a swap, that somebody added at run time."


class RemovedOverrideJson(OverrideJson):
    """An override that was taken away; `changed` says whether it was there before."""

    changed: bool


class HoleJson(TypedDict):
    """A time in which no step of a policy reaches anybody for incidents of these severities; `missed` tells why."""

    start: Time
    end: Time
    severities: list[Severity]
    missed: list[str]


PolicyHolesJson = TypedDict(
    "PolicyHolesJson",
    {"policy": str | None, "timezone": str, "from": Time, "to": Time, "holes": list[HoleJson]},
)
PolicyHolesJson.__doc__ = "When a policy could find nobody; `policy` is null for the one of `escalation`."

ScheduleGapsJson = TypedDict(
    "ScheduleGapsJson",
    {
        "schedule": str,
        "timezone": str,
        "from": Time,
        "to": Time,
        "gaps": list[SpanJson],
        "policies": list[str | None],
    },
)
ScheduleGapsJson.__doc__ = "When nobody is on call, and the policies that name this schedule."


class GapsJson(TypedDict):
    """When policies could find nobody, and when nobody is on call."""

    policies: list[PolicyHolesJson]
    schedules: list[ScheduleGapsJson]
