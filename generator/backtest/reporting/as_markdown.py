"""A backtest as a pull request's comment: one table, the rest folded; nothing that rules say is obeyed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from generator.backtest.moments import lasted, minute
from generator.backtest.pairing import Change
from generator.backtest.report import AlertReport, Difference, Report
from generator.backtest.reporting import words
from generator.backtest.reporting.comparing import effects, lines, pages, said
from generator.backtest.summary import end_of
from tocsin.words import plural

MARKER = "<!-- tocsin:backtest -->"  # by which a bot finds the comment that it is to replace
LONGEST = 60_000  # characters; GitHub takes 65,536
KEPT_BACK = 200  # for what is said when the rest is left out
MOST_ROWS, MOST_SETS, MOST_LISTED = 100, 10, 50
UNSAFE = re.compile(r"[^0-9A-Za-z /()%+,;'·→×-]")
REFERENCE = frozenset("@#")  # what GitHub makes of these, it makes of entities as well
SCORED = ("precision", "recall", "lead")


def text(report: Report) -> str:
    """The comment; whole blocks are left out where it would be too long for GitHub."""
    blocks = [MARKER, *_head(report), *_table(report), *_details(report)]
    kept: list[str] = []
    room = LONGEST - KEPT_BACK
    for block in blocks:
        room -= len(block) + 2
        if room < 0:
            break
        kept.append(block)
    left = len(blocks) - len(kept)
    if left:
        kept.append(f"*{plural(left, 'part')} left out: a comment holds no more; see `--format html`.*")
    return "\n\n".join(kept) + "\n"


def safe(said: str) -> str:
    """Text that Markdown, HTML and GitHub's mentions let alone."""
    return UNSAFE.sub(_entity, " ".join(said.split()))


def _entity(found: re.Match[str]) -> str:
    entity = f"&#{ord(found[0])};"
    return f"{entity}&#8203;" if found[0] in REFERENCE else entity


def _code(said: str) -> str:
    return f"<code>{safe(words.clean(said))}</code>"


def _head(report: Report) -> Iterator[str]:
    whole, tally = report.whole, report.whole.tally
    fired = sum(alert.summary.state == "fired" for alert in report.alerts)
    if report.comparison:
        yield f"### Backtest: {said(report.comparison)}"
    else:
        yield f"### Backtest: {fired} of {plural(len(report.alerts), 'alert rule')} fired"
    what = f"{words.range_of(report)}: {plural(tally.firings, 'firing')}, {plural(tally.flaps, 'flap')}"
    yield f"{what}, firing {lasted(tally.firing)} in all, **{words.rate(whole.pages_a_week)} pages a week**."
    if whole.score is not None:
        score = whole.score
        yield (
            f"Against {safe(words.on_incidents(report))}: precision {words.share(score.precision)}"
            f" ({words.of(score.matched, score.firings, 'firing')}), recall {words.share(score.recall)}"
            f" ({words.of(len(score.found), len(score.possible), 'incident')}), lead {words.lead(score.lead)}."
        )
    if unknown := list(words.unknown(report)):
        names = [_code(alert.rule.name) for alert in report.alerts if alert.summary.state in ("no data", "failed")]
        yield f"⚠️ {'; '.join(unknown)}. {', '.join(names[:MOST_LISTED])}"
    errors = [problem for problem in report.problems if problem.severity == "error"]
    if errors:
        yield "\n".join(f"- ❌ {safe(f'{problem.at}: {problem.message}')}" for problem in errors[:MOST_LISTED])


def _table(report: Report) -> Iterator[str]:
    rows = _compared(report) if report.comparison else _alone(report)
    table = list(rows)
    if len(table) > 1:
        yield "\n".join(_lines(table[0], table[1 : MOST_ROWS + 1]))
    if len(table) > MOST_ROWS + 1:
        yield f"and {len(table) - MOST_ROWS - 1} more"


def _lines(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' if place == 0 else '---:' for place in range(len(head)))} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _compared(report: Report) -> Iterator[Sequence[str]]:
    assert report.comparison is not None
    scored = list(SCORED) if report.setting.incidents else []
    yield ["alert", "firings", "flaps", "firing", "pages a week", *scored]
    columns = ["firings", "flaps", "firing", "pages a week", *scored]
    for one in report.comparison.differences:
        found = dict(effects(one.before, one.after))
        yield [f"{_code(one.name)} ({one.kind})", *(_figure(found[column]) for column in columns)]
    found = dict(effects(report.comparison.before, report.whole))
    yield ["**all rules**", *(_figure(found[column]) for column in columns)]


def _figure(figure: str) -> str:
    """A figure that a table cell takes as it is: `<100 %` is no tag."""
    return figure.replace("<", "&lt;")


def _alone(report: Report) -> Iterator[Sequence[str]]:
    scored = list(SCORED) if report.setting.incidents else []
    yield ["alert", "firings", "flaps", "firing", "longest", "pages a week", *scored]
    fired = [alert for alert in report.alerts if alert.summary.state == "fired"]
    for alert in sorted(fired, key=lambda one: -one.summary.tally.firings):
        tally, score = alert.summary.tally, alert.score
        row = [f"{tally.firings:,}", f"{tally.flaps:,}", lasted(tally.firing)]
        row += [lasted(tally.longest), words.rate(alert.summary.pages_a_week)]
        if score is not None:
            row += [words.share(score.precision), words.share(score.recall), words.lead(score.lead)]
        yield [_code(alert.rule.name), *map(_figure, row)]


def _details(report: Report) -> Iterator[str]:
    if report.comparison:
        yield from (_difference(one, report) for one in report.comparison.differences)
    else:
        fired = [alert for alert in report.alerts if alert.summary.state == "fired"]
        yield from (_folded(_code(alert.rule.name), "\n\n".join(_about(alert, report))) for alert in fired)
    missed = [one.incident for one in report.incidents if not one.told_by]
    if missed:
        listed = [
            f"- {minute(one.start, report.setting.zone)} {safe(words.clean(one.title))}" for one in missed[:MOST_LISTED]
        ]
        if missed[MOST_LISTED:]:
            listed.append(f"- and {len(missed) - MOST_LISTED:,} more")
        yield _folded(plural(len(missed), "incident") + " that no alert told of", "\n".join(listed))
    yield f"<sub>{words.FLAPS[0].upper() + words.FLAPS[1:]}; {words.LEAD}.</sub>"


def _folded(summary: str, body: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def _difference(one: Difference, report: Report) -> str:
    figures = f"{_code(one.name)} {one.kind}: {_figure(pages(one.before, one.after))} pages a week"
    body = [_changes(one.pair.changes)] if one.pair.changes else []
    for side, alert in (("before", one.before), ("after", one.after)):
        if alert is not None:
            body += [f"**{side}**", *_about(alert, report)]
    return _folded(figures, "\n\n".join(body))


def _changes(changes: Sequence[Change]) -> str:
    told = [line for change in changes for line in (f"  {change.what}", *map(_spaced, lines(change)))]
    shown = [words.cut(words.printable(line), 500) for line in told[:200]]
    longest = max((len(found) for line in shown for found in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}diff", *shown, fence])


def _spaced(line: str) -> str:
    return f"{line[:1]} {line[1:]}"


def _about(alert: AlertReport, report: Report) -> Iterator[str]:
    """Its label sets, its last firings, what it lacked."""
    sets, zone = alert.summary.sets, report.setting.zone
    if sets:
        rows = [
            [
                _code(words.own(one.labels, alert.labels)),
                f"{one.tally.firings:,}",
                f"{one.tally.flaps:,}",
                lasted(one.tally.firing),
                minute(one.firings[-1].start, zone),
                "fires still"
                if one.firings[-1].end is None
                else lasted(end_of(one.firings[-1], report.setting.span) - one.firings[-1].start),
            ]
            for one in sets[:MOST_SETS]
        ]
        yield "\n".join(_lines(["label set", "firings", "flaps", "firing", "last began", "and lasted"], rows))
    else:
        yield {"no data": "No data.", "failed": "Not evaluated."}.get(alert.summary.state, "Did not fire.")
    if sets[MOST_SETS:]:
        yield f"and {plural(len(sets) - MOST_SETS, 'label set')} more"
    if notes := words.caveats(alert, report):
        yield "\n".join(f"- {safe(note)}" for note in notes)
