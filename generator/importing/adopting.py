"""Rules that Prometheus knows as they are, as the items of a verbatim pack; one that has an error is left out whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from generator.dialect import is_renamed, remarks
from generator.foreign import GROUP_KEYS, OTHERS_KEYS, RULE_KEYS
from generator.importing.imported import Imported, escaped
from generator.importing.recognition import recognised
from generator.rule import Group, Pack, Rule
from generator.source import written
from tocsin import duration
from tocsin.problem import Level, Problem
from tocsin.yamltree import Document, YamlPath


def amiss(document: Document, problems: Iterable[Problem]) -> frozenset[YamlPath]:
    """The paths at which one of the problems is an error."""
    places = {problem.at for problem in problems if problem.severity == "error"}
    marks = (document.marks, document.key_marks) if places else ()
    return frozenset(path for kind in marks for path, place in kind.items() if place in places)


def adopted(
    pack: Pack, wrong: Iterable[YamlPath], name: str, within: str = "", head: Sequence[str] = ()
) -> tuple[Imported, list[Problem]]:
    """A document's compiled rules as a pack to be; `wrong` is where it has errors, the result what nobody told yet."""
    document, path = pack.origin.document, pack.origin.path
    work = _Adopting(document, _spoiled(path, wrong))
    for group in pack.groups:
        work.group(group)
    imported = Imported(
        name=name,
        document=document,
        groups=work.groups,
        within=within,
        metadata={"verbatim": True},
        origins={(): path, **work.origins},
        comments=work.comments,
        remarks=head,
        left_out=len(list(_items(document, path))) - sum(len(group["rules"]) for group in work.groups),
    )
    return imported, [*work.problems, *_untold(document, path, work)]


@dataclass(frozen=True, slots=True)
class _Spoiled:
    """What has an error, in itself or in something below; of groups, in what they say of all their rules."""

    items: frozenset[YamlPath]
    groups: frozenset[YamlPath]


def _spoiled(path: YamlPath, wrong: Iterable[YamlPath]) -> _Spoiled:
    within = [one for one in wrong if one[: len(path)] == path]
    length = len(path) + 2  # of a group's path
    heads = {one[:length] for one in within if len(one) >= length and one[length : length + 1] != ("rules",)}
    return _Spoiled(frozenset(one[:end] for one in within for end in range(len(one) + 1)), frozenset(heads))


def _items(document: Document, path: YamlPath) -> Iterator[YamlPath]:
    """Where each item of each `rules` stands, whatever it is."""
    part: Any = document.data
    for step in path:
        part = part[step]
    groups = part.get("groups")
    for index, group in enumerate(groups if isinstance(groups, list) else ()):
        rules = group.get("rules") if isinstance(group, dict) else None
        yield from (
            (*path, "groups", index, "rules", place) for place in range(len(rules) if isinstance(rules, list) else 0)
        )


def _untold(document: Document, path: YamlPath, work: _Adopting) -> Iterator[Problem]:
    """A problem for each rule that is left out for a reason that is no error elsewhere."""
    told = {*work.origins.values(), *work.spoiled.items, *work.renamed}
    for item in _items(document, path):
        if item not in told and item[: len(path) + 2] not in work.spoiled.groups:
            hint = "write its expression in PromQL that rules check takes without a word, and import it again"
            yield Problem("import", "the rule is left out", document.at(*item), hint)


@dataclass(slots=True)
class _Adopting:
    document: Document
    spoiled: _Spoiled
    renamed: set[YamlPath] = field(default_factory=set)
    groups: list[Mapping[str, Any]] = field(default_factory=list)
    origins: dict[YamlPath, YamlPath] = field(default_factory=dict)
    comments: dict[YamlPath, Sequence[str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def group(self, group: Group) -> None:
        """Adds the group, unless what it says of all its rules has an error."""
        assert group.origin is not None, "a rule file's group stands somewhere"
        path = group.origin.path
        if path in self.spoiled.groups:
            return
        self._unsaid(path, group.keys, GROUP_KEYS)
        here = ("groups", len(self.groups))
        self.origins[here] = path
        rules: list[Mapping[str, Any]] = []
        self.groups.append({**escaped(_head(group)), "rules": rules})
        for rule in group.rules:
            if rule.origin.path not in self.spoiled.items and not self._is_renamed(rule):
                self._placed(rule, (*here, "rules", len(rules)))
                rules.append(escaped(_rule(rule)))

    def _placed(self, rule: Rule, here: YamlPath) -> None:
        """Notes where the rule came from, and what of it a pack cannot say."""
        self.origins[here] = rule.origin.path
        if lines := remarks(written(rule)):
            self.comments[here] = lines
        item: Any = self.document.data
        for step in rule.origin.path:
            item = item[step]
        self._unsaid(rule.origin.path, item, RULE_KEYS, rule.name)

    def _is_renamed(self, rule: Rule) -> bool:
        if not is_renamed(written(rule)):
            return False
        hint = "rename it if your servers are that young; else leave this rule in a file beside the built ones"
        message = "holt_winters is double_exponential_smoothing since Prometheus 3.0: the rule is left out"
        self.renamed.add(rule.origin.path)
        self.problems.append(rule.problem("import", message, rule.at_expr(), hint))
        return True

    def _unsaid(self, path: YamlPath, keys: Iterable[str], known: frozenset[str], name: str = "") -> None:
        """Other servers' keys, for which a pack has no word."""
        level: Level = "warning"
        for key in sorted((set(keys) - known) & OTHERS_KEYS):
            hint = "a rulepack says what Prometheus knows; set it where the rules will run"
            at = self.document.at_key(*path, key)
            self.problems.append(Problem("import", f"{key!r} is left out", at, hint, name, level))


def _head(group: Group) -> dict[str, Any]:
    said = {
        "interval": _length(group.interval),
        "query_offset": None if group.query_offset is None else duration.show(group.query_offset),
        "limit": group.limit if group.limit > 0 else None,  # less than 0 is none, too
        "labels": group.labels,
    }
    return {"name": group.name, **{key: value for key, value in said.items() if value}}


def _rule(rule: Rule) -> dict[str, Any]:
    template, facts = recognised(rule.expr) if rule.kind == "alert" else ("expr", rule.expr.text)
    said = {
        "for": _length(rule.hold),
        "keep_firing_for": _length(rule.keep_firing_for),
        "labels": rule.labels,
        "annotations": rule.annotations,
    }
    return {rule.kind: rule.name, template: facts, **{key: value for key, value in said.items() if value}}


def _length(length: timedelta | None) -> str | None:
    return duration.show(length) if length else None
