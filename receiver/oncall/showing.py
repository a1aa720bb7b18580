"""Who is on call in words, for a terminal and a tired person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from receiver.oncall.localtime import WEEKDAYS

Json = Mapping[str, Any]

NONE = "No schedules: write them under schedules in the configuration (docs/reference/oncall.md)."


def who_table(found: Sequence[Json]) -> str:
    """One line a schedule, in its own time zone."""
    if not found:
        return NONE
    rows = [("SCHEDULE", "ON CALL", "UNTIL", "THEN", "WHY")]
    for one in found:
        until = one["end"] or (one["next"] or {}).get("start")
        rows.append((one["schedule"], _person(one), _local(until, one), _next(one), one["why"]))
    return table(rows)


def _person(one: Json) -> str:
    """`alice (Alice Anders)`."""
    return f"{one['user']} ({one['name']})" if one["name"] else one["user"] or "NOBODY"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns beside one another."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)] + [0]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _next(one: Json) -> str:
    following = one["next"]
    if following is None:
        return "nobody within a year"
    gap = one["end"] is not None and following["start"] != one["end"]
    return f"nobody until {_local(following['start'], one)}, then {following['user']}" if gap else following["user"]


def _local(at: str | None, one: Json) -> str:
    """`Mon 2026-11-23 09:00 CET`."""
    if at is None:
        return "-"
    local = datetime.fromisoformat(at).astimezone(ZoneInfo(one["timezone"]))
    return f"{WEEKDAYS[local.weekday()]} {local:%Y-%m-%d %H:%M %Z}"


def overrides_table(listed: Sequence[Json]) -> str:
    """One line an override."""
    if not listed:
        return "No overrides: the rotations hold."
    rows = [
        (one["id"], one["status"], _who(one), _local(one["from"], one), _local(one["to"], one), one["created_by"])
        for one in listed
    ]
    return table([("ID", "STATUS", "WHO", "FROM", "TO", "BY"), *rows])


def override_text(one: Json) -> str:
    """What was added."""
    return f"{one['id']} {one['schedule']}: {_who(one)}, {_local(one['from'], one)} – {_local(one['to'], one)}"


def _who(one: Json) -> str:
    return f"{one['user']} and {one['swap_with']} swap" if one["swap_with"] else str(one["user"])
