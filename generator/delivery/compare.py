"""Two sets of rules compared, rule by rule: what an evaluation or a notification would notice, and nothing else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise

from generator.delivery.difference import Change, Difference, GroupDifference, RuleDifference
from generator.delivery.pairing import Pair, Placed, pair
from generator.rule import Group, Rule
from tocsin import duration
from tocsin.model import Labels

Files = Mapping[str, Sequence[Group]]  # by the name of a file, an object or a namespace
Place = tuple[str, int]  # a file, and which of its groups


def compare(old: Files, new: Files) -> Difference:
    """What has to happen to the old rules so that they are the new ones.

    Groups are the same by file and name, else by name, else where half of the rules are the same; a file's name alone
    makes no difference, nor does the order of rules unless one reads what another records.
    """
    partners = _partners(_places(old), _places(new))
    homes = {ours: theirs for theirs, ours in partners.items()}
    left = [one for place, group in _places(old).items() for one in _placed(place, group, homes.get(place, (0, place)))]
    right = [one for place, group in _places(new).items() for one in _placed(place, group, place)]
    pairs, gone, come = pair(left, right)
    changed = [_changed(one, other) for one, other in pairs]
    rules = [
        *(RuleDifference("removed", one.file, one.group.name, one.rule) for one in gone),
        *(RuleDifference("added", one.file, one.group.name, one.rule) for one in come),
        *(found for found in changed if found),
    ]
    ranks = _ranks(old, new)
    groups = sorted(_groups(old, new, partners, pairs), key=lambda one: ranks[one.file, one.group])
    indices = {id(rule): index for side in (old, new) for index, rule in _indexed(side)}
    rules.sort(key=lambda one: (ranks[one.file, one.group], indices[id(one.rule)]))
    return Difference(tuple(groups), tuple(rules))


def _places(files: Files) -> dict[Place, Group]:
    return {(file, index): group for file, groups in files.items() for index, group in enumerate(groups)}


def _placed(at: Place, group: Group, place: Hashable) -> Iterator[Placed]:
    for rule in group.rules:
        yield Placed(at[0], group, rule, place)


def _partners(old: Mapping[Place, Group], new: Mapping[Place, Group]) -> dict[Place, Place]:
    """Which new group is which old one."""
    found: dict[Place, Place] = {}
    free = dict(old)
    for same_file in (True, False):
        by_name: dict[Hashable, list[Place]] = {}
        for place, group in free.items():
            by_name.setdefault((place[0] if same_file else "", group.name), []).append(place)
        for place, group in new.items():
            alike = by_name.get((place[0] if same_file else "", group.name), [])
            if place not in found and alike:
                best = max(alike, key=lambda other: _shared(old[other], group))
                alike.remove(best)
                found[place] = best
                del free[best]
    holders: dict[Hashable, set[Place]] = {}
    for place, group in free.items():
        for rule in group.rules:
            holders.setdefault((rule.kind, rule.name), set()).add(place)
    for place, group in new.items():
        near = {holder for rule in group.rules for holder in holders.get((rule.kind, rule.name), ())} & free.keys()
        if place not in found and near:
            best = max(sorted(near), key=lambda other: _shared(old[other], group))
            if 2 * _shared(old[best], group) >= max(len(group.rules), len(old[best].rules)):
                found[place] = best
                del free[best]
    return found


def _shared(one: Group, other: Group) -> int:
    """How many rules of the same kind and name they have."""
    names = [Counter((rule.kind, rule.name) for rule in group.rules) for group in (one, other)]
    return (names[0] & names[1]).total()


def _changed(old: Placed, new: Placed) -> RuleDifference | None:
    changes = [
        *(() if old.rule.expr == new.rule.expr else _change("expr", old.expr, new.expr)),
        *_change("for", _length(old.rule.hold), _length(new.rule.hold)),
        *_change("keep_firing_for", _length(old.rule.keep_firing_for), _length(new.rule.keep_firing_for)),
        *(change for change in _labels(old, new) if not _of_group(change, old, new)),
        *_texts("annotations", old.rule.annotations, new.rule.annotations),
    ]
    if old.place != new.place:
        here, there = (f"{one.file}/{one.group.name}" for one in (old, new))
        names = (here, there) if old.file != new.file else (old.group.name, new.group.name)
        changes += _change("group", *names)
    return RuleDifference("changed", new.file, new.group.name, new.rule, tuple(changes)) if changes else None


def _labels(old: Placed, new: Placed) -> Iterator[Change]:
    return _texts("labels", old.labels, new.labels)


def _of_group(change: Change, old: Placed, new: Placed) -> bool:
    """Whether it is their groups that gave them the label: told of the group, once."""
    label = change.field.removeprefix("labels.")
    given = (old.group.labels.get(label), new.group.labels.get(label))
    both = old.place == new.place and label not in old.rule.labels and label not in new.rule.labels
    return both and given == (change.old, change.new)


def _texts(field: str, old: Labels, new: Labels) -> Iterator[Change]:
    for key in dict.fromkeys((*old, *new)):
        yield from _change(f"{field}.{key}", old.get(key), new.get(key))


def _change(field: str, old: str | None, new: str | None) -> Iterator[Change]:
    if old != new:
        yield Change(field, old, new)


def _length(length: timedelta | None) -> str | None:
    return duration.show(length) if length else None


def _groups(
    old: Files, new: Files, partners: Mapping[Place, Place], pairs: Sequence[Pair]
) -> Iterator[GroupDifference]:
    before, after = _places(old), _places(new)
    kept = set(partners.values())
    together: dict[Hashable, list[Pair]] = {}
    for both in pairs:
        if both[0].place == both[1].place:
            together.setdefault(both[1].place, []).append(both)
    for place, group in before.items():
        if place not in kept:
            yield GroupDifference("removed", place[0], group.name)
    for place, group in after.items():
        if place not in partners:
            yield GroupDifference("added", place[0], group.name)
            continue
        ours, shared = before[partners[place]], together.get(place, [])
        changes = tuple(_group_changes(ours, group, shared))
        reordered = tuple(_reordered(ours, group, shared))
        if changes or reordered:
            yield GroupDifference("changed", place[0], group.name, changes, reordered)


def _group_changes(old: Group, new: Group, pairs: Sequence[Pair]) -> Iterator[Change]:
    """Labels only as far as a rule bears another because of them."""
    yield from _change("name", old.name, new.name)
    yield from _change("interval", _length(old.interval), _length(new.interval))
    offsets = [None if one.query_offset is None else duration.show(one.query_offset) for one in (old, new)]
    yield from _change("query_offset", *offsets)
    yield from _change("limit", str(old.limit or "") or None, str(new.limit or "") or None)
    seen = {change for both in pairs for change in _labels(*both) if _of_group(change, *both)}
    yield from (change for change in _texts("labels", old.labels, new.labels) if change in seen)


def _reordered(old: Group, new: Group, pairs: Sequence[Pair]) -> Iterator[tuple[Rule, Rule]]:
    """The records and their readers that changed places."""
    before = {id(rule): index for index, rule in enumerate(old.rules)}
    after = {id(rule): index for index, rule in enumerate(new.rules)}
    moves = sorted((after[id(b.rule)], before[id(a.rule)], b) for a, b in pairs)
    if all(one[1] < other[1] for one, other in pairwise(moves)):
        return
    for _, earlier, record in moves:
        if record.rule.kind == "record":
            word = re.compile(rf"(?<![\w:]){re.escape(record.rule.name)}(?![\w:])")
            for now, then, reader in moves:
                turned = (now > after[id(record.rule)]) != (then > earlier)
                if reader is not record and turned and word.search(reader.expr):
                    yield record.rule, reader.rule


def _indexed(files: Files) -> Iterator[tuple[int, Rule]]:
    return (pair for groups in files.values() for group in groups for pair in enumerate(group.rules))


def _ranks(old: Files, new: Files) -> Mapping[tuple[str, str], int]:
    """Where each group is told: those of the new set in their order, then those that are gone."""
    names = [(file, group.name) for files in (new, old) for file, groups in files.items() for group in groups]
    return {name: index for index, name in enumerate(dict.fromkeys(names))}
