"""A backtest as JSON (DESIGN.md §9): times in RFC 3339, durations in seconds, shares from 0 to 1."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from generator.backtest.moments import as_json as moment
from generator.backtest.outcome import Firing
from generator.backtest.report import AlertReport, Comparison, Difference, IncidentReport, Report, Whole
from generator.backtest.scoring import Score
from generator.backtest.summary import SetSummary, Tally
from tocsin.problem import rows

Json = dict[str, Any]


def text(report: Report) -> str:
    """`{"rules": [{"group", "alert", "firings": [{"labels", "start", "end"}], "flaps", "firing_seconds", …}], …}`."""
    setting = report.setting
    tree = {
        "start": moment(setting.span.start),
        "end": moment(setting.span.end),
        "time_zone": setting.zone_name,
        "rules": [_alert(alert) for alert in report.alerts],
        "total": _whole(report.whole),
        "incidents": None if setting.incidents is None else [_incident(one) for one in report.incidents],
        "comparison": None if report.comparison is None else _comparison(report.comparison),
        "problems": rows(report.problems),
    }
    return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


def _alert(alert: AlertReport) -> Json:
    summary, outcome = alert.summary, alert.summary.outcome
    at, data = outcome.rule.at_name(), outcome.data
    return {
        "group": outcome.group,
        "alert": outcome.rule.name,
        "pack": outcome.pack,
        "file": at.file,
        "line": at.line,
        "labels": dict(alert.labels),
        "interval_seconds": outcome.interval.total_seconds(),
        "state": summary.state.replace(" ", "_"),
        "firings": [_firing(firing) for firing in sorted(outcome.firings, key=lambda one: one.start)],
        **_tally(summary.tally),
        "pending": outcome.pending,
        "pages_per_week": summary.pages_a_week,
        "pages_per_week_by_hour": summary.by_hour,
        "observed_seconds": summary.observed.total_seconds(),
        "sets": [_set(one) for one in summary.sets],
        "data": data and {"first": moment(data.first), "last": moment(data.last), "share": data.share},
        "score": None if alert.score is None else _score(alert.score),
        "problems": rows(outcome.problems),
    }


def _firing(firing: Firing) -> Json:
    return {
        "labels": dict(firing.labels),
        "start": moment(firing.start),
        "end": moment(firing.end),
        "began_before": firing.began_before,
    }


def _tally(tally: Tally) -> Json:
    return {
        "flaps": tally.flaps,
        "firing_seconds": tally.firing.total_seconds(),
        "longest_seconds": tally.longest.total_seconds(),
        "firing_now": tally.firing_now,
        "pages": tally.pages,
    }


def _set(one: SetSummary) -> Json:
    return {"labels": dict(one.labels), "firings": one.tally.firings, **_tally(one.tally)}


def _whole(whole: Whole) -> Json:
    return {
        "firings": whole.tally.firings,
        **_tally(whole.tally),
        "pages_per_week": whole.pages_a_week,
        "pages_per_week_by_hour": whole.by_hour,
        "score": None if whole.score is None else _score(whole.score),
    }


def _score(score: Score) -> Json:
    return {
        "precision": score.precision,
        "recall": score.recall,
        "lead_seconds": _seconds(score.lead),
        "firings": score.firings,
        "firings_in_incidents": score.matched,
        "incidents": len(score.possible),
        "incidents_found": len(score.found),
    }


def _incident(one: IncidentReport) -> Json:
    return {
        "id": one.incident.id,
        "title": one.incident.title,
        "start": moment(one.incident.start),
        "end": moment(one.incident.end),
        "told_by": [alert.rule.name for alert in one.told_by],
        "lead_seconds": _seconds(one.lead),
    }


def _comparison(comparison: Comparison) -> Json:
    return {
        "unchanged": comparison.unchanged,
        "rules": [_difference(one) for one in comparison.differences],
        "before": _whole(comparison.before),
    }


def _difference(one: Difference) -> Json:
    changes = [{"what": change.what, "before": change.before, "after": change.after} for change in one.pair.changes]
    return {
        "alert": one.name,
        "kind": one.kind,
        "changes": changes,
        "before": None if one.before is None else _alert(one.before),
        "after": None if one.after is None else _alert(one.after),
    }


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()
