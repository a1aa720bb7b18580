"""Two-sided operators: which series meet, and what comes of them.

Source: prometheus/prometheus promql/engine.go (VectorBinop, VectorAnd, VectorOr, VectorUnless, resultMetric).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from promql_parser import BinaryExpr, VectorMatchCardinality

from generator.labelflow import is_on
from generator.proof.vectors import NAME, Flags, Key, Numbers, Vector, grouped, key, merged, nameless, together
from tocsin.model import Labels

Operate = Callable[[Any, Any], Any]

ARITHMETIC: Mapping[str, Operate] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
COMPARING: Mapping[str, Operate] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}


@dataclass(frozen=True, slots=True)
class Join:
    """An operator with how it matches: `on` the names or ignoring them, `many` the side that keeps its labels."""

    operator: str
    names: frozenset[str]
    on: bool
    many: str
    included: frozenset[str]
    returns_bool: bool

    @classmethod
    def of(cls, node: BinaryExpr) -> Join:
        modifier = node.modifier
        matching = modifier.matching if modifier else None
        card = modifier.card if modifier else None
        many = ((VectorMatchCardinality.ManyToOne, "left"), (VectorMatchCardinality.OneToMany, "right"))
        return cls(
            operator=str(node.op),
            names=frozenset(matching.labels if matching else ()),
            on=is_on(node),
            many=next((side for one, side in many if card == one), ""),
            included=frozenset(modifier.group_labels or () if modifier else ()),
            returns_bool=bool(modifier and modifier.return_bool),
        )

    def __call__(self, left: Vector | Numbers, right: Vector | Numbers) -> Vector | Numbers:
        """What the operator makes of its sides; a side that is no vector is a number at each time."""
        if isinstance(left, Vector) and isinstance(right, Vector):
            return self._set(left, right) if self.operator in SETS else self._vectors(left, right)
        if isinstance(left, Vector):
            return self._scalar(left, left.values, right, left.values)
        if isinstance(right, Vector):
            return self._scalar(right, left, right.values, right.values)
        result = self._compute(left, right)
        return np.asarray(result, dtype=np.float64)

    def _compute(self, left: Any, right: Any) -> Any:
        compute = ARITHMETIC.get(self.operator) or COMPARING[self.operator]
        with np.errstate(all="ignore"):
            return compute(left, right)

    def _scalar(self, vector: Vector, left: Any, right: Any, value: Numbers) -> Vector:
        result = self._compute(left, right)
        if self.operator in ARITHMETIC or self.returns_bool:
            return vector.filled(np.asarray(result, dtype=np.float64))
        return Vector(vector.labels, value, vector.present & result)

    def _signature(self, labels: Labels) -> Key:
        if self.on:
            return key({name: value for name, value in labels.items() if name in self.names})
        return key({name: value for name, value in nameless(labels).items() if name not in self.names})

    def _set(self, left: Vector, right: Vector) -> Vector:
        if self.operator == "or":
            return together([left, right.where(~self._met(right, left))])
        met = self._met(left, right)
        return left.where(met if self.operator == "and" else ~met)

    def _met(self, vector: Vector, other: Vector) -> Flags:
        """Where each series meets one of the others."""
        others = grouped(map(self._signature, other.labels))
        found = np.zeros(vector.present.shape, dtype=bool)
        for row, labels in enumerate(vector.labels):
            if rows := others.get(self._signature(labels)):
                found[row] = other.present[rows].any(axis=0)
        return found

    def _vectors(self, left: Vector, right: Vector) -> Vector:
        others = grouped(map(self._signature, right.labels))
        pairs = [
            (row, other) for row, labels in enumerate(left.labels) for other in others.get(self._signature(labels), ())
        ]
        if not pairs:
            return left.take([])
        lefts, rights = (left.take([pair[0] for pair in pairs]), right.take([pair[1] for pair in pairs]))
        result = self._compute(lefts.values, rights.values)
        labels = [self._result(one, two) for one, two in zip(lefts.labels, rights.labels, strict=True)]
        present = lefts.present & rights.present
        if self.operator in ARITHMETIC or self.returns_bool:
            return merged(labels, np.asarray(result, dtype=np.float64), present)
        return merged(labels, lefts.values, present & result)

    def _result(self, left: Labels, right: Labels) -> Labels:
        many, one = (right, left) if self.many == "right" else (left, right)
        bare = self.operator in ARITHMETIC or self.returns_bool
        result = nameless(many) if bare else many
        if not self.many:
            return {name: value for name, value in result.items() if self._stays(name)}
        return {**result, **{name: one.get(name, "") for name in self.included}}

    def _stays(self, name: str) -> bool:
        return name in self.names if self.on else name == NAME or name not in self.names


SETS = frozenset({"and", "or", "unless"})
