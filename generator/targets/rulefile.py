"""`rulefile`: what Prometheus reads by `rule_files`.

Source: prometheus model/rulefmt. Nothing younger than Prometheus 2.42 is
written: no group labels, no query_offset.
"""

from __future__ import annotations

from collections.abc import Sequence

from generator import yamltext
from generator.rule import Group, Pack, Rule
from generator.yamltext import Tree
from tocsin import duration


def render(pack: Pack) -> str:
    """The pack as a rule file."""
    return yamltext.dump({"groups": groups(pack)})


def groups(pack: Pack) -> Sequence[Tree]:
    """The pack's groups in the form that Prometheus and its operator share."""
    return [_group(group) for group in pack.groups]


def _group(group: Group) -> Tree:
    interval = {"interval": duration.show(group.interval)} if group.interval else {}
    return {"name": group.name, **interval, "rules": [_rule(rule) for rule in group.rules]}


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
