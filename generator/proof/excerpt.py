"""One rule and the records that it rests on, as a rule file of their own: what is not needed is not evaluated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count

from promql_parser import VectorSelector

from generator.inlining import may_read
from generator.rule import Group, Pack, Rule
from tocsin import promql

MOST_RULES = 100  # each is evaluated at every step of every test


@dataclass(frozen=True, slots=True)
class Placed:
    """A rule where it stands: its group is the one at `index` of its pack."""

    rule: Rule
    pack: Pack
    index: int

    @property
    def group(self) -> Group:
        return self.pack.groups[self.index]

    @property
    def place(self) -> tuple[int, int]:
        """Tells groups apart: two packs may have groups of one name."""
        return id(self.pack), self.index


class TooManyRulesError(ValueError):
    """The rule rests on more records than are evaluated for one test."""


def placed(packs: Iterable[Pack]) -> list[Placed]:
    """Every rule of the packs, in order."""
    return [
        Placed(rule, pack, index) for pack in packs for index, group in enumerate(pack.groups) for rule in group.rules
    ]


class Records:
    """The records of all packs, as whoever reads them finds them."""

    def __init__(self, packs: Sequence[Pack]) -> None:
        self._by_name: dict[str, list[Placed]] = {}
        for one in placed(packs):
            if one.rule.kind == "record":
                self._by_name.setdefault(one.rule.name, []).append(one)

    def read_by(self, reader: Placed) -> list[Placed]:
        """The records whose series the rule's selectors may find, each once.

        Where its own pack records a name, records of that name elsewhere are another server's, or a copy.
        """
        found: dict[int, Placed] = {}
        for selector in reader.rule.expr.of(VectorSelector):
            fitting = [one for one in self._by_name.get(promql.metric(selector), ()) if _fits(one, selector)]
            own = [one for one in fitting if one.pack is reader.pack]
            found.update({id(one.rule): one for one in own or fitting})
        return list(found.values())


def excerpt(target: Placed, records: Records) -> Pack:
    """The rule and all it rests on, in their groups and those in their order; the rule's own group comes last.

    Raises:
        TooManyRulesError: it rests on more than MOST_RULES.
    """
    chosen: dict[int, Placed] = {}
    _choose(target, records, chosen)
    groups: dict[tuple[int, int], Placed] = {one.place: one for one in chosen.values() if one.place != target.place}
    groups[target.place] = target
    cut = [_cut(one.group, chosen.keys()) for one in groups.values()]
    return replace(target.pack, groups=tuple(_named_apart(cut)))


def _choose(reader: Placed, records: Records, chosen: dict[int, Placed]) -> None:
    """Adds what the reader rests on, then the reader: what is read comes before who reads it."""
    waiting = [(reader, iter(records.read_by(reader)))]
    begun = {id(reader.rule)}
    while waiting:
        one, rest = waiting[-1]
        below = next(rest, None)
        if below is None:
            chosen[id(one.rule)] = one
            waiting.pop()
        elif id(below.rule) not in begun:
            begun.add(id(below.rule))
            if len(begun) > MOST_RULES:
                raise TooManyRulesError(f"rests on more than {MOST_RULES - 1} records")
            waiting.append((below, iter(records.read_by(below))))


def _cut(group: Group, chosen: Iterable[int]) -> Group:
    kept = frozenset(chosen)
    return replace(group, rules=tuple(rule for rule in group.rules if id(rule) in kept))


def _named_apart(groups: Sequence[Group]) -> Iterable[Group]:
    """promtool orders groups by their names, so no two may share one."""
    names: set[str] = set()
    for group in groups:
        names_to_try = (group.name if n == 1 else f"{group.name} {n}" for n in count(1))
        name = next(name for name in names_to_try if name not in names)
        names.add(name)
        yield replace(group, name=name)


def _fits(record: Placed, selector: VectorSelector) -> bool:
    """Whether the labels that a record puts on meet the selector's matchers."""
    static = {**record.group.labels, **record.rule.labels}
    return may_read(selector, {name: value for name, value in static.items() if "{{" not in value})
