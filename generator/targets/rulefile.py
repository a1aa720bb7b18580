"""`rulefile`: what Prometheus reads by `rule_files`.

Source: prometheus model/rulefmt. Nothing younger than the version that is built for is written.
"""

from __future__ import annotations

from collections.abc import Sequence

from generator import yamltext
from generator.emit import Part, Rendering
from generator.rule import Group, Pack, Rule
from generator.targets.dialect import Dialect, spoken
from generator.version import OLDEST, Version
from generator.yamltext import Tree
from tocsin import duration


def render(pack: Pack, version: Version = OLDEST) -> Rendering:
    """The pack as a rule file."""
    said, problems = spoken(pack, Dialect("rulefile", version))
    return Rendering((Part("", yamltext.dump({"groups": groups(said.groups)}), len(pack.rules)),), tuple(problems))


def groups(said: Sequence[Group]) -> Sequence[Tree]:
    """The groups in the form that Prometheus, its operator and the rulers share."""
    return [_group(group) for group in said]


def _group(group: Group) -> Tree:
    tree: dict[str, Tree] = {"name": group.name}
    if group.interval:
        tree["interval"] = duration.show(group.interval)
    if group.query_offset is not None:  # 0s is not the server's
        tree["query_offset"] = duration.show(group.query_offset)
    if group.limit:
        tree["limit"] = group.limit
    if group.labels:
        tree["labels"] = group.labels
    return {**tree, "rules": [_rule(rule) for rule in group.rules]}


def _rule(rule: Rule) -> Tree:
    tree: dict[str, Tree] = {rule.kind: rule.name, "expr": rule.expr.text}
    if rule.hold:
        tree["for"] = duration.show(rule.hold)
    if rule.keep_firing_for:
        tree["keep_firing_for"] = duration.show(rule.keep_firing_for)
    if rule.labels:
        tree["labels"] = rule.labels
    if rule.annotations:
        tree["annotations"] = rule.annotations
    return tree
