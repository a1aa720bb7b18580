"""What a check may look at beside the rule: the rules around it, and what is known of the server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from promql_parser import Expr, VectorSelector

from generator.labelflow import Labels, labels_of
from generator.levels import Levels, Override
from generator.rule import Group, Pack, Rule
from tocsin import promql
from tocsin.problem import Level, Position, Problem
from tocsin.promql import Expression
from tocsin.promql_shape import by_shape

# That of most examples, and the shortest that is common: what is too short for it is too short for everybody.
ASSUMED_SCRAPE_INTERVAL = timedelta(seconds=15)


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
    severities: Levels = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()

    @property
    def off(self) -> frozenset[str]:
        """The checks that are turned off everywhere, so that nobody need run them."""
        back = {name for override in self.overrides for name, level in override.levels.items() if level}
        return frozenset(name for name, level in self.severities.items() if level is None) - back


@dataclass(frozen=True, slots=True)
class Context:
    """Where a rule stands. `recorded` and `read` are about all rules that are checked together."""

    pack: Pack
    group: Group
    settings: Settings
    recorded: Mapping[str, Sequence[Rule]]
    read: frozenset[str]
    has_alerts: bool
    unread: int  # how many of the recorded names no rule reads
    reads_by_pattern: bool  # some rule selects metrics by a pattern, and so may read any
    _labels: dict[int, tuple[Expr, Labels]]

    @property
    def unwise(self) -> Level:
        """How bad is what Prometheus loads all the same: no reason to refuse rules that are kept as they are."""
        return "warning" if self.pack.verbatim else "error"

    def labels_of(self, node: Expr) -> Labels:
        """The labels that the series of a node can have."""
        return labels_of(node, self.recorded, self._labels)

    def labels(self, expr: Expression) -> Labels:
        """The labels that the series of an expression can have."""
        return self.labels_of(expr.tree) if self.reads_record(expr) else labels_of_stored(expr)

    def reads_record(self, expr: Expression) -> bool:
        """Whether one of the rules records what the expression reads."""
        return not self.recorded.keys().isdisjoint(metrics(expr))


Check = Callable[[Rule, Context], Iterable[Problem]]


@dataclass(frozen=True, slots=True)
class Registered:
    """A check as people list it: how bad its worst finding is, what it finds, and whether it asks a server.

    One that is `of_all` cannot speak before all rules are known.
    """

    find: Check
    severity: Level
    about: str
    online: bool = False
    of_all: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What the checks of other packs may have to know of one: its records, what it reads, whether it alerts."""

    records: tuple[Rule, ...]
    read: frozenset[str]
    has_alerts: bool


def told(pack: Pack) -> Told:
    """What the pack tells."""
    read = frozenset[str]().union(*(metrics(rule.expr) for rule in pack.rules))
    records = tuple(rule for rule in pack.rules if rule.kind == "record")
    return Told(records, read, len(records) < len(pack.rules))


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What all packs that are checked together told, as the checks ask for it."""

    recorded: Mapping[str, Sequence[Rule]]
    read: frozenset[str]
    has_alerts: bool
    unread: int  # how many of the recorded names no rule reads
    reads_by_pattern: bool  # some rule selects metrics by a pattern, and so may read any


def neighbours(tellings: Iterable[Told]) -> Neighbours:
    """All that was told, in one."""
    recorded: dict[str, list[Rule]] = {}
    read: set[str] = set()
    has_alerts = False
    for telling in tellings:
        for rule in telling.records:
            recorded.setdefault(rule.name, []).append(rule)
        read |= telling.read
        has_alerts = has_alerts or telling.has_alerts
    names = frozenset(read - {""})
    return Neighbours(recorded, names, has_alerts, len(recorded.keys() - names), "" in read)


def contexts(packs: Sequence[Pack], settings: Settings, known: Neighbours) -> Iterator[tuple[Rule, Context]]:
    """Every rule with its surroundings."""
    for pack in packs:
        for group in pack.groups:
            context = Context(
                pack,
                group,
                settings,
                known.recorded,
                known.read,
                known.has_alerts,
                known.unread,
                known.reads_by_pattern,
                _labels={},
            )
            yield from ((rule, context) for rule in group.rules)


@by_shape
def metrics(expr: Expression) -> frozenset[str]:
    """The names of the metrics that an expression reads; an empty one where it selects by a pattern."""
    return frozenset(promql.metric(node) for node in expr.of(VectorSelector))


@by_shape
def labels_of_stored(expr: Expression) -> Labels:
    """The labels that the series can have where nothing the expression reads is recorded."""
    return labels_of(expr.tree, {}, {})


def texts(rule: Rule) -> Iterator[tuple[str, str, str]]:
    """(`labels` or `annotations`, name, text) of each label and annotation that is a template."""
    for name, text in rule.labels.items():
        if "{{" in text or "}}" in text:
            yield "labels", name, text
    for name, text in rule.annotations.items():
        if "{{" in text or "}}" in text:
            yield "annotations", name, text


def place(rule: Rule, mapping: str, name: str) -> Position:
    """Where a label or annotation stands; some annotations are keys of a pack's rule itself."""
    if not rule.template or mapping == "labels" or (*rule.origin.path, mapping, name) in rule.origin.document.marks:
        return rule.origin.at(mapping, name)
    from generator.schema import WRITTEN_ANNOTATIONS  # rulepacks' own, which foreign rules need not wait for

    key = WRITTEN_ANNOTATIONS.get(name)
    return rule.origin.at(key) if key else rule.origin.at(mapping, name)
