"""What a target can say: a pack in its words, and a problem for each thing that was lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from generator import version
from generator.rule import Group, Origin, Pack, Rule
from generator.version import FIELDS, OLDEST, Version
from tocsin.model import Labels
from tocsin.problem import Position, Problem
from tocsin.promql import LABEL


@dataclass(frozen=True, slots=True)
class Dialect:
    """A target, the Prometheus behind it, and the fields of rule files that it has no word for at all."""

    target: str
    version: Version = OLDEST
    unknown: frozenset[str] = frozenset()

    def knows(self, field: str) -> bool:
        return field not in self.unknown and self.version >= FIELDS[field]

    def way_out(self, field: str) -> str:
        if field in self.unknown:
            return f"remove {field}, or build for a target that has it: rulefile, prometheusrule"
        return (
            f"remove {field}, or build with --prometheus-version {version.show(FIELDS[field])} if yours is that young"
        )

    def __str__(self) -> str:
        return f"target {self.target} (Prometheus {version.show(self.version)})"


def spoken(pack: Pack, dialect: Dialect) -> tuple[Pack, list[Problem]]:
    """The pack as the target can say it, and what it cannot.

    Labels of a group become labels of its rules. A lost `keep_firing_for`, `limit` or `query_offset` is a warning,
    because the rule still finds what it found; an expression that the target would refuse is an error.
    """
    problems = list(_quoted(pack, dialect)) if pack.verbatim else []
    groups = tuple(_group(group, dialect, problems) for group in pack.groups)
    return Pack(pack.name, groups, pack.source, pack.origin), problems


def _group(group: Group, dialect: Dialect, problems: list[Problem]) -> Group:
    origin = group.origin
    for field, value in (("query_offset", group.query_offset), ("limit", group.limit)):
        if value and not dialect.knows(field):
            problems.append(_lost(field, dialect, origin, rule=""))
    labels = {} if dialect.knows("labels") else group.labels
    rules = tuple(_rule(rule, labels, dialect, problems) for rule in group.rules)
    return replace(
        group,
        rules=rules,
        query_offset=group.query_offset if dialect.knows("query_offset") else None,
        limit=group.limit if dialect.knows("limit") else 0,
        labels=group.labels if dialect.knows("labels") else {},
    )


def _rule(rule: Rule, labels: Labels, dialect: Dialect, problems: list[Problem]) -> Rule:
    problems += _refused(rule, dialect)
    if labels:
        rule = replace(rule, labels={**labels, **rule.labels})
    if rule.keep_firing_for and not dialect.knows("keep_firing_for"):
        problems.append(_lost("keep_firing_for", dialect, rule.origin, rule.name))
        rule = replace(rule, keep_firing_for=timedelta())
    return rule


def _refused(rule: Rule, dialect: Dialect) -> Iterator[Problem]:
    for what, since in version.too_young(rule.expr, dialect.version):
        message = f"{what} is not known before Prometheus {version.show(since)}, and this is built for {dialect}"
        hint = f"write it without, or build with --prometheus-version {version.show(since)} if yours is that young"
        yield rule.problem("target", message, rule.at_expr(), hint)


def _quoted(pack: Pack, dialect: Dialect) -> Iterator[Problem]:
    """Names that Prometheus must quote; in other packs they are an error for everybody."""
    since = version.UTF8
    for at, name, whose in _names(pack) if dialect.version < since else ():
        message = f"the name {name!r} is not known before Prometheus {version.show(since)}, and this is for {dialect}"
        hint = f"rename it, or build with --prometheus-version {version.show(since)} if yours is that young"
        yield Problem("target", message, at, hint, whose)


def _names(pack: Pack) -> Iterator[tuple[Position, str, str]]:
    """Where, what and of which rule: the names of records, labels and annotations that are of no classic form."""
    for group in pack.groups:
        mappings = [(group.origin, "labels", group.labels, "")]
        for rule in group.rules:
            if rule.kind == "record" and not version.PLAIN_NAME.fullmatch(rule.name):
                yield rule.at_name(), rule.name, rule.name
            said = (("labels", rule.labels), ("annotations", rule.annotations))
            mappings += [(rule.origin, mapping, texts, rule.name) for mapping, texts in said]
        for origin, mapping, texts, whose in mappings:
            names = (name for name in texts if not LABEL.fullmatch(name))
            yield from ((origin.at_key(mapping, name), name, whose) for name in names if origin)


def _lost(field: str, dialect: Dialect, origin: Origin | None, rule: str) -> Problem:
    assert origin is not None, "what has a field was written somewhere"
    message = f"{field} is left out: {dialect} does not know it"
    return Problem("target", message, origin.at_key(field), dialect.way_out(field), rule, severity="warning")
