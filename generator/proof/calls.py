"""Calls of functions, each as a function of worlds and times."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from promql_parser import Expr, StringLiteral, VectorSelector

from generator.proof import instants, natives, windows
from generator.proof.quantiles import histogram_quantile
from generator.proof.runs import Compute, OverRange, Run, Value, collected, vector, with_times
from generator.proof.selectors import absent_labels
from generator.proof.sources import Source
from generator.proof.vectors import Numbers, UnprovableError, Vector, nameless
from generator.proof.windows import KEEP_NAME, OVER_TIME
from tocsin import promql


class Reads(Protocol):
    """What reads the arguments of a call."""

    def compute(self, node: Expr) -> Compute: ...

    def over_range(self, node: Expr) -> OverRange: ...

    def sources(self, node: VectorSelector) -> Callable[[Run], list[Source]]: ...

    def when(self, node: VectorSelector) -> Callable[[Numbers], Numbers]: ...


def called(reader: Reads, name: str, arguments: Sequence[Expr]) -> Compute:
    """The call as a function.

    Raises:
        UnprovableError: the function is not known here.
    """
    if name in OVER_TIME:
        return _over_time(name, OVER_TIME[name], reader.over_range(arguments[0]))
    if name in instants.ELEMENTWISE:
        return _elementwise(name, [reader.compute(argument) for argument in arguments])
    if name in instants.OF_TIME:
        return _of_time(instants.OF_TIME[name], reader.compute(arguments[0]) if arguments else None)
    if name in OF_HISTOGRAM:
        return _of_histogram(reader, OF_HISTOGRAM[name], arguments[0])
    if name not in SPECIAL:
        raise UnprovableError(f"{name}() is not understood")
    return SPECIAL[name](reader, *arguments)


def _over_time(name: str, function: windows.OverTime, ranged: OverRange) -> Compute:
    def compute(run: Run, times: Numbers) -> Value:
        found = ranged(run, times)
        with np.errstate(all="ignore"):
            values, known = function(found)
        result = Vector(found.labels, values, known)
        return result if name in KEEP_NAME else result.named(nameless)

    return compute


def _elementwise(name: str, arguments: list[Compute]) -> Compute:
    def compute(run: Run, times: Numbers) -> Value:
        first, *rest = (argument(run, times) for argument in arguments)
        numbers = [value for value in rest if not isinstance(value, Vector)]
        if len(numbers) != len(rest):
            raise UnprovableError(f"{name}() gets series where it wants a number")
        return instants.elementwise(instants.ELEMENTWISE[name], vector(run, times, first), numbers)

    return compute


def _of_time(function: instants.Elementwise, inner: Compute | None) -> Compute:
    def compute(run: Run, times: Numbers) -> Value:
        seconds = vector(run, times, times if inner is None else inner(run, times))
        return instants.elementwise(function, seconds, ())

    return compute


def _time(reader: Reads) -> Compute:
    return lambda run, times: times


def _pi(reader: Reads) -> Compute:
    return lambda run, times: np.asarray([np.pi])


def _vector(reader: Reads, argument: Expr) -> Compute:
    inner = reader.compute(argument)
    return lambda run, times: vector(run, times, inner(run, times))


def _scalar(reader: Reads, argument: Expr) -> Compute:
    inner = reader.compute(argument)

    def compute(run: Run, times: Numbers) -> Value:
        found = vector(run, times, inner(run, times))
        alone = found.present.sum(axis=0) == 1
        return np.where(alone, np.where(found.present, found.values, 0.0).sum(axis=0), np.nan)

    return compute


def _timestamp(reader: Reads, argument: Expr) -> Compute:
    bare = promql.bare(argument)
    if not isinstance(bare, VectorSelector):
        inner = reader.compute(argument)
        return lambda run, times: with_times(vector(run, times, inner(run, times)), times)
    sources, when = reader.sources(bare), reader.when(bare)

    def compute(run: Run, times: Numbers) -> Value:
        parts = []
        for source in sources(run):
            found, age = source.instant(when(times), closed=run.closed)
            parts.append(with_times(found, when(times) - age))
        return collected(run, times, parts)

    return compute


def _absent(reader: Reads, argument: Expr) -> Compute:
    inner, labels = reader.compute(argument), absent_labels(argument)

    def compute(run: Run, times: Numbers) -> Value:
        found = vector(run, times, inner(run, times))
        gone = ~np.broadcast_to(found.present.any(axis=0), run.shape(1, times))
        return Vector((labels,), np.ones(gone.shape), gone)

    return compute


def _absent_over_time(reader: Reads, argument: Expr) -> Compute:
    ranged, labels = reader.over_range(argument), absent_labels(argument)

    def compute(run: Run, times: Numbers) -> Value:
        there = ranged(run, times).there.any(axis=(0, -1))
        gone = ~np.broadcast_to(there, run.shape(1, times))
        return Vector((labels,), np.ones(gone.shape), gone)

    return compute


def _predict_linear(reader: Reads, argument: Expr, ahead: Expr) -> Compute:
    return _with_number(reader.over_range(argument), reader.compute(ahead), windows.predict)


def _quantile_over_time(reader: Reads, share: Expr, argument: Expr) -> Compute:
    return _with_number(reader.over_range(argument), reader.compute(share), windows.quantile)


def _with_number(ranged: OverRange, parameter: Compute, function: Callable[..., Any]) -> Compute:
    def compute(run: Run, times: Numbers) -> Value:
        found = ranged(run, times)
        with np.errstate(all="ignore"):
            values, known = function(found, parameter(run, times))
        return Vector(found.labels, values, known).named(nameless)

    return compute


def _histogram_quantile(reader: Reads, share: Expr, argument: Expr) -> Compute:
    parameter, inner = reader.compute(share), reader.compute(argument)

    def compute(run: Run, times: Numbers) -> Value:
        given, buckets = parameter(run, times), vector(run, times, inner(run, times))
        if natives.is_native(buckets):
            return natives.quantile(given, buckets)  # type: ignore[arg-type]
        return histogram_quantile(np.broadcast_to(given, buckets.values.shape[1:]), buckets)  # type: ignore[arg-type]

    return compute


def _histogram_fraction(reader: Reads, low: Expr, high: Expr, argument: Expr) -> Compute:
    first, last, inner = (reader.compute(part) for part in (low, high, argument))

    def compute(run: Run, times: Numbers) -> Value:
        return natives.fraction(first(run, times), last(run, times), vector(run, times, inner(run, times)))  # type: ignore[arg-type]

    return compute


def _of_histogram(reader: Reads, look: Callable[[Vector], Vector], argument: Expr) -> Compute:
    inner = reader.compute(argument)
    return lambda run, times: look(vector(run, times, inner(run, times)))


def _label_replace(reader: Reads, argument: Expr, *texts: Expr) -> Compute:
    return _relabelled(reader, instants.label_replace, argument, texts)


def _label_join(reader: Reads, argument: Expr, *texts: Expr) -> Compute:
    return _relabelled(reader, instants.label_join, argument, texts)


def _relabelled(reader: Reads, change: Callable[..., Vector], argument: Expr, texts: Sequence[Expr]) -> Compute:
    inner, given = reader.compute(argument), [text.val for text in texts if isinstance(text, StringLiteral)]
    return lambda run, times: change(vector(run, times, inner(run, times)), *given)


OF_HISTOGRAM: Mapping[str, Callable[[Vector], Vector]] = {
    "histogram_count": natives.count,
    "histogram_sum": natives.total,
    "histogram_avg": natives.average,
}
SPECIAL: Mapping[str, Callable[..., Compute]] = {
    "time": _time,
    "pi": _pi,
    "vector": _vector,
    "scalar": _scalar,
    "timestamp": _timestamp,
    "absent": _absent,
    "absent_over_time": _absent_over_time,
    "predict_linear": _predict_linear,
    "quantile_over_time": _quantile_over_time,
    "histogram_quantile": _histogram_quantile,
    "histogram_fraction": _histogram_fraction,
    "label_replace": _label_replace,
    "label_join": _label_join,
}
