"""A backtest as a terminal shows it: figures in words, a timeline, the strongest events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from exporter.backtesting.report import Report
from exporter.backtesting.tally import Tally
from exporter.frame import Floats
from exporter.names import show
from exporter.replaying.desk import Case

ROWS = 20  # series and events that are shown
NAME_WIDTH, LINE_WIDTH = 34, 84
LEVELS = ((1.0, "·"), (2.0, "▂"), (5.0, "▅"), (np.inf, "█"))  # up to this score, this sign
NOTHING = " "
LEGEND = "· below 1   ▂ 1 to 2   ▅ 2 to 5   █ above 5   (blank: no data); each sign is {each}"


def text(case: Case, tally: Tally, found: Report) -> str:
    """The whole report."""
    zone = ZoneInfo(case.query.time_zone)
    parts = [
        "\n".join(summary(found, zone)),
        "\n".join(_forecasts(found)),
        "\n".join(_timeline(case, tally, found, zone)),
        "\n".join(_strongest(found, zone)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def summary(found: Report, zone: ZoneInfo) -> Iterator[str]:
    """What was found, in sentences."""
    span = f"{local(found['start'], zone)} to {local(found['end'], zone)} ({zone.key})"
    yield f"{found['query']}: {found['expr']}"
    yield f"{span}, every {found['step_seconds']:g} s, after {found['history_seconds'] / 86_400:g} days of history"
    yield ""
    yield f"{found['series']:,} series, {found['points']:,} points, {percent(found['missing_share'])} missing"
    rate = found["events_per_series_month"]
    often = f", {rate:.2g} a series and month" if rate is not None else ""
    yield f"{_count(found['events_total'], 'event', 'events')} would have been reported{often}"
    yield (
        f"  were all of them false, that would be the rate of false alarms; asked for: "
        f"{found['false_alarms_per_month_asked']:g} (false_alarms_per_month)"
    )
    yield f"{percent(found['high_share'])} of points score above 1; {percent(found['band_share'])} lie within the band"


def _forecasts(found: Report) -> Iterator[str]:
    if not found["forecasts"]:
        return
    yield "Forecasts            error / naive   within the bounds (90 % wanted)"
    for row in found["forecasts"]:
        ratio = "     –" if row["error_to_naive"] is None else f"{row['error_to_naive']:6.2f}"
        yield f"  {row['horizon']:<8} ahead  {ratio:>13}   {percent(row['held_share']):>8}"
    yield "  (naive: the same time a day before; below 1 is better than that)"


def _timeline(case: Case, tally: Tally, found: Report, zone: ZoneInfo) -> Iterator[str]:
    """One line for each series that had most events."""
    places = {tuple(sorted(dict(key).items())): row for row, key in enumerate(case.keys)}
    chosen = found["by_series"][:ROWS]
    width = min(tally.worst.shape[1], LINE_WIDTH)
    each = (tally.end - tally.start + case.frame.step) / width / 3600
    yield f"{'Timeline':<{NAME_WIDTH}}  {_dates(tally, zone, width)}"
    for row in chosen:
        key = tuple(sorted(row["labels"].items()))
        line = signs(_narrow(tally.worst[places[key]], width))
        events = _count(row["events"], "event", "events") if row["events"] else ""
        yield f"{fit(show(key), NAME_WIDTH):<{NAME_WIDTH}}  {line}  {events}".rstrip()
    if len(found["by_series"]) > ROWS:
        yield f"{'':<{NAME_WIDTH}}  and {len(found['by_series']) - ROWS} more series"
    yield f"{'':<{NAME_WIDTH}}  {LEGEND.format(each=f'{each:.2g} h')}"


def signs(worst: Floats) -> str:
    """Scores as a line of signs."""
    return "".join(
        NOTHING if np.isnan(score) else next(sign for most, sign in LEVELS if score <= most) for score in worst.tolist()
    )


def _narrow(worst: Floats, width: int) -> Floats:
    """The highest of neighbours, so that a row fits the line."""
    return np.array([np.fmax.reduce(part) for part in np.array_split(worst, width)])


def _dates(tally: Tally, zone: ZoneInfo, width: int) -> str:
    first, last = (f"{datetime.fromtimestamp(when, zone):%d %b}" for when in (tally.start, tally.end))
    return f"{first}{last:>{max(width - len(first), len(last) + 1)}}"


def _strongest(found: Report, zone: ZoneInfo) -> Iterator[str]:
    strongest = sorted(found["events"], key=lambda event: -event["score"])
    if not strongest:
        return
    shown = strongest[:ROWS]
    yield "Strongest events" + (f" ({len(shown)} of {len(strongest)})" if len(strongest) > ROWS else "")
    yield f"  {'began':<17} {'lasted':>8} {'score':>7} {'value':>11} {'expected':>11}  series"
    for event in shown:
        when, name = local(event["start"], zone), show(tuple(sorted(event["labels"].items())))
        figures = f"{event['score']:>7.2f} {number(event['value']):>11} {number(event['expected']):>11}"
        yield f"  {when:<17} {lasted(event):>8} {figures}  {name}"


def lasted(event: dict[str, Any]) -> str:
    """From the first high point to the last."""
    first, last = (datetime.fromisoformat(event[side]) for side in ("start", "end"))
    minutes = round((last - first).total_seconds() / 60)
    return f"{minutes // 60} h {minutes % 60:02d}" if minutes >= 60 else f"{minutes} min"


def local(moment: str, zone: ZoneInfo) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(zone):%Y-%m-%d %H:%M}"


def number(value: float | None) -> str:
    return "–" if value is None else f"{value:.5g}"


def percent(share: float | None) -> str:
    return "–" if share is None else f"{share * 100:.1f} %"


def fit(name: str, width: int) -> str:
    return name if len(name) <= width else f"{name[: width - 1]}…"


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def strongest_rows(found: Report, most: int) -> Sequence[dict[str, str]]:
    """The label sets of the series with the strongest events."""
    rows = sorted(found["by_series"], key=lambda row: -row["strongest"])
    return [row["labels"] for row in rows[:most] if row["events"]]
