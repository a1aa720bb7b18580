"""Aggregations: the series of each group, made one.

Source: prometheus/prometheus promql/engine.go (aggregation).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from promql_parser import AggModifierType, AggregateExpr, StringLiteral

from generator.proof.quantiles import of_sorted
from generator.proof.vectors import NATIVE, Flags, Numbers, UnprovableError, Vector, grouped, key, nameless, together
from tocsin.model import Labels

Reduce = Callable[[Numbers, Flags], Numbers]
MOST_VALUES = 300  # that count_values tells apart


def _mean(values: Numbers, there: Flags) -> Numbers:
    return np.asarray(np.where(there, values, 0.0).sum(axis=0) / there.sum(axis=0))


def _variance(values: Numbers, there: Flags) -> Numbers:
    off = np.where(there, values - _mean(values, there), 0.0)
    return np.asarray((off**2).sum(axis=0) / there.sum(axis=0))


REDUCE: Mapping[str, Reduce] = {
    "sum": lambda values, there: np.where(there, values, 0.0).sum(axis=0),
    "avg": _mean,
    "min": lambda values, there: np.where(there, values, np.inf).min(axis=0),
    "max": lambda values, there: np.where(there, values, -np.inf).max(axis=0),
    "count": lambda values, there: there.sum(axis=0).astype(np.float64),
    "group": lambda values, there: np.ones(values.shape[1:]),
    "stdvar": _variance,
    "stddev": lambda values, there: np.sqrt(_variance(values, there)),
}
KEEPING = frozenset({"topk", "bottomk", "limitk"})


@dataclass(frozen=True, slots=True)
class Aggregation:
    """An operator with the labels it groups by, or without."""

    operator: str
    names: frozenset[str]
    without: bool
    value_label: str

    @classmethod
    def of(cls, node: AggregateExpr) -> Aggregation:
        modifier = node.modifier
        return cls(
            operator=str(node.op),
            names=frozenset(modifier.labels) if modifier else frozenset(),
            without=bool(modifier and modifier.type == AggModifierType.Without),
            value_label=node.param.val if isinstance(node.param, StringLiteral) else "",
        )

    def __call__(self, vector: Vector, parameter: Numbers | None) -> Vector:
        groups = grouped(key(self._group(labels)) for labels in vector.labels)
        parts = [self._one(vector.take(rows), parameter) for rows in groups.values()]
        return together(parts) if parts else vector

    def _group(self, labels: Labels) -> Labels:
        if self.without:
            return {name: value for name, value in nameless(labels).items() if name not in self.names}
        return {name: value for name, value in labels.items() if name in self.names or name == NATIVE}

    def _one(self, group: Vector, parameter: Numbers | None) -> Vector:
        labels = (self._group(group.labels[0]),)
        there = np.asarray(group.present.any(axis=0, keepdims=True))
        with np.errstate(all="ignore"):
            if reduce := REDUCE.get(self.operator):
                return Vector(labels, reduce(group.values, group.present)[None], there)
            if self.operator in KEEPING and parameter is not None:
                return group.where(self._kept(group, parameter))
            if self.operator == "quantile" and parameter is not None:
                ordered = np.sort(np.where(group.present, group.values, np.inf), axis=0)
                return Vector(labels, of_sorted(ordered, group.present.sum(axis=0), parameter)[None], there)
        if self.operator == "count_values":
            return self._values(group)
        raise UnprovableError(f"{self.operator}() is not understood")

    def _kept(self, group: Vector, parameter: Numbers) -> Flags:
        """The first so many, or those that are largest or smallest."""
        sign = {"topk": -1.0, "bottomk": 1.0, "limitk": 0.0}[self.operator]
        ranked = np.where(group.present, group.values * sign, np.inf)
        places = np.argsort(np.argsort(ranked, axis=0, kind="stable"), axis=0, kind="stable")
        return np.asarray(places < parameter)

    def _values(self, group: Vector) -> Vector:
        values = np.unique(group.values[group.present])
        if len(values) > MOST_VALUES:
            raise UnprovableError("count_values() tells too many values apart")
        labels = self._group(group.labels[0])
        parts = []
        for value in values.tolist():
            equal = group.present & (group.values == value)
            shown = {**labels, self.value_label: f"{value:g}"}
            parts.append(
                Vector(
                    (shown,), equal.sum(axis=0)[None].astype(np.float64), np.asarray(equal.any(axis=0, keepdims=True))
                )
            )
        return together(parts) if parts else group.take([])
