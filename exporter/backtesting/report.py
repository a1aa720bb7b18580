"""The figures of a backtest, as plain data: what `--format json` prints and the other formats show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np

from exporter.backtesting.tally import Errors, Tally
from exporter.publishing.forecasts import label
from exporter.replaying.asking import show_time
from exporter.replaying.desk import Case

MONTH_SECONDS = 30 * 86_400.0
WEEK_SECONDS = 7 * 86_400.0

Report = Mapping[str, Any]


def report(case: Case, tally: Tally) -> Report:
    """Everything that was counted; times in RFC 3339."""
    step, counts = case.frame.step, tally.counts
    seconds = tally.end - tally.start + step
    months = float(counts.there.sum()) * step / MONTH_SECONDS
    events = len(tally.found)
    return {
        "query": case.query.name,
        "expr": case.query.expr,
        "start": show_time(tally.start),
        "end": show_time(tally.end),
        "step_seconds": step,
        "history_seconds": case.query.history.total_seconds(),
        "series": len(case.keys),
        "points": int(counts.there.sum()),
        "missing_share": _share(counts.missing.sum(), len(case.keys) * seconds / step),
        "series_months": round(months, 3),
        "events_total": events,
        "events_per_series_month": _share(events, months),
        "false_alarms_per_month_asked": case.query.false_alarms_per_month,
        "high_share": _share(counts.high.sum(), counts.there.sum()),
        "band_share": _share(counts.inside.sum(), counts.banded.sum()),
        "forecasts": [_horizon(errors) for errors in tally.errors],
        "by_series": _by_series(case, tally, seconds),
        "events": _events(case, tally),
    }


def _horizon(errors: Errors) -> Report:
    """Median over series of the error relative to the naive forecast's: the same time on the day(s) before."""
    known = (errors.count > 0) & (errors.naive > 0)
    ratios = errors.ours[known] / errors.naive[known]
    return {
        "horizon": label(timedelta(seconds=errors.seconds)),
        "forecasts": int(errors.count.sum()),
        "error_to_naive": round(float(np.median(ratios)), 4) if len(ratios) else None,
        "held_share": _share(errors.held.sum(), errors.count.sum()),
    }


def _by_series(case: Case, tally: Tally, seconds: float) -> list[Report]:
    """Most events first, then the strongest, then by name."""
    rows: list[dict[str, Any]] = [
        {
            "labels": dict(key),
            "events": 0,
            "strongest": 0.0,
            "high_seconds": int(high) * case.frame.step,
            "missing_share": _share(missing, seconds / case.frame.step),
        }
        for key, high, missing in zip(case.keys, tally.counts.high, tally.counts.missing, strict=True)
    ]
    for event in tally.found:
        row = rows[event.row]
        row["events"] += 1
        row["strongest"] = max(row["strongest"], round(event.score, 3))
    for row in rows:
        row["events_per_week"] = _share(row["events"], seconds / WEEK_SECONDS)
    return sorted(rows, key=lambda row: (-row["events"], -row["strongest"], sorted(row["labels"].items())))


def _events(case: Case, tally: Tally) -> list[Report]:
    """In the order of time."""
    return [
        {
            "labels": dict(case.keys[event.row]),
            "start": show_time(event.start),
            "end": show_time(event.end),
            "score": round(event.score, 3),
            "value": _number(event.value),
            "expected": _number(event.expected),
        }
        for event in sorted(tally.found, key=lambda event: (event.start, event.row))
    ]


def _number(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _share(part: float, whole: float) -> float | None:
    return round(float(part) / float(whole), 4) if whole > 0 else None
