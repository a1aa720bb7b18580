"""Kubernetes manifests that hold rule groups: as many objects as their size asks for.

Source: prometheus-operator, MaxConfigMapDataSize (half of a Secret's 1 MiB: 524,288 bytes, issue #6478); Kubernetes,
apimachinery, TotalAnnotationSizeLimitB (262,144 bytes): `kubectl apply` notes the whole object in an annotation.
The smaller one decides, with a little room.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from generator import yamltext
from generator.emit import Part, Rendering
from generator.rule import Group, Pack
from generator.targets.rulefile import groups as as_trees
from generator.targets.splitting import pieces, together
from generator.yamltext import Tree
from tocsin.problem import Problem

LARGEST = 240_000  # bytes of JSON; kubectl's bound is 262,144 with quoting and the object's other annotations


@dataclass(frozen=True, slots=True)
class _Unit:
    """What stays in one object: a group, or a set of rules of a group that is itself too large."""

    group: Group
    tree: Tree
    size: int

    @property
    def key(self) -> str:
        first = self.group.rules[-1] if self.group.rules else None
        return self.group.name if first is None else f"{self.group.name} {first.name} {sorted(first.labels.items())}"


def render(pack: Pack, problems: Sequence[Problem], manifest: Callable[[str, Sequence[Tree]], Tree]) -> Rendering:
    """The pack, said in the target's words already, as manifests; `manifest(name, groups)` makes one."""
    found = list(problems)
    whole = [_unit(group) for group in pack.groups]
    parts = pieces(whole, lambda unit: unit.group.name, _fit)
    done: list[Part] = []
    for part in parts:
        if _fit(part.items):
            done.append(_part(pack, part.suffix, part.items, manifest))
            continue
        [unit] = part.items  # a group too large for one object
        sets = [_unit(replace(unit.group, rules=members)) for members in together(unit.group.rules)]
        found += [_too_large(one) for one in sets if not _fit([one])]
        for piece in pieces(sets, lambda one: one.key, _fit):
            rules = tuple(rule for one in piece.items for rule in one.group.rules)
            merged = _unit(replace(unit.group, rules=rules))
            done.append(_part(pack, f"{part.suffix}-group{piece.suffix}", [merged], manifest))
    return Rendering(tuple(done), tuple(found))


def _unit(group: Group) -> _Unit:
    [tree] = as_trees([group])
    return _Unit(group, tree, len(json.dumps(tree, ensure_ascii=False).encode()))


def _fit(units: Sequence[_Unit]) -> bool:
    return sum(unit.size for unit in units) <= LARGEST


def _part(pack: Pack, suffix: str, units: Sequence[_Unit], manifest: Callable[[str, Sequence[Tree]], Tree]) -> Part:
    tree = manifest(pack.name + suffix, [unit.tree for unit in units])
    assert isinstance(tree, dict)
    return Part(suffix, yamltext.dump(tree), sum(len(unit.group.rules) for unit in units))


def _too_large(unit: _Unit) -> Problem:
    rule = unit.group.rules[-1]
    message = f"{unit.size:,} bytes of rules that read one another do not fit into one object of {LARGEST:,}"
    return rule.problem("target", message, rule.origin.at(), "shorten annotations, or record less in one chain")
