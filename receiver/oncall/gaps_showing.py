"""When a policy could find nobody, and when nobody is on call, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from receiver.oncall.grid import MOST_LISTED, duration, gap_lines, span_text, times
from receiver.oncall.showing import NONE
from tocsin.model import Severity

Json = Mapping[str, Any]


def gaps_text(found: Json) -> str:
    """Policy by policy, then schedule by schedule."""
    lines = [line for one in found["policies"] for line in _policy(one)]
    holed = {one["policy"] for one in found["policies"] if one["holes"]}
    for one in found["schedules"]:
        first, *more = gap_lines(one["gaps"], ZoneInfo(one["timezone"]))
        lines += [f"{one['schedule']}: {first}", *more]
        if one["gaps"] and found["policies"]:
            lines.append(f"  {_harm(one['policies'], holed)}")
    return "\n".join(lines) or NONE


def _policy(one: Json) -> Iterator[str]:
    """Times in the zone of its first schedule, each with what was looked for in vain."""
    holes, zone = one["holes"], ZoneInfo(one["timezone"])
    if not holes:
        yield f"{_name(one['policy'])} finds somebody at every moment."
        return
    spans = [(datetime.fromisoformat(hole["start"]), datetime.fromisoformat(hole["end"])) for hole in holes]
    whole = duration(sum((end - start for start, end in spans), timedelta()))
    yield f"{_name(one['policy'])} finds nobody {times(len(holes))}, for {whole} in all ({zone.key}):"
    for hole, (start, end) in list(zip(holes, spans, strict=True))[:MOST_LISTED]:
        some = hole["severities"]
        about = "" if len(some) == len(Severity) else f", for {' and '.join(some)}"
        yield f"  {span_text(start, end, zone)}{about}"
        yield from (f"    {why}" for why in hole["missed"])
    if len(holes) > MOST_LISTED:
        yield f"  … {len(holes) - MOST_LISTED} more; --format json has them all"


def _name(policy: str | None) -> str:
    return f"The policy {policy}" if policy else "The escalation"


def _harm(policies: list[str | None], holed: set[str | None]) -> str:
    """What a gap of a schedule means to the policies that name it."""
    if not policies:
        return "No policy names it."
    named = ", ".join(policy or "the escalation" for policy in policies)
    if holed & set(policies):
        return f"Named by {named}."
    return f"Named by {named}: other steps find somebody all the same."
