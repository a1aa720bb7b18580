"""An expression as a function of worlds and times: read once, then evaluated for many worlds at many times at once.

It follows Prometheus's engine, of both ages: until 3.0 a range and the lookback held what lies at their very beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import numpy as np
from promql_parser import (
    AggregateExpr,
    AtModifierType,
    BinaryExpr,
    Call,
    Expr,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)

from generator.inlining import Recorded, may_read
from generator.proof.aggregating import Aggregation
from generator.proof.calls import called
from generator.proof.joining import Join
from generator.proof.runs import Compute, OverRange, Record, Run, Value, bound, collected, vector
from generator.proof.selectors import matchers_of
from generator.proof.sources import HAIR, Source, kept
from generator.proof.vectors import Numbers, UnprovableError, Vector
from generator.proof.windows import Windows
from tocsin import promql
from tocsin.labels import Matchers, matches


@dataclass
class Reader:
    """Reads expressions; `records` are the recording rules by name."""

    records: Mapping[str, Sequence[Recorded]]
    _read: dict[int, Record] = field(default_factory=dict)
    _within: list[int] = field(default_factory=list)

    def compute(self, node: Expr) -> Compute:
        """The expression as a function.

        Raises:
            UnprovableError: it holds something that is not understood; so may the function.
        """
        match node:
            case ParenExpr():
                return self.compute(node.expr)
            case NumberLiteral():
                number = np.asarray([node.val], dtype=np.float64)
                return lambda run, times: number
            case UnaryExpr():
                return self._negative(self.compute(node.expr))
            case BinaryExpr():
                return self._joined(Join.of(node), self.compute(node.lhs), self.compute(node.rhs))
            case AggregateExpr():
                return self._aggregated(node)
            case VectorSelector():
                return self._selected(node)
            case Call():
                return called(self, node.func.name, list(node.args))
        raise UnprovableError(f"{type(node).__name__} is not understood")

    def _negative(self, inner: Compute) -> Compute:
        def compute(run: Run, times: Numbers) -> Value:
            value = inner(run, times)
            return value.filled(-value.values) if isinstance(value, Vector) else -value

        return compute

    def _joined(self, join: Join, left: Compute, right: Compute) -> Compute:
        return lambda run, times: join(left(run, times), right(run, times))

    def _aggregated(self, node: AggregateExpr) -> Compute:
        aggregation, inner = Aggregation.of(node), self.compute(node.expr)
        given = node.param
        parameter = None if given is None or isinstance(given, StringLiteral) else self.compute(given)

        def compute(run: Run, times: Numbers) -> Value:
            number = parameter(run, times) if parameter else None
            if isinstance(number, Vector):
                raise UnprovableError(f"the parameter of {aggregation.operator}() is no number")
            return aggregation(vector(run, times, inner(run, times)), number)

        return compute

    def _selected(self, node: VectorSelector) -> Compute:
        sources, when = self.sources(node), _when(node.offset, node.at)

        def compute(run: Run, times: Numbers) -> Value:
            parts = [source.instant(when(times), closed=run.closed)[0] for source in sources(run)]
            return collected(run, times, parts)

        return compute

    def sources(self, node: VectorSelector) -> Callable[[Run], list[Source]]:
        """What the selector reads: recorded series of that name, or those that are played."""
        name, matchers = promql.metric(node), matchers_of(node)
        if name not in self.records:
            return lambda run: [run.played.source(matchers, run.worlds)]
        records = [self._record(one) for one in self.records[name] if may_read(node, one.labels)]
        return lambda run: [_matching(run.recorded(record), matchers) for record in records]

    def when(self, node: VectorSelector) -> Callable[[Numbers], Numbers]:
        """The times that a selector looks at."""
        return _when(node.offset, node.at)

    def _record(self, one: Recorded) -> Record:
        if id(one) in self._within:
            raise UnprovableError(f"{one.rule.name} is recorded from itself")
        if id(one) not in self._read:
            self._within.append(id(one))
            compute = self.compute(one.rule.expr.tree)
            self._within.pop()
            self._read[id(one)] = Record(one.rule.name, one.labels, compute)
        return self._read[id(one)]

    def over_range(self, node: Expr) -> OverRange:
        """The samples of a range, as a function.

        Raises:
            UnprovableError: it is none.
        """
        node = promql.bare(node)
        if isinstance(node, MatrixSelector):
            return self._stored(node)
        if isinstance(node, SubqueryExpr):
            return self._subquery(node)
        raise UnprovableError("a range is wanted, and none is there")

    def _stored(self, node: MatrixSelector) -> OverRange:
        selector, seconds = node.vector_selector, (node.range or timedelta()).total_seconds()
        sources, when = self.sources(selector), _when(selector.offset, selector.at)

        def windows(run: Run, times: Numbers) -> Windows:
            found = sources(run)
            if len(found) != 1:
                raise UnprovableError("several recording rules of one name are read over a range")
            bound(run, times, seconds / found[0].step, len(found[0].labels))
            return found[0].windows(when(times), seconds, times, closed=run.closed)

        return windows

    def _subquery(self, node: SubqueryExpr) -> OverRange:
        inner, when = self.compute(node.expr), _when(node.offset, node.at)
        seconds = (node.range or timedelta()).total_seconds()
        step = node.step.total_seconds() if node.step else 0.0

        def windows(run: Run, times: Numbers) -> Windows:
            until, width = when(times), step or run.interval
            source = _steps(run, inner, until, seconds, width)
            bound(run, times, seconds / width, len(source.labels))
            return source.windows(until, seconds, times, closed=run.closed)

        return windows


def _when(offset: timedelta | None, at: Any) -> Callable[[Numbers], Numbers]:
    """The times that a selector looks at."""
    back = offset.total_seconds() if offset else 0.0
    if at is None or at.type != AtModifierType.At:
        return lambda times: times - back  # a rule's start() and end() are the time of its evaluation
    fixed = at.at.timestamp() - back
    return lambda times: np.full_like(times, fixed)


def _steps(run: Run, inner: Compute, until: Numbers, seconds: float, width: float) -> Source:
    """The steps of a subquery that are looked at."""
    last = np.floor((until + HAIR) / width).astype(np.int64)
    index = last[:, None] - np.arange(int(seconds / width) + 1, -1, -1)
    wanted = np.unique(index)
    bound(run, wanted, 1, 1)
    return kept(vector(run, wanted * width, inner(run, wanted * width)), wanted, width)


def _matching(source: Source, matchers: Matchers) -> Source:
    rows = [row for row, labels in enumerate(source.labels) if matches(matchers, labels)]
    if len(rows) == len(source.labels):
        return source

    def at(index: Any) -> Any:
        values, there = source.at(index)
        return values[rows], there[rows]

    return replace(source, labels=tuple(source.labels[row] for row in rows), at=at)
