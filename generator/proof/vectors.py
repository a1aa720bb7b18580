"""Instant vectors of many worlds at many times at once: one array for the values, one for what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin.model import Labels

Numbers = NDArray[np.floating[Any]]
Flags = NDArray[np.bool_]
Key = frozenset[tuple[str, str]]

NAME = "__name__"
NATIVE = "__native__"  # which part of a native histogram a series stands for


class UnprovableError(ValueError):
    """The expression holds something that cannot be reasoned about; the message is part of a sentence."""


@dataclass(frozen=True, slots=True)
class Vector:
    """Series by their labels; `values` and `present` are (series, worlds, times).

    What is not present has no meaning, which is not the same as NaN.
    """

    labels: tuple[Labels, ...]
    values: Numbers
    present: Flags

    def take(self, rows: Sequence[int]) -> Vector:
        """Some of the series, in that order."""
        return Vector(tuple(self.labels[row] for row in rows), self.values[rows], self.present[rows])

    def named(self, change: Callable[[Labels], Labels]) -> Vector:
        """The same under other labels."""
        return merged(tuple(change(labels) for labels in self.labels), self.values, self.present)

    def filled(self, values: Numbers) -> Vector:
        """Other values of the same series, which lose the metric's name."""
        return Vector(self.labels, values, self.present).named(nameless)

    def where(self, kept: Flags) -> Vector:
        """Only where something holds."""
        return Vector(self.labels, self.values, self.present & kept)


def nameless(labels: Labels) -> Labels:
    """The labels without the metric's name."""
    return {name: value for name, value in labels.items() if name != NAME} if NAME in labels else labels


def key(labels: Labels) -> Key:
    """What tells label sets apart; an empty value is none."""
    return frozenset((name, value) for name, value in labels.items() if value)


def grouped(keys: Iterable[Key]) -> dict[Key, list[int]]:
    """The places of each key."""
    found: dict[Key, list[int]] = {}
    for place, one in enumerate(keys):
        found.setdefault(one, []).append(place)
    return found


def merged(labels: Sequence[Labels], values: Numbers, present: Flags) -> Vector:
    """One series for each label set.

    Raises:
        UnprovableError: two are there at once, which Prometheus refuses.
    """
    places = grouped(map(key, labels))
    if len(places) == len(labels):
        return Vector(tuple(labels), values, present)
    rows = list(places.values())
    if any((present[group].sum(axis=0) > 1).any() for group in rows if len(group) > 1):
        raise UnprovableError("it gives two series of the same labels")
    return Vector(
        tuple(labels[group[0]] for group in rows),
        np.stack([np.where(present[group], values[group], 0.0).sum(axis=0) for group in rows]),
        np.stack([present[group].any(axis=0) for group in rows]),
    )


def together(parts: Sequence[Vector]) -> Vector:
    """The series of all."""
    labels = tuple(labels for part in parts for labels in part.labels)
    values, present = (np.concatenate(arrays) for arrays in zip(*((p.values, p.present) for p in parts), strict=True))
    return merged(labels, values, present)
