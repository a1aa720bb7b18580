"""What `tocsin oncall gaps` tells: when a policy could find nobody, and when nobody is on call in a schedule."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from receiver.engine.routing import Policy
from receiver.engine.targets import Target
from receiver.escalation.holes import Hole, holes
from receiver.oncall.current import of_name
from receiver.oncall.localtime import midnight_before, weeks_later
from receiver.oncall.schedule import Schedule
from receiver.oncall.shapes import spans_json, time_json
from receiver.people.directory import Directory

Json = dict[str, Any]


def gaps_json(
    policies: Mapping[str, Policy],
    directory: Directory,
    schedules: Mapping[str, Schedule],
    now: datetime,
    weeks: int,
    only: str | None = None,
) -> Json:
    """So many weeks ahead, of policies from now on, of schedules from today on; `only`: a schedule, and who names it.

    Raises:
        NoSuchSchedule: there is none of that name.
    """
    shown = schedules if only is None else {only: of_name(schedules, only)}
    named = {name: _schedules(policy) for name, policy in policies.items()}
    return {
        "policies": [
            _policy_json(name, policy, directory, schedules, now.replace(second=0, microsecond=0), weeks)
            for name, policy in policies.items()
            if only is None or only in named[name]
        ],
        "schedules": [
            _schedule_json(one, now, weeks) | {"policies": [name or None for name in policies if key in named[name]]}
            for key, one in shown.items()
        ],
    }


def finds_nobody(found: Json) -> bool:
    """Whether a policy could find nobody or, where no policy is looked at, a schedule has a gap."""
    if found["policies"]:
        return any(one["holes"] for one in found["policies"])
    return any(one["gaps"] for one in found["schedules"])


def _schedules(policy: Policy) -> list[str]:
    """The schedules that a policy's steps name."""
    targets = [Target.parse(text) for step in policy.escalation.steps for text in step.notify]
    return [target.name for target in targets if target.kind == "schedule"]


def _policy_json(
    name: str,
    policy: Policy,
    directory: Directory,
    schedules: Mapping[str, Schedule],
    start: datetime,
    weeks: int,
) -> Json:
    """In the time zone of the first schedule that it names."""
    zones = [schedules[one].zone for one in _schedules(policy) if one in schedules]
    zone = zones[0] if zones else ZoneInfo("UTC")
    end = weeks_later(start, weeks, zone)
    found = [_hole_json(hole) for hole in holes({name: policy}, directory, schedules, start, end)]
    return {"policy": name or None, **_about(zone, start, end), "holes": found}


def _hole_json(hole: Hole) -> Json:
    (span,) = spans_json([hole.span])
    return {**span, "severities": [severity.value for severity in hole.severities], "missed": list(hole.missed)}


def _schedule_json(schedule: Schedule, now: datetime, weeks: int) -> Json:
    start = midnight_before(now, schedule.zone)
    end = weeks_later(start, weeks, schedule.zone)
    about = _about(schedule.zone, start, end)
    return {"schedule": schedule.name, **about, "gaps": spans_json(schedule.gaps(start, end))}


def _about(zone: ZoneInfo, start: datetime, end: datetime) -> Json:
    return {"timezone": zone.key, "from": time_json(start), "to": time_json(end)}
