"""A backtest as a page that stands alone: no script, no network, light and dark."""

from __future__ import annotations

from typing import Any

import jinja2
from markupsafe import Markup

from generator.backtest.curves import MOST_PICTURES, Curves, Drawn
from generator.backtest.moments import lasted, minute
from generator.backtest.report import AlertReport, Report
from generator.backtest.reporting import drawing, words
from generator.backtest.reporting.comparing import effects, lines, said
from generator.backtest.reporting.page import PAGE
from generator.backtest.summary import end_of

MOST_SETS, MOST_FIRINGS, MOST_INCIDENTS, MOST_ROWS = 20, 50, 200, 1_000


def text(report: Report, drawn: Drawn) -> str:
    """The page; `drawn` are the curves of some of its alerts, by their place."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    setting, whole = report.setting, report.whole
    pictured = _pictured(report, drawn)
    places = sorted(
        range(len(report.alerts)), key=lambda place: (-report.alerts[place].summary.tally.firings, place not in drawn)
    )
    template = environment.from_string(PAGE)
    return template.render(
        r=report,
        whole=whole,
        w=words,
        range=words.range_of(report),
        zone=setting.zone_name,
        minute=lambda moment: minute(moment, setting.zone),
        lasted=lasted,
        length=lambda firing: lasted(end_of(firing, setting.span) - firing.start),
        linked=set(pictured),
        rows=[(report.alerts[place], place) for place in places[:MOST_ROWS]],
        more=max(len(places) - MOST_ROWS, 0),
        strip=lambda alert: Markup(drawing.strip(alert, setting)),  # noqa: S704 - made of escaped parts
        hours=Markup(drawing.hours(whole.by_hour)) if whole.by_hour and any(whole.by_hour) else "",  # noqa: S704
        pictures=[_picture(report, drawn, place) for place in pictured],
        swatch=lambda place: Markup(drawing.swatch(place)),  # noqa: S704
        most_sets=MOST_SETS,
        most_firings=MOST_FIRINGS,
        incidents=report.incidents[:MOST_INCIDENTS],
        incidents_left=max(len(report.incidents) - MOST_INCIDENTS, 0),
        changes=None if report.comparison is None else said(report.comparison),
        lines=lines,
        effects=lambda before, after: list(effects(before, after)),
    )


def _pictured(report: Report, drawn: Drawn) -> list[int]:
    """Every alert that has something to show: it fired, or was silent and has curves, or lacks something."""
    alerts = report.alerts
    shown = [
        place
        for place, alert in enumerate(alerts)
        if alert.summary.state == "fired" or isinstance(drawn.get(place), Curves) or words.caveats(alert, report)
    ]
    return sorted(shown, key=lambda place: -alerts[place].summary.tally.firings)[: MOST_PICTURES * 2]


def _picture(report: Report, drawn: Drawn, place: int) -> dict[str, Any]:
    alert: AlertReport = report.alerts[place]
    curves = drawn.get(place)
    known = curves if isinstance(curves, Curves) else None
    shown = known is not None or alert.summary.state == "fired"
    notes = words.caveats(alert, report)
    if isinstance(curves, str):
        notes.append(f"its curves are not drawn: {words.clean(curves)}")
    return {
        "alert": alert,
        "place": place,
        "chart": Markup(drawing.chart(alert, known, report.setting)) if shown else "",  # noqa: S704 - escaped parts
        "curves": known,
        "notes": notes,
        "firings": sorted(alert.summary.outcome.firings, key=lambda firing: firing.start),
    }
