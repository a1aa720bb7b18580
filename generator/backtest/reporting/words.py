"""Figures and labels in words, the same in every format."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from generator.backtest.moments import lasted, minute
from generator.backtest.report import AlertReport, Report
from generator.backtest.summary import FLAP
from tocsin import duration, labels
from tocsin.model import Labels
from tocsin.words import plural

NOTHING = "n/a"
SAID = ("alertname", "__name__")  # labels that say nothing new below the alert's name
FLAPS = f"a flap: the same label set fires again within {lasted(FLAP)} of its end"
LEAD = "lead: how long before its start an incident was told of (median; negative: after)"


def rate(value: float | None) -> str:
    """Pages a week: one decimal below 100."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def share(value: float | None) -> str:
    """Per cent, rounded down to what is whole only where it is."""
    if value is None:
        return NOTHING
    percent = round(value * 100)
    return "<100 %" if percent == 100 and value < 1 else f"{percent} %"


def of(part: int, whole: int, noun: str = "") -> str:
    """`3 of 4`, `3 of 4 firings`."""
    return f"{part:,} of {plural(whole, noun) if noun else f'{whole:,}'}"


def lead(value: timedelta | None) -> str:
    """With its sign."""
    if value is None:
        return NOTHING
    return f"-{lasted(-value)}" if value < timedelta() else f"+{lasted(value)}"


def number(value: float) -> str:
    """Four figures."""
    return f"{value:.4g}"


def clean(text: str) -> str:
    """On one line, and without what a terminal, or a page, would obey instead of showing it."""
    return printable(" ".join(text.split()))


def printable(line: str) -> str:
    """A line whose every letter is one that can be seen."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)


def cut(text: str, width: int) -> str:
    """At most so many letters."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def own(found: Labels, of_rule: Labels) -> str:
    """A label set by what tells it from the others of its alert."""
    told = {name: value for name, value in found.items() if name not in SAID and of_rule.get(name) != value}
    shown = ", ".join(str(labels.Matcher(name, "=", value)) for name, value in sorted(told.items()))
    return clean(shown) or "(no labels)"


def in_vain(pending: int) -> str:
    """How often an alert did not outlast its `for`."""
    return f"pending {plural(pending, 'time')} without firing"


def name(alert: AlertReport) -> str:
    """The alert's name as it can be shown."""
    return clean(alert.rule.name)


def group(alert: AlertReport) -> str:
    """Its group's name."""
    return clean(alert.summary.outcome.group)


def range_of(report: Report) -> str:
    """`2026-11-08 10:00 to 2026-11-22 10:00 (UTC), 14 d`."""
    setting = report.setting
    start, end = (minute(moment, setting.zone) for moment in (setting.span.start, setting.span.end))
    return f"{start} to {end} ({setting.zone_name}), {shortly(setting.span.length)}"


def shortly(length: timedelta) -> str:
    """A range's length as an option writes it."""
    return duration.show(timedelta(seconds=round(length.total_seconds())))


def on_incidents(report: Report) -> str:
    """What alerts were held against."""
    known = report.setting.incidents
    assert known is not None
    parts = [f"{plural(len(known.items), 'incident')} of {clean(known.source)}"]
    if known.open:
        parts.append(f"{known.open:,} open until the range's end")
    if known.outside:
        parts.append(f"{known.outside:,} beyond the range left out")
    return ", ".join(parts)


def unknown(report: Report) -> Iterator[str]:
    """Of how many rules nothing is known, and why: their silence means nothing."""
    states = [alert.summary.state for alert in report.alerts]
    numbers = (states.count("no data"), states.count("failed"), report.left)
    reasons = ("had no data", "could not be evaluated, at least in part", "not reached before the server was lost")
    for number, reason in zip(numbers, reasons, strict=True):
        if number:
            yield f"{number:,} {reason}: nothing is known of {'it' if number == 1 else 'them'}"


def caveats(alert: AlertReport, report: Report) -> list[str]:
    """Why the figures of an alert may be less than they seem: what it lacked, what was not known."""
    found = [clean(problem.message) for problem in alert.summary.outcome.problems]
    data, zone = alert.summary.outcome.data, report.setting.zone
    if alert.summary.state == "no data" and not found:
        found.append("its expression found no series in the range: whether it would have fired is not known")
    elif data and data.first and data.last and alert.summary.observed < report.setting.span.length and not found:
        found.append(f"data only from {minute(data.first, zone)} to {minute(data.last, zone)}")
    before = sum(firing.began_before for firing in alert.summary.outcome.firings)
    if before:
        pages = "a page" if before == 1 else "pages"
        found.append(f"{plural(before, 'firing')} began before the range: counted, but not as {pages}")
    return found
