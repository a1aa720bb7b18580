"""Backtests made up for tests: outcomes without a server, and the reports of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

from generator.backtest.incident import Incident, Incidents
from generator.backtest.outcome import Data, Firing, Replayed, RuleOutcome
from generator.backtest.pairing import paired
from generator.backtest.report import Report, Setting, compared, report
from generator.backtest.running import facts_of
from generator.backtest.summary import Span
from generator.foreign import compile_document
from generator.rule import Pack, Rule
from tocsin import yamltree
from tocsin.problem import Problem

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
SPAN = Span(START, START + timedelta(days=14))
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def packs(text: str, file: str = "rules.yml") -> list[Pack]:
    """The rules of a rule file."""
    documents, problems = yamltree.parse(text, file)
    assert problems == []
    return [pack for document in documents for pack in compile_document(document)[0]]


def rule(name: str = "A", expr: str = "up == 0", **labels: str) -> Rule:
    """One alert of a rule file."""
    text = f"groups: [{{name: g, rules: [{{alert: {name!r}, expr: {expr!r}, labels: {labels}}}]}}]"
    [pack] = packs(text)
    return pack.rules[0]


def fired(start: timedelta, length: timedelta | None, *, began_before: bool = False, **labels: str) -> Firing:
    """A firing so long after the range's beginning."""
    begin = START + start
    return Firing(labels, begin, None if length is None else begin + length, began_before)


def outcome(
    *firings: Firing, of: Rule | None = None, data: Data | None = None, problems: Sequence[Problem] = ()
) -> RuleOutcome:
    """What became of an alert; the rule's name is a label of each firing."""
    one = of or rule()
    named = tuple(Firing({"alertname": one.name, **f.labels}, f.start, f.end, f.began_before) for f in firings)
    known = data or Data(SPAN.start, SPAN.end, 1.0)
    return RuleOutcome(one, "g", "rules.yml", MINUTE, named, 0, known, tuple(problems))


def incident(start: timedelta, length: timedelta | None, title: str = "trouble", **facts: object) -> Incident:
    """An incident so long after the range's beginning."""
    begin = START + start
    return Incident(title, begin, None if length is None else begin + length, **facts)  # type: ignore[arg-type]


def setting(incidents: Sequence[Incident] | None = None, zone: tzinfo = UTC) -> Setting:
    """The range, with these incidents."""
    known = None if incidents is None else Incidents(tuple(incidents), "known.yml")
    return Setting(SPAN, zone, str(zone), known)


def reported(
    outcomes: Sequence[RuleOutcome], incidents: Sequence[Incident] | None = None, problems: Sequence[Problem] = ()
) -> Report:
    """The report of outcomes whose rules stand in no pack."""
    of = facts_of([pack_of([one.rule for one in outcomes])])
    return report(Replayed(SPAN.start, SPAN.end, tuple(outcomes)), setting(incidents), of, problems)


def pack_of(rules: Sequence[Rule]) -> Pack:
    """A pack that holds the rules in one group."""
    from generator.rule import Group, Origin

    document = yamltree.Document("rules.yml", {}, {}, {})
    return Pack("rules.yml", (Group("g", tuple(rules), None),), "rules.yml", Origin(document, ()), foreign=True)


def comparison(
    before: str, after: str, firings: Sequence[Firing] = (), incidents: Sequence[Incident] | None = None
) -> Report:
    """What a change of a rule file does, where every alert fires so afterwards and never did before."""
    old, new = packs(before), packs(after)
    pairs = paired(old, new, MINUTE)
    now = [outcome(*firings, of=one) for one in alerts(new)]
    then = [outcome(of=pair.before.rule) for pair in pairs if pair.before and not pair.same]
    found = report(Replayed(SPAN.start, SPAN.end, tuple(now)), setting(incidents), facts_of(new))
    return compared(found, pairs, Replayed(SPAN.start, SPAN.end, tuple(then)), facts_of(old))


def alerts(found: Sequence[Pack]) -> list[Rule]:
    """The alerts of packs."""
    return [one for pack in found for one in pack.rules if one.kind == "alert"]


def text_of(rules: Sequence[str], interval: str = "1m") -> str:
    """A rule file of one group with these items."""
    return f"groups: [{{name: g, interval: {interval}, rules: [{', '.join(rules)}]}}]"


def written(folder: Path, name: str, text: str) -> Path:
    """A file of that text."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file
