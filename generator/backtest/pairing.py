"""The alerts of two states of some rules in pairs: which are the same, which differ in what, which came and went.

What decides when an alert fires is compared: its expression, the recording rules that it rests on, its durations and
labels, and its group's interval, offset and limit; not its annotations, its place or its order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from promql_parser import VectorSelector

from generator.normal import normal_or_text
from generator.rule import Group, Pack, Rule
from tocsin import duration, promql
from tocsin.model import Labels
from tocsin.promql import Expression


@dataclass(frozen=True, slots=True)
class Candidate:
    """One alert with what decides when it fires, as texts by what they say."""

    rule: Rule
    labels: Labels
    says: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is another now; empty where there was, or is, none."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Pair:
    """One alert before and after; None where it was added or removed. No changes: it is the same."""

    before: Candidate | None
    after: Candidate | None

    @property
    def changes(self) -> tuple[Change, ...]:
        if self.before is None or self.after is None:
            return ()
        old, new = self.before.says, self.after.says
        return tuple(
            Change(what, old.get(what, ""), new.get(what, ""))
            for what in dict.fromkeys((*old, *new))
            if old.get(what, "") != new.get(what, "")
        )

    @property
    def same(self) -> bool:
        return self.before is not None and self.after is not None and self.before.says == self.after.says


def paired(before: Sequence[Pack], after: Sequence[Pack], interval: timedelta) -> list[Pair]:
    """Every alert of both, by name, whatever their order; `interval` is that of groups which have none."""
    old, new = (_by_name(candidates(packs, interval)) for packs in (before, after))
    return [pair for name in sorted(old.keys() | new.keys()) for pair in _twins(old.get(name, []), new.get(name, []))]


def candidates(packs: Sequence[Pack], interval: timedelta) -> Iterator[Candidate]:
    """The alerts of packs."""
    records = _records(packs, interval)
    for group in (group for pack in packs for group in pack.groups):
        for rule in group.rules:
            if rule.kind == "alert":
                labels = {**group.labels, **rule.labels}
                yield Candidate(rule, labels, dict(_said(rule, labels, group, interval, records)))


Record = tuple[str, Expression]  # what it says, and what it reads


def _records(packs: Iterable[Pack], interval: timedelta) -> Mapping[str, Sequence[Record]]:
    found: dict[str, list[Record]] = defaultdict(list)
    for group in (group for pack in packs for group in pack.groups):
        every = duration.show(group.interval or interval)
        for rule in group.rules:
            if rule.kind == "record":
                labels = _listed({**group.labels, **rule.labels})
                found[rule.name].append((f"{normal_or_text(rule.expr.text)} every {every}{labels}", rule.expr))
    return found


def _said(
    rule: Rule, labels: Labels, group: Group, interval: timedelta, records: Mapping[str, Sequence[Record]]
) -> Iterator[tuple[str, str]]:
    yield "expr", normal_or_text(rule.expr.text)
    if rule.hold:
        yield "for", duration.show(rule.hold)
    if rule.keep_firing_for:
        yield "keep_firing_for", duration.show(rule.keep_firing_for)
    for name, value in sorted(labels.items()):
        yield f"label {name}", value
    yield "interval", duration.show(group.interval or interval)
    if group.query_offset:
        yield "query_offset", duration.show(group.query_offset)
    if group.limit:
        yield "limit", str(group.limit)
    for name in sorted(_rests_on(rule.expr, records)):
        yield f"record {name}", "\n".join(sorted(said for said, _ in records[name]))


def _rests_on(expr: Expression, records: Mapping[str, Sequence[Record]]) -> set[str]:
    """The records that an expression reads, and those that they read."""
    found: set[str] = set()
    ahead = [expr]
    while ahead:
        names = {promql.metric(node) for node in ahead.pop().of(VectorSelector)}
        new = {name for name in names if name in records} - found
        found |= new
        ahead += [reads for name in new for _, reads in records[name]]
    return found


def _listed(labels: Labels) -> str:
    return "".join(f" {name}={value!r}" for name, value in sorted(labels.items()))


def _by_name(alerts: Iterable[Candidate]) -> dict[str, list[Candidate]]:
    found: dict[str, list[Candidate]] = defaultdict(list)
    for one in alerts:
        found[one.rule.name].append(one)
    return found


def _twins(old: Sequence[Candidate], new: Sequence[Candidate]) -> Iterator[Pair]:
    """Alerts of one name: first those that are the same, then those of the same labels, then the most alike."""
    left, right = list(old), list(new)
    for key in (_everything, _labels):
        pairs, left, right = _matched(left, right, key)
        yield from pairs
    pairs, left, right = _closest(left, right)
    yield from pairs
    yield from (Pair(one, None) for one in left)
    yield from (Pair(None, one) for one in right)


Key = frozenset[tuple[str, str]]
Division = tuple[list[Pair], list[Candidate], list[Candidate]]  # pairs, and what is left of both sides


def _everything(one: Candidate) -> Key:
    return frozenset(one.says.items())


def _labels(one: Candidate) -> Key:
    return frozenset(one.labels.items())


def _matched(left: Sequence[Candidate], right: Sequence[Candidate], key: Callable[[Candidate], Key]) -> Division:
    """Those whose keys are equal."""
    waiting: dict[Key, list[Candidate]] = defaultdict(list)
    for one in right:
        waiting[key(one)].append(one)
    pairs, alone = [], []
    for one in left:
        twins = waiting[key(one)]
        if twins:
            pairs.append(Pair(one, twins.pop(0)))
        else:
            alone.append(one)
    return pairs, alone, [one for twins in waiting.values() for one in twins]


def _closest(left: Sequence[Candidate], right: Sequence[Candidate]) -> Division:
    """Whoever is left, those first that have most labels in common."""
    keys = [_labels(one) for one in left], [_labels(one) for one in right]
    choices = ((-len(keys[0][i] & keys[1][j]), i, j) for i in range(len(left)) for j in range(len(right)))
    lefts, rights = set(range(len(left))), set(range(len(right)))
    pairs = []
    for _, i, j in sorted(choices):
        if i in lefts and j in rights:
            lefts.remove(i)
            rights.remove(j)
            pairs.append(Pair(left[i], right[j]))
    return pairs, [left[i] for i in sorted(lefts)], [right[j] for j in sorted(rights)]
