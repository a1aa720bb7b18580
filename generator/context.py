"""What a check may look at beside the rule: the rules around it, and what is known of the server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from promql_parser import VectorSelector

from generator import promql
from generator.promql import Expression
from generator.rule import Group, Pack, Rule
from generator.schema import WRITTEN_ANNOTATIONS
from tocsin.problem import Level, Position, Problem

# Between Prometheus's default (1m), kube-prometheus's 30s and the 15s of most examples.
ASSUMED_SCRAPE_INTERVAL = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Server:
    """What a Prometheus said: how many series each selector finds, and each metric's type.

    `counts` has no key for what was not asked or not answered.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """What the checks may take for granted; None is unknown."""

    scrape_interval: timedelta | None = None
    prometheus_version: tuple[int, int] | None = None
    server: Server | None = None
    most_series: int = 10_000  # beyond which a selector is called costly
    severities: Mapping[str, Level | None] = field(default_factory=dict)  # None turns a check off


@dataclass(frozen=True, slots=True)
class Context:
    """Where a rule stands. `recorded` and `read` are about all rules that are checked together."""

    pack: Pack
    group: Group
    settings: Settings
    recorded: Mapping[str, Sequence[Rule]]
    read: frozenset[str]
    has_alerts: bool
    reads_by_pattern: bool  # some rule selects metrics by a pattern, and so may read any


Check = Callable[[Rule, Context], Iterable[Problem]]


@dataclass(frozen=True, slots=True)
class Registered:
    """A check as people list it: how bad its worst finding is, what it finds, and whether it asks a server."""

    find: Check
    severity: Level
    about: str
    online: bool = False


def contexts(packs: Sequence[Pack], settings: Settings) -> Iterator[tuple[Rule, Context]]:
    """Every rule with its surroundings."""
    recorded: dict[str, list[Rule]] = {}
    read: set[str] = set()
    rules = [rule for pack in packs for rule in pack.rules]
    for rule in rules:
        if rule.kind == "record":
            recorded.setdefault(rule.name, []).append(rule)
        read |= metrics(rule.expr)
    names = frozenset(read - {""})
    has_alerts = any(rule.kind == "alert" for rule in rules)
    for pack in packs:
        for group in pack.groups:
            context = Context(pack, group, settings, recorded, names, has_alerts, "" in read)
            yield from ((rule, context) for rule in group.rules)


def metrics(expr: Expression) -> set[str]:
    """The names of the metrics that an expression reads; an empty one where it selects by a pattern."""
    return {promql.metric(node) for node in expr.nodes if isinstance(node, VectorSelector)}


def texts(rule: Rule) -> Iterator[tuple[str, str, Position, str]]:
    """(`labels` or `annotations`, name, place, text) of each label and annotation."""
    for name, text in rule.labels.items():
        yield "labels", name, rule.origin.at("labels", name), text
    for name, text in rule.annotations.items():
        key = WRITTEN_ANNOTATIONS.get(name) if rule.template else None
        yield "annotations", name, rule.origin.at(key) if key else rule.origin.at("annotations", name), text
