"""Schedules and shifts as JSON: the API's answers, and what the commands print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from receiver.engine.schedule import Span
from receiver.oncall.schedule import Overlap, Schedule
from receiver.oncall.shift import Shift


def time_json(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def shift_json(shift: Shift) -> dict[str, Any]:
    return {
        "user": shift.user,
        "start": time_json(shift.start),
        "end": time_json(shift.end),
        "layer": shift.layer or None,
        "override": shift.override or None,
        "why": shift.why,
    }


class Named(Protocol):
    """A user as people call them; an empty text: by the user's name."""

    @property
    def name(self) -> str: ...


def who_json(schedule: Schedule, at: datetime, people: Mapping[str, Named]) -> dict[str, Any]:
    """Who is on call at a moment (`user` null: nobody; `name`: as people call them), and who is next."""
    now, following = schedule.at(at), schedule.after(at)
    nobody = {"user": None, "start": None, "end": None, "layer": None, "override": None, "why": "nobody is on call"}
    return {
        "schedule": schedule.name,
        "timezone": schedule.zone.key,
        "name": people[now.user].name or None if now is not None and now.user in people else None,
        **(nobody if now is None else shift_json(now)),
        "next": None if following is None else shift_json(following),
    }


def schedule_json(schedule: Schedule, start: datetime, end: datetime) -> dict[str, Any]:
    """A schedule between two moments; shifts are whole, gaps and overlaps are what lies between the two."""
    return {
        "name": schedule.name,
        "timezone": schedule.zone.key,
        "from": time_json(start),
        "to": time_json(end),
        "shifts": [shift_json(shift) for shift in schedule.shifts(start, end)],
        "gaps": spans_json(schedule.gaps(start, end)),
        "overlaps": [_overlap_json(overlap) for overlap in schedule.overlaps(start, end)],
    }


def spans_json(spans: Iterable[Span]) -> list[dict[str, str]]:
    return [{"start": time_json(span.start), "end": time_json(span.end)} for span in spans]


def _overlap_json(overlap: Overlap) -> dict[str, Any]:
    (span,) = spans_json([overlap.span])
    return span | {"user": overlap.user, "instead_of": overlap.instead_of}
