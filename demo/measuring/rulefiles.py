"""Rule files as they are measured: what each rule reads, and how far back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from promql_parser import Call, Expr, MatrixSelector, SubqueryExpr, VectorSelector

from tocsin import duration, promql

LOOKBACK = timedelta(minutes=5)  # Prometheus's --query.lookback-delta
FARTHEST = timedelta(days=90)  # that anything is read back: two rules that read each other would have no end
ORDER_STATISTICS = frozenset({"quantile_over_time", "mad_over_time"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: `reads` says how far back it looks at which metric; `sorts` is the longest range that it sorts."""

    name: str
    expr: str
    labels: Mapping[str, str] = field(hash=False)
    is_alert: bool
    hold: timedelta
    reads: Mapping[str, timedelta] = field(hash=False)
    sorts: timedelta


def read(folder: Path) -> list[Rule]:
    """The rules of the files that `tocsin rules build` wrote."""
    files = sorted(folder.glob("*.yml"))
    return [rule for file in files for rule in _rules(yaml.load(file.read_text("utf-8"), yaml.CSafeLoader))]


def _rules(found: Mapping[str, Any]) -> Iterator[Rule]:
    for group in found["groups"]:
        for rule in group["rules"]:
            yield _rule(rule, group.get("labels", {}))


def _rule(rule: Mapping[str, Any], labels: Mapping[str, str]) -> Rule:
    tree = promql.parse(str(rule["expr"])).tree
    return Rule(
        name=rule.get("alert") or rule["record"],
        expr=str(rule["expr"]),
        labels={**labels, **rule.get("labels", {})},
        is_alert="alert" in rule,
        hold=duration.parse(str(rule.get("for", "0s"))) + duration.parse(str(rule.get("keep_firing_for", "0s"))),
        reads=_farthest(_reads(tree, timedelta())),
        sorts=max(_sorted_ranges(tree), default=timedelta()),
    )


def _reads(node: Expr, back: timedelta) -> Iterator[tuple[str, timedelta]]:
    """Each metric below a node, and how long before now the earliest sample lies that it looks at."""
    if isinstance(node, MatrixSelector):
        yield promql.metric(node.vector_selector), back + (node.range or timedelta()) + _earlier(node.vector_selector)
    elif isinstance(node, VectorSelector):
        yield promql.metric(node), back + LOOKBACK + _earlier(node)
    elif isinstance(node, SubqueryExpr):
        yield from _reads(node.expr, back + (node.range or timedelta()) + _earlier(node))
    else:
        for child in promql.children(node):
            yield from _reads(child, back)


def _farthest(reads: Iterable[tuple[str, timedelta]]) -> Mapping[str, timedelta]:
    found: dict[str, timedelta] = {}
    for metric, back in reads:
        found[metric] = max(back, found.get(metric, back))
    return found


def _earlier(node: VectorSelector | SubqueryExpr) -> timedelta:
    return node.offset or timedelta()


def _sorted_ranges(tree: Expr) -> Iterator[timedelta]:
    for node in promql.walk(tree):
        if isinstance(node, Call) and node.func.name in ORDER_STATISTICS:
            yield from (of.range or timedelta() for of in node.args if isinstance(of, MatrixSelector | SubqueryExpr))


def alerts(rules: Iterable[Rule]) -> list[Rule]:
    """Those that tell of something: a heartbeat reads nothing, and fires for ever."""
    return [rule for rule in rules if rule.is_alert and rule.reads]


def query(expr: str, history: timedelta) -> Rule:
    """A query of the exporter: it looks at so much history of what it reads, and nobody records it."""
    tree = promql.parse(expr).tree
    reads = _farthest(_reads(tree, history))
    return Rule("", expr, {}, is_alert=False, hold=timedelta(), reads=reads, sorts=timedelta())


Reach = Mapping[str, timedelta]  # by the name of a metric, how long before the time in question somebody reads it


def reached(rules: Iterable[Rule], asked: Iterable[Rule]) -> Reach:
    """What some rules and queries read, directly or by way of recording rules."""
    records = _records(rules)
    back: dict[str, timedelta] = {}
    for one in asked:
        _reach(one, one.hold, records, back)
    return back


def _reach(rule: Rule, before: timedelta, records: Mapping[str, Sequence[Rule]], back: dict[str, timedelta]) -> None:
    """Marks what a rule reads that is evaluated so long `before`; one that reads itself ends there."""
    for name, reads in rule.reads.items():
        reach = min(before + reads, FARTHEST)
        if name != rule.name and reach > back.get(name, timedelta(-1)):
            back[name] = reach
            for record in records.get(name, ()):
                _reach(record, reach, records, back)


def _records(rules: Iterable[Rule]) -> Mapping[str, Sequence[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        if not rule.is_alert:
            found.setdefault(rule.name, []).append(rule)
    return found


@dataclass(frozen=True, slots=True)
class Needed:
    """A recording rule that somebody reads, how long before the time in question, and in which pass it can be made."""

    rule: Rule
    back: timedelta
    level: int


def needed(rules: Iterable[Rule], reach: Reach) -> list[Needed]:
    """The recording rules within reach, the ones that read no other first."""
    records = _records(rules)
    levels: dict[str, int] = {}
    found = [
        Needed(rule, reach[name], _level(name, records, levels))
        for name in sorted(records.keys() & reach.keys())
        for rule in records[name]
    ]
    return sorted(found, key=lambda one: one.level)


def _level(name: str, records: Mapping[str, Sequence[Rule]], known: dict[str, int]) -> int:
    if name not in known:
        known[name] = 0  # a circle ends here
        below = {read for rule in records[name] for read in rule.reads if read in records and read != name}
        known[name] = 1 + max((_level(one, records, known) for one in below), default=0)
    return known[name]
