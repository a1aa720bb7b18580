"""A backtest as a terminal shows it: a table, timelines, what was found; 80 columns, no colours."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from generator.backtest.moments import lasted, minute, ticks
from generator.backtest.report import AlertReport, Difference, IncidentReport, Report
from generator.backtest.reporting import words
from generator.backtest.reporting.comparing import effects, said
from generator.backtest.reporting.timeline import Piece, merged, pieces, touched
from generator.backtest.summary import HOURS, SetSummary
from tocsin.words import plural

WIDTH = 80
LINE = 72  # columns of a timeline
INDENT = " " * 4
MOST_ROWS, MOST_LINES, MOST_SETS, MOST_INCIDENTS = 100, 30, 5, 40
LEVELS = "▁▂▃▄▅▆▇█"
SILENT, BLANK = "·", " "
DATES = 6  # of a timeline


def text(report: Report) -> str:
    """The whole report."""
    sections = (_head, _table, _scores, _timelines, _hours, _incidents, _comparison, _named)
    parts = ("\n".join(line.rstrip() for line in section(report)) for section in sections)
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(report: Report) -> Iterator[str]:
    whole, tally = report.whole, report.whole.tally
    fired = sum(alert.summary.state == "fired" for alert in report.alerts)
    yield f"{plural(len(report.alerts), 'alert rule')}, {words.range_of(report)}"
    figures = [plural(tally.firings, "firing"), plural(tally.flaps, "flap"), f"firing {lasted(tally.firing)}"]
    now = f", {plural(tally.firing_now, 'alert')} still firing" if tally.firing_now else ""
    yield from _wrapped(f"{fired} fired: {', '.join(figures)}{now}; {words.rate(whole.pages_a_week)} pages a week")
    yield from words.unknown(report)
    if whole.score is not None:
        score, found = whole.score, len(whole.score.found)
        yield from _wrapped(
            f"against {words.on_incidents(report)}:"
            f" precision {words.share(score.precision)} ({words.of(score.matched, score.firings, 'firing')}),"
            f" recall {words.share(score.recall)} ({words.of(found, len(score.possible), 'incident')}),"
            f" lead {words.lead(score.lead)}"
        )


def _wrapped(line: str, before: str = "", after: str = INDENT) -> list[str]:
    return textwrap.wrap(line, WIDTH, initial_indent=before, subsequent_indent=after)


def _told(report: Report) -> list[AlertReport]:
    """Those that the table shows, those that fired most first; the others are only named."""
    shown = [alert for alert in report.alerts if alert.summary.state in ("fired", "failed")]
    return sorted(shown, key=lambda alert: (-alert.summary.tally.firings, -alert.summary.tally.firing))


def _table(report: Report) -> Iterator[str]:
    told = _told(report)
    if not told:
        return
    yield f"{'alert':<27} {'firings':>7} {'flaps':>6} {'firing':>10} {'longest':>10} {'pages a week':>13}"
    for alert in told[:MOST_ROWS]:
        tally, name = alert.summary.tally, words.cut(words.name(alert), 27)
        if alert.summary.state != "fired":
            yield f"{name:<27} {alert.summary.state:>7}"
            continue
        pages = words.rate(alert.summary.pages_a_week)
        yield (
            f"{name:<27} {tally.firings:>7,} {tally.flaps:>6,} {lasted(tally.firing):>10} {lasted(tally.longest):>10}"
            f" {pages:>13}"
        )
    yield from _more(len(told) - MOST_ROWS, "rule")
    if any(alert.summary.tally.flaps for alert in told):
        yield f"({words.FLAPS})"


def _scores(report: Report) -> Iterator[str]:
    scored = [
        (alert, alert.score) for alert in _told(report) if alert.score and (alert.score.firings or alert.score.possible)
    ]
    if not scored:
        return
    yield f"{'against incidents':<27} {'precision':>19} {'recall':>19} {'lead':>11}"
    for alert, score in scored[:MOST_ROWS]:
        precision = f"{words.share(score.precision)} ({words.of(score.matched, score.firings)})"
        recall = f"{words.share(score.recall)} ({words.of(len(score.found), len(score.possible))})"
        yield f"{words.cut(words.name(alert), 27):<27} {precision:>19} {recall:>19} {words.lead(score.lead):>11}"
    about = "recall: of the incidents that the rule could be about by its name and labels"
    yield from _wrapped(f"({words.LEAD}; {about})", after=" ")


def _timelines(report: Report) -> Iterator[str]:
    fired = [alert for alert in _told(report) if alert.summary.state == "fired"]
    lacking = [
        alert for alert in report.alerts if alert.summary.state in ("silent", "failed") and words.caveats(alert, report)
    ]
    marks = _marks(report)
    if fired:
        each = lasted(report.setting.span.length / LINE)
        yield f"timeline: ▁ to █ by how much of {each} it fired, {SILENT} silent, blank without data"
        yield from ["          ▼━ an incident"] if marks else []
    dates = list(_dates(report))
    for alert in fired[:MOST_LINES]:
        yield ""
        yield f"{words.cut(words.name(alert), 45)}  ({words.cut(words.group(alert), 30)})"
        if marks:
            yield f"{INDENT}{marks}"
        yield INDENT + "".join(map(_sign, pieces(alert.summary, report.setting.span, LINE)))
        yield from (INDENT + line for line in dates)
        yield from _sets(alert)
        yield from _notes(words.caveats(alert, report))
    yield from _more(len(fired) - MOST_LINES, "rule that fired", "rules that fired")
    for alert in lacking[:MOST_ROWS]:
        yield ""
        yield f"{words.cut(words.name(alert), 45)}  ({words.cut(words.group(alert), 30)})"
        yield from _notes(words.caveats(alert, report))
    yield from _more(len(lacking) - MOST_ROWS, "rule")


def _sign(piece: Piece) -> str:
    if piece.share is None:
        return BLANK
    return LEVELS[min(int(piece.share * len(LEVELS)), len(LEVELS) - 1)] if piece.share else SILENT


def _marks(report: Report) -> str:
    """A line with the incidents."""
    span, marks = report.setting.span, [" "] * LINE
    known = report.setting.incidents
    stretches = merged((one.start, one.end or span.end) for one in known.items) if known else []
    for start, end in stretches:
        first, last = touched(start, end, span, LINE)
        marks[first:last] = "━" * (last - first)
        if start >= span.start:
            marks[first] = "▼"
    return "".join(marks).rstrip()


def _dates(report: Report) -> Iterator[str]:
    """Where dates stand, and the dates; a date's first letter stands under its place."""
    span, scale, line = report.setting.span, [" "] * LINE, ""
    for moment, shown in ticks(span.start, span.end, report.setting.zone, DATES):
        place = min(int((moment - span.start) / span.length * LINE), LINE - 1)
        if place + len(shown) <= LINE and len(line) <= place:
            scale[place] = "╵"
            line = line.ljust(place) + shown + " "
    yield "".join(scale)
    yield line


def _sets(alert: AlertReport) -> Iterator[str]:
    """The label sets that fired longest."""
    for one in alert.summary.sets[:MOST_SETS]:
        shown = words.cut(words.own(one.labels, alert.labels), 40)
        yield f"{INDENT}{shown:<40}  {_figures(one)}"
    yield from _more(len(alert.summary.sets) - MOST_SETS, "label set", indent=INDENT)
    if pending := alert.summary.outcome.pending:
        yield f"{INDENT}{words.in_vain(pending)}"


def _figures(one: SetSummary) -> str:
    tally = one.tally
    flaps = f", {plural(tally.flaps, 'flap')}" if tally.flaps else ""
    now = ", fires still" if tally.firing_now else ""
    return f"{tally.firings:,}×, {lasted(tally.firing)}{flaps}{now}"


def _notes(notes: Sequence[str]) -> Iterator[str]:
    for note in notes:
        yield from _wrapped(f"! {note}", INDENT, f"{INDENT}  ")


def _hours(report: Report) -> Iterator[str]:
    hours = report.whole.by_hour
    if not hours or not any(hours):
        return
    most = max(hours)
    yield f"pages a week by hour of day ({report.setting.zone_name}); █ is {words.rate(most)}"
    signs = (SILENT if not rate else LEVELS[min(int(rate / most * len(LEVELS)), len(LEVELS) - 1)] for rate in hours)
    yield INDENT + "".join(f"{sign * 2} " for sign in signs)
    yield INDENT + "".join(f"{hour:02d}".ljust(9) for hour in range(0, HOURS, 3))


def _incidents(report: Report) -> Iterator[str]:
    if not report.incidents:
        return
    missed = [one for one in report.incidents if not one.told_by]
    found = f"{len(report.incidents) - len(missed)} of {len(report.incidents)}"
    yield f"incidents: {found} told of by an alert"
    shown = [*missed, *(one for one in report.incidents if one.told_by)][:MOST_INCIDENTS]
    for one in sorted(shown, key=lambda one: one.incident.start):
        yield from _incident(one, report)
    yield from _more(len(report.incidents) - len(shown), "incident")


def _incident(one: IncidentReport, report: Report) -> Iterator[str]:
    title = words.cut(words.clean(one.incident.title) or "(no title)", 34)
    still = " (open)" if one.incident.end is None else ""
    if one.told_by:
        others = f" and {len(one.told_by) - 1} more" if len(one.told_by) > 1 else ""
        told = f"{words.cut(words.name(one.told_by[0]), 24)}{others}"
    else:
        told = "missed"
    yield f"{INDENT}{minute(one.incident.start, report.setting.zone)}  {title}{still}: {told}"


def _comparison(report: Report) -> Iterator[str]:
    comparison = report.comparison
    if comparison is None:
        return
    yield f"compared with before: {said(comparison)}"
    for what, figure in effects(comparison.before, report.whole):
        yield f"{INDENT}{what:<15} {figure}"
    for one in comparison.differences[:MOST_ROWS]:
        yield from _difference(one)
    yield from _more(len(comparison.differences) - MOST_ROWS, "rule")


def _difference(one: Difference) -> Iterator[str]:
    yield ""
    yield f"{one.kind}: {words.clean(one.name)}"
    for change in one.pair.changes:
        told = words.clean(f"{' '.join(change.before.split()) or 'none'} → {' '.join(change.after.split()) or 'none'}")
        yield from _wrapped(f"{words.clean(change.what)}: {told}", INDENT, f"{INDENT}  ")
    for what, figure in effects(one.before, one.after):
        yield f"{INDENT}{what:<15} {figure}"


def _named(report: Report) -> Iterator[str]:
    """Those that did not fire, by their names."""
    for state in ("silent", "no data"):
        found = [words.name(alert) for alert in report.alerts if alert.summary.state == state]
        names = ", ".join(found[:MOST_ROWS]) + (f" and {len(found) - MOST_ROWS:,} more" if found[MOST_ROWS:] else "")
        if found:
            yield from _wrapped(f"{state} ({len(found)}): {names}")


def _more(number: int, noun: str, nouns: str = "", indent: str = "") -> Iterator[str]:
    if number > 0:
        yield f"{indent}and {number:,} more {noun if number == 1 else nouns or noun + 's'}: see --format json or html"
