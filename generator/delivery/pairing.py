"""Which rule of one set is which of the other: by name, and where several share it, by what else they share."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import SequenceMatcher
from functools import cached_property

from generator.normal import normal_or_text
from generator.rule import Group, Rule
from tocsin.model import Labels

MOST_COMPARED = 900  # pairs of twins that are looked at one by one; beyond, they are taken in their order


@dataclass(frozen=True)
class Placed:
    """A rule where it stands: the `file`, the `group`, and its `place` by the names of the set it is compared with."""

    file: str
    group: Group
    rule: Rule
    place: Hashable

    @cached_property
    def expr(self) -> str:
        return normal_or_text(self.rule.expr.text)

    @cached_property
    def labels(self) -> Labels:
        """Its own, and those of its group that it does not set itself."""
        return {**self.group.labels, **self.rule.labels}

    @property
    def name(self) -> tuple[str, str]:
        return self.rule.kind, self.rule.name

    @cached_property
    def label_set(self) -> frozenset[tuple[str, str]]:
        return frozenset(self.labels.items())

    @property
    def times(self) -> tuple[timedelta, timedelta]:
        return self.rule.hold, self.rule.keep_firing_for

    @cached_property
    def verbatim(self) -> Hashable:
        """All of it as it is written: most rules stay as they are, and are not parsed for it."""
        return self.name, self.rule.expr.text, self.label_set, self.times, frozenset(self.rule.annotations.items())

    @cached_property
    def everything(self) -> Hashable:
        return self.name, self.expr, self.label_set, self.times, frozenset(self.rule.annotations.items())


Key = Callable[[Placed], Hashable]

# From what leaves no doubt to what is left. Who has the same name and labels is the same to Alertmanager.
ROUNDS: Sequence[Key] = (
    lambda one: (one.place, one.verbatim),
    lambda one: (one.place, one.everything),
    lambda one: (one.place, one.name, one.label_set, one.expr),
    lambda one: (one.place, one.name, one.label_set),
    lambda one: one.everything,
    lambda one: (one.place, one.name, one.expr),
    lambda one: (one.name, one.label_set, one.expr),
)
BY_LIKENESS: Sequence[Key] = (lambda one: (one.place, one.name), lambda one: (one.name, one.label_set))

Pair = tuple[Placed, Placed]


def pair(old: Sequence[Placed], new: Sequence[Placed]) -> tuple[list[Pair], list[Placed], list[Placed]]:
    """The pairs, what is only in the old set and what is only in the new one; each in the sets' order."""
    pairs: list[Pair] = []
    left, right = list(old), list(new)
    for rounds, match in ((ROUNDS, _in_order), (BY_LIKENESS, _by_likeness)):
        for key in rounds:
            found = list(_round(left, right, key, match))
            pairs += found
            taken = {id(one) for both in found for one in both}
            left, right = ([one for one in side if id(one) not in taken] for side in (left, right))
    return pairs, left, right


Match = Callable[[Sequence[Placed], Sequence[Placed]], Iterator[Pair]]


def _round(left: Sequence[Placed], right: Sequence[Placed], key: Key, match: Match) -> Iterator[Pair]:
    waiting: dict[Hashable, tuple[list[Placed], list[Placed]]] = {}
    for side, placed in enumerate((left, right)):
        for one in placed:
            waiting.setdefault(key(one), ([], []))[side].append(one)
    for ours, theirs in waiting.values():
        if ours and theirs:
            yield from match(ours, theirs)


def _in_order(left: Sequence[Placed], right: Sequence[Placed]) -> Iterator[Pair]:
    return zip(left, right, strict=False)


def _by_likeness(left: Sequence[Placed], right: Sequence[Placed]) -> Iterator[Pair]:
    if len(left) * len(right) > MOST_COMPARED or len(left) == len(right) == 1:
        yield from _in_order(left, right)
        return
    likest = sorted(
        ((_likeness(one, other), -i, -j) for i, one in enumerate(left) for j, other in enumerate(right)), reverse=True
    )
    waiting = deque(likest)
    ours, theirs = set(range(len(left))), set(range(len(right)))
    while waiting and ours and theirs:
        _, i, j = waiting.popleft()
        if -i in ours and -j in theirs:
            ours.remove(-i)
            theirs.remove(-j)
            yield left[-i], right[-j]


def _likeness(one: Placed, other: Placed) -> float:
    shared = len(one.label_set & other.label_set) / max(len(one.label_set | other.label_set), 1)
    expressions = SequenceMatcher(None, one.expr, other.expr, autojunk=False).quick_ratio()
    return 2 * shared + expressions + 0.1 * (one.times == other.times)
