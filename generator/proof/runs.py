"""Worlds that are played to rules, and what an expression is once it is read: a function of them and of times."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from generator.proof.sources import LOOKBACK, Played, Source
from generator.proof.vectors import NAME, Flags, Numbers, UnprovableError, Vector, merged
from generator.proof.windows import Windows
from generator.proof.worlds import Index, Worlds
from tocsin.model import Labels

Value = Vector | Numbers
Compute = Callable[["Run", Numbers], Value]
OverRange = Callable[["Run", Numbers], Windows]
MOST_NUMBERS = 40_000_000  # in one array: far beyond that a machine is busy with nothing else


@dataclass
class Run:
    """Worlds that are played, with rules evaluated every `interval` and `lag` late, in seconds.

    `closed` is how Prometheus before 3.0 took the beginning of a range. `sparse` is how many evaluations of a recording
    rule one stands for: more than one gives about the same, much sooner.
    """

    worlds: Worlds
    played: Played
    interval: float
    closed: bool = False
    lag: float = 0.0
    sparse: int = 1
    _evaluated: dict[int, list[tuple[Index, Vector]]] = field(default_factory=dict)

    def shape(self, series: int, times: Numbers) -> tuple[int, int, int]:
        return series, self.worlds.count, len(times)

    def recorded(self, record: Record) -> Source:
        """What a recording rule stores, evaluated where it is asked for."""
        step = self.interval * self.sparse
        labels = self.played.known.get(id(record))
        if labels is None:
            labels = self._evaluate(record, np.zeros(1, dtype=np.int64), step).labels
            self.played.known[id(record)] = labels
        lookback = LOOKBACK if self.sparse == 1 else math.inf
        return Source(labels, lambda index: self._stored(record, index, step), step, self.lag, lookback)

    def _stored(self, record: Record, index: Index, step: float) -> tuple[Numbers, Flags]:
        wanted = np.unique(np.maximum(index, 0))
        known = self._evaluated.setdefault(id(record), [])
        found = next((one for one in known if np.isin(wanted, one[0], assume_unique=True).all()), None)
        if found is None:
            found = wanted, self._evaluate(record, wanted, step)
            known.append(found)
        evaluations, vector_ = found
        place = np.minimum(np.searchsorted(evaluations, index), len(evaluations) - 1)
        return vector_.values[..., place], vector_.present[..., place] & (index >= 0)

    def _evaluate(self, record: Record, evaluations: Index, step: float) -> Vector:
        times = evaluations * step - self.lag
        found = vector(self, times, record.compute(self, times))
        labels = tuple({**one, NAME: record.name, **record.labels} for one in found.labels)
        shape = self.shape(len(labels), times)
        return merged(labels, np.broadcast_to(found.values, shape), np.broadcast_to(found.present, shape))


@dataclass(frozen=True, slots=True)
class Record:
    name: str
    labels: Labels
    compute: Compute


def vector(run: Run, times: Numbers, value: Value) -> Vector:
    """A value as series: a number becomes one without labels."""
    if isinstance(value, Vector):
        return value
    shape = run.shape(1, times)
    return Vector(({},), np.broadcast_to(value, shape), np.ones(shape, dtype=bool))


def collected(run: Run, times: Numbers, parts: Sequence[Vector]) -> Vector:
    """The series of all parts, each in all worlds and at all times."""
    labels = tuple(labels for part in parts for labels in part.labels)
    shape = run.shape(0, times)
    values, there = [np.empty(shape)], [np.empty(shape, dtype=bool)]
    values += [np.broadcast_to(part.values, run.shape(len(part.labels), times)) for part in parts]
    there += [np.broadcast_to(part.present, run.shape(len(part.labels), times)) for part in parts]
    return merged(labels, np.concatenate(values), np.concatenate(there))


def with_times(vector_: Vector, times: Numbers) -> Vector:
    """The series with a time for a value."""
    return vector_.filled(np.broadcast_to(times, vector_.values.shape).astype(np.float64))


def bound(run: Run, times: Numbers, samples: float, series: int) -> None:
    """Refuses what would fill the memory.

    Raises:
        UnprovableError: it would.
    """
    if len(times) * samples * run.worlds.count * max(series, 1) > MOST_NUMBERS:
        raise UnprovableError("its ranges hold too many samples")
