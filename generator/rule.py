"""What the stages after `expand` work on: packs of compiled rules that still know where they were written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import Literal

from generator.lifecycle import State
from tocsin.model import Labels, Severity
from tocsin.problem import Level, Position, Problem
from tocsin.promql import Expression
from tocsin.yamltree import Document, YamlPath

Identity = tuple[str, frozenset[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something was written: a path in a YAML document."""

    document: Document
    path: YamlPath

    def at(self, *path: str | int) -> Position:
        """The place of the value below, or of its nearest parent that is in the file."""
        return self.document.at(*self.path, *path)

    def at_key(self, *path: str | int) -> Position:
        """The place of the key below."""
        return self.document.at_key(*self.path, *path)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as Prometheus runs it; `hold` is its `for`. Only alerts have annotations and a severity.

    `group` names the group that it asks to stand in, if that is not the one in which it was written.
    `recorded_for` is the alert or SLO that made a record; a record that somebody wrote has none. `severity` is the one
    that was meant: in testing, the label says another.
    """

    kind: Literal["alert", "record"]
    name: str
    expr: Expression
    origin: Origin
    expr_path: YamlPath
    labels: Labels
    annotations: Labels
    template: str = ""
    recorded_for: str = ""
    severity: Severity | None = None
    state: State = State.ACTIVE
    hold: timedelta = timedelta()
    keep_firing_for: timedelta = timedelta()
    group: str = ""

    @property
    def identity(self) -> Identity:
        """What Alertmanager tells alerts apart by, and Prometheus series, as far as the rule says it."""
        return self.name, frozenset(self.labels.items())

    def problem(
        self, check: str, message: str, at: Position, hint: str, severity: Level = "error", part: str = ""
    ) -> Problem:
        """A problem of this rule, under the name that stands in the pack."""
        return Problem(check, message, at, hint, self.recorded_for or self.name, severity, part)

    def at_name(self) -> Position:
        """The place of the name under which it stands in the pack: an alert's, a record's or an SLO's."""
        kinds = ("alert", "record", "slo")
        document, path = self.origin.document, self.origin.path
        return next((self.origin.at(kind) for kind in kinds if (*path, kind) in document.marks), self.origin.at())

    def at_expr(self) -> Position:
        """The place of the expression it was compiled from."""
        return self.origin.at(*self.expr_path)


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated together, in order; no interval and no offset means the server's, limit 0 none.

    `labels` are for every rule that has none of that name itself.
    """

    name: str
    rules: tuple[Rule, ...]
    interval: timedelta | None
    query_offset: timedelta | None = None
    limit: int = 0
    labels: Labels = field(default_factory=dict)
    origin: Origin | None = None
    keys: frozenset[str] = frozenset()  # what a rule file says of the group beside name and rules


@dataclass(frozen=True)
class Pack:
    """One rulepack, compiled. `source` is its file as generated files name it: no path of this machine.

    One that a tenant chose, scoped to it, names the `tenant`.
    """

    name: str
    groups: tuple[Group, ...]
    source: str
    origin: Origin
    foreign: bool = False  # a rule file that Tocsin did not write
    verbatim: bool = False  # a rulepack whose rules are built as they stand
    tenant: str = ""

    @property
    def of_others(self) -> bool:
        """Whether others wrote the rules: they are judged as Prometheus judges them."""
        return self.foreign or self.verbatim

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(rule for group in self.groups for rule in group.rules)

    @cached_property
    def alerts_by_identity(self) -> Mapping[Identity, Rule]:
        """The first alert of each identity; a draft that is to replace another is none."""
        first: dict[Identity, Rule] = {}
        for rule in self.rules:
            if rule.kind == "alert" and rule.state.written:
                first.setdefault(rule.identity, rule)
        return first

    def written(self) -> Pack:
        """The pack without drafts; a group of nothing but drafts goes."""
        groups = (replace(group, rules=tuple(filter(_written, group.rules))) for group in self.groups)
        kept = (new for new, old in zip(groups, self.groups, strict=True) if new.rules or not old.rules)
        return replace(self, groups=tuple(kept))


def _written(rule: Rule) -> bool:
    return rule.state.written
