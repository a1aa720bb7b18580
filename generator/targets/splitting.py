"""Large things cut into parts that a target takes, so that a rule more or less changes one part.

A part is a leaf of a binary tree over the hashes of the keys (extendible hashing): a part that grows too large
becomes two, named by one more bit, and no other part moves. That is why parts are filled to about 70 %.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from promql_parser import VectorSelector

from generator.rule import Rule
from tocsin import promql

T = TypeVar("T")

DEEPEST = 64  # bits; two different keys part long before


@dataclass(frozen=True, slots=True)
class Piece(Generic[T]):
    """A leaf: its bits (`''` where nothing had to be cut) and its items in their order."""

    bits: str
    items: Sequence[T]

    @property
    def suffix(self) -> str:
        return f"-{self.bits}" if self.bits else ""


def pieces(items: Sequence[T], key: Callable[[T], str], fits: Callable[[Sequence[T]], bool]) -> list[Piece[T]]:
    """The items in as few leaves as fit; one item that does not fit alone is a leaf all the same."""
    hashed = [(_bits(key(item)), item) for item in items]
    return list(_leaves("", hashed, fits))


def _leaves(bits: str, items: Sequence[tuple[str, T]], fits: Callable[[Sequence[T]], bool]) -> Iterator[Piece[T]]:
    plain = [item for _, item in items]
    if len(items) <= 1 or len(bits) == DEEPEST or fits(plain):
        if items or not bits:
            yield Piece(bits, plain)
        return
    for bit in "01":
        yield from _leaves(bits + bit, [pair for pair in items if pair[0].startswith(bits + bit)], fits)


def _bits(key: str) -> str:
    digest = hashlib.sha256(key.encode()).digest()[: DEEPEST // 8]
    return format(int.from_bytes(digest, "big"), f"0{DEEPEST}b")


def together(rules: Sequence[Rule]) -> list[tuple[Rule, ...]]:
    """The rules of a group in sets that must stay in one group: who reads a record, and the record, in order.

    Prometheus evaluates the rules of one group in order; across groups a reader may see a value one interval old.
    """
    home = list(range(len(rules)))

    def root(index: int) -> int:
        while home[index] != index:
            index = home[index]
        return index

    recorded: dict[str, int] = {}
    for index, rule in enumerate(rules):
        if rule.kind == "record":
            first = recorded.setdefault(rule.name, index)
            home[root(index)] = root(first)
    for index, rule in enumerate(rules):
        for name in _read(rule, recorded):
            low, high = sorted((root(index), root(recorded[name])))
            home[high] = low
    sets: dict[int, list[Rule]] = {}
    for index, rule in enumerate(rules):
        sets.setdefault(root(index), []).append(rule)
    return [tuple(members) for members in sets.values()]


def _read(rule: Rule, recorded: Mapping[str, int]) -> Iterator[str]:
    """The recorded names that the rule selects; only texts that could hold one are walked."""
    if recorded and any(name in rule.expr.text for name in recorded):
        for node in promql.walk(rule.expr.tree):
            if isinstance(node, VectorSelector) and node.name and node.name in recorded:
                yield node.name
