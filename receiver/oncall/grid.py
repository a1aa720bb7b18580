"""A schedule as a calendar for a terminal: one row a day, a bar for each person, in the schedule's own time zone."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from receiver.oncall.localtime import DAY, WEEKDAYS, instant, local_time, midnight

Json = Mapping[str, Any]

CELL = timedelta(minutes=30)
CELLS = DAY // CELL
MOST_LISTED = 10
LEGEND = "─ on call   ═ another layer names somebody else, too   * an override or swap   · nobody"


@dataclass(frozen=True, slots=True)
class _Cell:
    """Half an hour of a row. `left_out`: the clock on the wall does not show it."""

    user: str | None = None
    since: datetime | None = None
    overridden: bool = False
    overlaps: bool = False
    left_out: bool = False


class _Spans:
    """Looks up which of some JSON objects with `start` and `end` covers a moment."""

    def __init__(self, items: Iterable[Json]) -> None:
        self._items = [(_time(item["start"]), _time(item["end"]), item) for item in items]
        self._starts = [start for start, _, _ in self._items]

    def at(self, moment: datetime) -> Json | None:
        index = bisect_right(self._starts, moment) - 1
        return self._items[index][2] if index >= 0 and moment < self._items[index][1] else None


def calendar(schedule: Json) -> str:
    """What `schedule_json` tells of a schedule, drawn."""
    zone = ZoneInfo(schedule["timezone"])
    start, end = (local_time(_time(schedule[key]), zone) for key in ("from", "to"))
    lines = [
        f"{schedule['name']}  ({schedule['timezone']})",
        "",
        " " * 12 + "".join(f"{h:02}    " for h in range(0, 24, 3)),
    ]
    shifts, overlaps = _Spans(schedule["shifts"]), _Spans(schedule["overlaps"])
    day = start.date()
    while midnight(day) < end:
        if day.weekday() == 0 and len(lines) > 3:
            lines.append("")
        lines.append(_row(day, zone, shifts, overlaps))
        day += DAY
    return "\n".join([*lines, "", LEGEND, *gap_lines(schedule["gaps"], zone)])


def _row(day: date, zone: ZoneInfo, shifts: _Spans, overlaps: _Spans) -> str:
    cells = [_cell(midnight(day) + number * CELL, zone, shifts, overlaps) for number in range(CELLS)]
    bars = "".join(_bar(cell, len(list(run))) for cell, run in groupby(cells))
    return f"{WEEKDAYS[day.weekday()]} {day:%d %b}  {bars}{_clock_change(day, zone)}".rstrip()


def _cell(local: datetime, zone: ZoneInfo, shifts: _Spans, overlaps: _Spans) -> _Cell:
    moment = instant(local, zone)
    if local_time(moment, zone) != local:
        return _Cell(left_out=True)
    shift = shifts.at(moment)
    if shift is None:
        return _Cell()
    return _Cell(shift["user"], _time(shift["start"]), shift["override"] is not None, overlaps.at(moment) is not None)


def _bar(cell: _Cell, width: int) -> str:
    if cell.left_out:
        return " " * width
    if cell.user is None:
        return ("·nobody" if width > 7 else "").ljust(width, "·")
    named = f"│{cell.user}{'*' if cell.overridden else ''}"
    return named[:width].ljust(width, "═" if cell.overlaps else "─")


def _clock_change(day: date, zone: ZoneInfo) -> str:
    length = instant(midnight(day + DAY), zone) - instant(midnight(day), zone)
    return "" if length == DAY else f"  a day of {duration(length)}"


def gap_lines(gaps: Sequence[Json], zone: ZoneInfo) -> list[str]:
    """When nobody is on call, in words."""
    if not gaps:
        return ["Somebody is on call at every moment."]
    spans = [(_time(gap["start"]), _time(gap["end"])) for gap in gaps]
    whole = duration(sum((end - start for start, end in spans), timedelta()))
    told = [f"  {span_text(start, end, zone)}" for start, end in spans[:MOST_LISTED]]
    more = [f"  … {len(spans) - MOST_LISTED} more; --format json has them all"] if len(spans) > MOST_LISTED else []
    return [f"Nobody is on call {times(len(spans))}, for {whole} in all:", *told, *more]


def times(number: int) -> str:
    """`1 time`, `3 times`."""
    return f"{number} time{'' if number == 1 else 's'}"


def span_text(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """`Mon 23 Nov 17:00 – Tue 24 Nov 09:00 (16h)`."""
    return f"{' – '.join(_shown((start, end), zone))} ({duration(end - start)})"


def _shown(moments: Iterable[datetime], zone: ZoneInfo) -> Iterator[str]:
    for moment in moments:
        local = moment.astimezone(zone)
        yield f"{WEEKDAYS[local.weekday()]} {local:%d %b %H:%M}"


def duration(length: timedelta) -> str:
    """`16h`, `1h 30m`, `25h`, `2d 4h`."""
    minutes = round(length.total_seconds() / 60)
    days = minutes // 1440 if minutes >= 2 * 1440 else 0
    hours, rest = divmod(minutes - days * 1440, 60)
    return " ".join(f"{n}{unit}" for n, unit in ((days, "d"), (hours, "h"), (rest, "m")) if n) or "0m"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
