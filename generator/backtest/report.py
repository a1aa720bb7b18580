"""A backtest with everything that is told of it: figures of each alert, scores, and what is another than before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta, tzinfo

from generator.backtest.incident import Incident, Incidents
from generator.backtest.outcome import Firing, Replayed, RuleOutcome
from generator.backtest.pairing import Pair
from generator.backtest.scoring import TOLERANCE, CanHave, Held, Record, Score
from generator.backtest.summary import Span, Summary, Tally, added, hours_added, summarised, total
from generator.rule import Rule
from tocsin.model import Labels
from tocsin.problem import Problem


@dataclass(frozen=True, slots=True)
class Setting:
    """What a report is made for: the range, the zone of its hours, and what really happened, if that is known."""

    span: Span
    zone: tzinfo
    zone_name: str
    incidents: Incidents | None = None
    tolerance: timedelta = TOLERANCE


@dataclass(frozen=True, slots=True)
class AlertReport:
    """One alert; `labels` are those that its rule and group put on it, `score` is None where no incidents are known."""

    summary: Summary
    labels: Labels
    held: Held | None = None
    score: Score | None = None

    @property
    def rule(self) -> Rule:
        return self.summary.rule


@dataclass(frozen=True, slots=True)
class Whole:
    """All alerts of one state of the rules together."""

    tally: Tally
    pages_a_week: float | None
    by_hour: tuple[float, ...] | None
    score: Score | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One alert that was added, removed or changed, and what became of it; None on the side where there is none."""

    pair: Pair
    before: AlertReport | None
    after: AlertReport | None

    @property
    def kind(self) -> str:
        if self.pair.before is None:
            return "added"
        return "removed" if self.pair.after is None else "changed"

    @property
    def name(self) -> str:
        one = self.pair.after or self.pair.before
        assert one is not None
        return one.rule.name


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is another than before, and how all alerts together did before; `unchanged` are as many as are the same."""

    differences: tuple[Difference, ...]
    unchanged: int
    before: Whole


@dataclass(frozen=True, slots=True)
class IncidentReport:
    """An incident and the alerts that told of it, the first one first."""

    incident: Incident
    told_by: tuple[AlertReport, ...]
    lead: timedelta | None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything; alerts as they stand in the rules. `left` is how many were not reached before the server was lost."""

    setting: Setting
    alerts: tuple[AlertReport, ...]
    whole: Whole
    incidents: tuple[IncidentReport, ...]
    comparison: Comparison | None
    problems: tuple[Problem, ...]
    left: int = 0

    def all_problems(self) -> Iterator[Problem]:
        """Those of the whole, then those of each alert, of now and of before."""
        yield from self.problems
        before = [one.before for one in self.comparison.differences if one.before] if self.comparison else []
        for alert in (*self.alerts, *before):
            yield from alert.summary.outcome.problems

    def louder(self, pages_a_week: float) -> list[AlertReport]:
        """The alerts that come to more pages a week."""
        return [one for one in self.alerts if (one.summary.pages_a_week or 0.0) > pages_a_week]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a rule's text says of its alerts: the labels that they have, and those that they can have."""

    labels: Labels
    can_have: CanHave


FactsOf = Callable[[RuleOutcome], Facts]


def report(
    replayed: Replayed, setting: Setting, facts: FactsOf, problems: Iterable[Problem] = (), left: int = 0
) -> Report:
    """The report of one state of the rules."""
    record = _record(setting)
    alerts = _alerts(replayed.rules, setting, record, facts)
    incidents = _incidents(alerts, record) if record else ()
    told = tuple(dict.fromkeys((*problems, *replayed.problems)))
    return Report(setting, alerts, _whole(alerts, record), incidents, None, told, left)


def compared(
    after: Report, pairs: Sequence[Pair], earlier: Replayed, facts: FactsOf, problems: Iterable[Problem] = ()
) -> Report:
    """The report with what is another than before; `earlier` holds the alerts that changed or were removed."""
    setting, record = after.setting, _record(after.setting)
    before = {id(one.rule): one for one in _alerts(earlier.rules, setting, record, facts)}
    now = {id(one.rule): one for one in after.alerts}
    differences = [_difference(pair, before, now) for pair in pairs if not pair.same]
    kept = [pair for pair in pairs if pair.same]
    unchanged = [now[id(pair.after.rule)] for pair in kept if pair.after and id(pair.after.rule) in now]
    whole = _whole([*unchanged, *before.values()], record)
    comparison = Comparison(tuple(differences), len(kept), whole)
    told = tuple(dict.fromkeys((*after.problems, *problems, *earlier.problems)))
    return replace(after, comparison=comparison, problems=told)


def _difference(pair: Pair, before: Mapping[int, AlertReport], now: Mapping[int, AlertReport]) -> Difference:
    old = before.get(id(pair.before.rule)) if pair.before else None
    new = now.get(id(pair.after.rule)) if pair.after else None
    return Difference(pair, old, new)


def _record(setting: Setting) -> Record | None:
    return Record(setting.incidents.items, setting.span, setting.tolerance) if setting.incidents else None


def _alerts(
    outcomes: Sequence[RuleOutcome], setting: Setting, record: Record | None, facts: FactsOf
) -> tuple[AlertReport, ...]:
    return tuple(_alert(outcome, setting, record, facts(outcome)) for outcome in outcomes)


def _alert(outcome: RuleOutcome, setting: Setting, record: Record | None, facts: Facts) -> AlertReport:
    summary = summarised(outcome, setting.span, setting.zone)
    if record is None:
        return AlertReport(summary, facts.labels)
    held = record.held(outcome, facts.labels, facts.can_have)
    return AlertReport(summary, facts.labels, held, record.score([held]))


def _whole(alerts: Sequence[AlertReport], record: Record | None) -> Whole:
    summaries = [one.summary for one in alerts]
    score = record.score(one.held for one in alerts if one.held) if record else None
    pages = added(one.pages_a_week for one in summaries)
    return Whole(total(one.tally for one in summaries), pages, hours_added(summaries), score)


def _incidents(alerts: Sequence[AlertReport], record: Record) -> tuple[IncidentReport, ...]:
    tellers: dict[int, list[tuple[Firing, AlertReport]]] = defaultdict(list)
    for alert in alerts:
        for told in alert.held.told if alert.held else ():
            tellers[told.incident].append((told.firing, alert))
    return tuple(_told_by(number, tellers[number], record) for number in range(len(record.incidents)))


def _told_by(number: int, tellers: Sequence[tuple[Firing, AlertReport]], record: Record) -> IncidentReport:
    ordered = sorted(tellers, key=lambda one: one[0].start)
    lead = record.lead(number, ordered[0][0]) if ordered else None
    return IncidentReport(record.incidents[number], tuple(alert for _, alert in ordered), lead)
