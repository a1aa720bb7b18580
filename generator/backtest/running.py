"""A backtest from beginning to end: rules read, incidents fetched, history asked, a report made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta, tzinfo
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from generator.backtest import curves
from generator.backtest.asking import connected
from generator.backtest.incident import Incidents
from generator.backtest.outcome import Replayed, RuleOutcome
from generator.backtest.pairing import Pair, paired
from generator.backtest.replay import DEFAULT_INTERVAL, replay
from generator.backtest.report import Facts, FactsOf, Report, Setting, compared, report
from generator.backtest.scoring import TOLERANCE
from generator.backtest.summary import Span
from generator.gathering import gather
from generator.labelflow import labels_of
from generator.rule import Group, Pack, Rule
from tocsin.errors import UsageError
from tocsin.http_config import HttpConfig
from tocsin.problem import Problem
from tocsin.promapi import Prometheus

Progress = Callable[[str, int, int], None]  # what is done, how much of it, of how much


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be backtested, and how; `names` are patterns of alerts' names, of which one must match."""

    paths: Sequence[Path]
    span: Span
    zone: tzinfo
    zone_name: str
    names: Sequence[str] = ()
    before: Sequence[Path] = ()
    incidents: Incidents | None = None
    tolerance: timedelta = TOLERANCE
    step: timedelta | None = None
    interval: timedelta | None = None
    drafts: bool = False
    changed_only: bool = False
    stored_records: bool = False
    with_curves: bool = False

    def wants(self, rule: Rule) -> bool:
        """Whether an alert is asked for by its name."""
        named = not self.names or any(fnmatchcase(rule.name, pattern) for pattern in self.names)
        return named and rule.kind == "alert"


@dataclass(frozen=True, slots=True)
class Done:
    """The report, with the curves that were asked for."""

    report: Report
    drawn: curves.Drawn = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Server:
    """Where history is asked."""

    url: str
    http: HttpConfig
    timeout: timedelta


async def backtest(order: Order, server: Server, told: Progress) -> Done:
    """The backtest of rules; whatever is wrong with them, or with the server, is told in the report.

    Raises:
        UsageError: a path does not exist, or no rule has one of the names.
    """
    now, before = _read(order.paths, order), _read(order.before, order)
    if order.names and not any(order.wants(rule) for pack in (*now.packs, *before.packs) for rule in pack.rules):
        paths = ", ".join(map(str, (*order.paths, *order.before)))
        raise UsageError(f"--rule: no alert in {paths} is called {' or '.join(order.names)}")
    pairs = _pairs(before.packs, now.packs, order) if order.before else []
    incidents = order.incidents.problems if order.incidents else ()
    setting = Setting(order.span, order.zone, order.zone_name, order.incidents, order.tolerance)
    async with connected(server.url, server.http, server.timeout.total_seconds()) as prometheus:
        asking = _Asking(order, prometheus, told)
        wanted = _wanted(order, pairs)
        replayed = await asking.replayed("rules", now.packs, wanted)
        left = sum(wanted(rule) for pack in now.packs for rule in pack.rules) - len(replayed.rules)
        found = report(replayed, setting, facts_of(now.packs), (*now.problems, *incidents), left)
        if order.before:
            changed = {id(pair.before.rule) for pair in pairs if pair.before and not pair.same}
            earlier = await asking.replayed("rules before", before.packs, lambda rule: id(rule) in changed)
            found = compared(found, pairs, earlier, facts_of(before.packs), before.problems)
        drawn = await curves.asked(found, prometheus) if order.with_curves else {}
    return Done(found, drawn)


@dataclass(frozen=True, slots=True)
class _Asking:
    order: Order
    server: Prometheus
    told: Progress

    async def replayed(self, what: str, packs: Sequence[Pack], wanted: Callable[[Rule], bool]) -> Replayed:
        order = self.order
        return await replay(
            packs,
            self.server,
            order.span.start,
            order.span.end,
            step=order.step,
            default_interval=order.interval,
            rules=wanted,
            told=partial(self.told, what),
            stored_records=order.stored_records,
        )


@dataclass(frozen=True, slots=True)
class _Rules:
    packs: Sequence[Pack]
    problems: Sequence[Problem]


def _read(paths: Sequence[Path], order: Order) -> _Rules:
    """The rules below some paths, without drafts unless they are asked for."""
    if not paths:
        return _Rules((), ())
    gathered = gather(paths)
    packs = gathered.packs if order.drafts else gathered.running()
    errors = [problem for problem in gathered.problems if problem.severity == "error"]
    return _Rules(packs, errors)


def _pairs(before: Sequence[Pack], now: Sequence[Pack], order: Order) -> list[Pair]:
    pairs = paired(before, now, order.interval or DEFAULT_INTERVAL)
    return [pair for pair in pairs if any(one and order.wants(one.rule) for one in (pair.before, pair.after))]


def _wanted(order: Order, pairs: Iterable[Pair]) -> Callable[[Rule], bool]:
    """Which alerts of now are evaluated."""
    if not order.changed_only:
        return order.wants
    changed = {id(pair.after.rule) for pair in pairs if pair.after and not pair.same}
    return lambda rule: id(rule) in changed


def facts_of(packs: Iterable[Pack]) -> FactsOf:
    """What the rules of packs say of their alerts' labels."""
    groups: dict[int, Group] = {}
    records: dict[str, list[Rule]] = defaultdict(list)
    for group in (group for pack in packs for group in pack.groups):
        for rule in group.rules:
            groups[id(rule)] = group
            if rule.kind == "record":
                records[rule.name].append(rule)

    def facts(outcome: RuleOutcome) -> Facts:
        rule = outcome.rule
        labels = {**groups[id(rule)].labels, **rule.labels, "alertname": rule.name}
        return Facts(labels, labels_of(rule.expr.tree, records, {}).can_have)

    return facts
