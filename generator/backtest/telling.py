"""What a backtest has to say of a rule beside its firings: what is not known, and what would go wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from promql_parser import AtModifierType, SubqueryExpr, VectorSelector

from generator.backtest.asking import Answers, Unanswered
from generator.backtest.evaluations import moment
from generator.backtest.labelling import Alerts, left_as_written
from generator.backtest.replayable import Replayable
from generator.backtest.runs import Run, joined, most
from generator.backtest.stored import Found
from generator.rule import Rule
from tocsin import promql
from tocsin.problem import Level, Position, Problem
from tocsin.promapi import Prometheus, TooMuch, TooSlow
from tocsin.promql import Expression

CHECK = "backtest"
ODD_QUERY = "PromQL "  # how Prometheus begins what it says of the query itself, not of the answer
OF_ALERTS = ("ALERTS", "ALERTS_FOR_STATE")  # what Prometheus itself stores of alerts
MOST_NAMED = 3
AT_EDGES = 2.5  # times that were looked at; nothing in fewer is no lack of data


def unreachable(server: Prometheus, error: Exception) -> Problem:
    """The server answers nothing."""
    where = server.urls[0]
    said = str(error).removeprefix(f"{where} ")
    return Problem(CHECK, f"the server {said}", Position(where), "check --prometheus.url and --http.config.file")


def not_asked(rule: Rule, reason: str) -> Problem:
    """A rule that nothing is known of."""
    return _told(rule, f"cannot be backtested: {reason}", "try its expression in the server's own query page", "error")


def not_replayable(expr: Expression) -> str:
    """Why an expression gives something else when many of its evaluations are asked at once; nothing if it does not."""
    edges = (AtModifierType.Start, AtModifierType.End)
    at = [*(node.at for node in expr.of(VectorSelector)), *(node.at for node in expr.of(SubqueryExpr))]
    if any(one is not None and one.type in edges for one in at):
        return "@ start() and @ end() are the evaluation's time in a rule, and the range's here"
    return ""


def told(
    one: Replayable,
    answers: Answers,
    alerts: Alerts,
    times: range,
    stored: Found | None,
    start: datetime,
    end: datetime,
) -> list[Problem]:
    """All that is to be said of a rule that was answered."""
    rule = one.rule
    return [
        *_unanswered(rule, answers.unanswered, times),
        *_clashing(rule, alerts.clashing, times),
        *_too_many(one, alerts, times),
        *(_warned(rule, text) for text in answers.warnings),
        *(_lacking(rule, stored, start, end, fired=bool(alerts.found)) if stored else ()),
        *_as_written(one),
        *_of_alerts(rule),
    ]


def _unanswered(rule: Rule, parts: Sequence[Unanswered], times: range) -> Iterator[Problem]:
    by_reason: dict[str, list[Unanswered]] = {}
    for part in parts:
        by_reason.setdefault(str(part.why), []).append(part)
    for reason, some in by_reason.items():
        too_much = isinstance(some[0].why, TooMuch | TooSlow)
        hint = "choose a shorter range, a longer --step or --timeout" if too_much else "Prometheus fails there, too"
        spans = _spans([part.run for part in some], times)
        yield _told(rule, f"nothing is known of {spans}: {reason}", hint, "error")


def _clashing(rule: Rule, clashing: Sequence[Run], times: range) -> Iterator[Problem]:
    if clashing:
        count = sum(last - first + 1 for first, last in clashing)
        message = (
            f"two of its series become the same alert, so that {count:,} evaluations fail: {_spans(clashing, times)}"
        )
        hint = "let its labels not replace those that tell its series apart"
        yield _told(rule, message, hint, "error")


def _too_many(one: Replayable, alerts: Alerts, times: range) -> Iterator[Problem]:
    limit = one.group.limit
    count = most(run for alert in alerts.found for run in alert.present) if limit else 0
    if count > limit:
        message = f"up to {count:,} alerts at once, more than its group's limit of {limit:,}"
        yield _told(one.rule, message, "Prometheus drops all of a rule's alerts then; raise the limit", "warning")


def _warned(rule: Rule, text: str) -> Problem:
    if text.startswith(ODD_QUERY):
        return _told(rule, f"the server says: {text}", "look at the expression", "info")
    return _told(rule, f"the answer may be a part of all: {text}", "look at the server's storage nodes", "warning")


def _lacking(rule: Rule, stored: Found, start: datetime, end: datetime, *, fired: bool) -> Iterator[Problem]:
    hint = "look whether it is stored there, and so far back"
    data = stored.data
    if data.first is None or data.last is None:
        nothing = "no series that it reads is stored in the range"
        message = f"{nothing}: it fired for that reason" if fired else f"{nothing}: that it did not fire says nothing"
        yield _told(rule, message, hint, "warning")
        return
    edge = stored.apart * AT_EDGES
    if (data.first - start).total_seconds() > edge:
        yield _told(rule, f"what it reads begins at {_shown(data.first)}: nothing is known before", hint, "warning")
    if (end - data.last).total_seconds() > edge:
        yield _told(rule, f"what it reads ends at {_shown(data.last)}: nothing is known after", hint, "warning")
    if stored.missing:
        named = ", ".join(stored.missing[:MOST_NAMED])
        more = len(stored.missing) - MOST_NAMED
        yield _told(rule, f"no series in the range: {named}{f' and {more} more' if more > 0 else ''}", hint, "info")


def _as_written(one: Replayable) -> Iterator[Problem]:
    if names := left_as_written(one.labels):
        message = f"labels are shown as written, and taken not to change while an alert lasts: {', '.join(names)}"
        yield _told(one.rule, message, "a label with a value in it makes a new alert of each value", "info")


def _of_alerts(rule: Rule) -> Iterator[Problem]:
    if any(promql.metric(node) in OF_ALERTS for node in rule.expr.of(VectorSelector)):
        message = "reads ALERTS as the server has stored them: what these rules would have fired is not among them"
        yield _told(rule, message, "put the other alert's expression in its place", "info")


def _told(rule: Rule, message: str, hint: str, level: Level) -> Problem:
    return rule.problem(CHECK, message, rule.at_expr(), hint, level)


def _spans(runs: Sequence[Run], times: range) -> str:
    spans = [f"{_shown(moment(times[first]))} to {_shown(moment(times[last]))}" for first, last in joined(runs)]
    more = len(spans) - MOST_NAMED
    return ", ".join(spans[:MOST_NAMED]) + (f" and {more} more stretches" if more > 0 else "")


def _shown(when: datetime) -> str:
    return when.strftime("%Y-%m-%d %H:%M:%SZ")
