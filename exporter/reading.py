"""Series from Prometheus as a Frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from exporter.frame import Floats, Frame
from tocsin.promapi import NothingToRead, Prometheus, QueryError, Series, windows

Key = tuple[tuple[str, str], ...]  # sorted label pairs: what tells one series from another


class TooManySeries(QueryError):
    """A query answers with more series than it may."""

    reason = "too_many_series"


class OnlyHistograms(NothingToRead):
    """A query answers with native histograms alone."""

    reason = "histograms"


def key_of(labels: Mapping[str, str]) -> Key:
    return tuple(sorted(labels.items()))


async def read(prometheus: Prometheus, expr: str, *, start: float, end: float, step: float, max_series: int) -> Frame:
    """The series of an expression from start to end, both included, in windows that a server answers.

    Raises:
        QueryError: nothing came that can be scored.
    """
    columns = round((end - start) / step) + 1
    found: dict[Key, Floats] = {}
    histograms = False
    for first, last in windows(start, end, step):
        answer = await prometheus.query_range(expr, first, last, step)
        histograms |= any(not series.values for series in answer)
        _place(answer, found, start, step, columns)
        if len(found) > max_series:
            raise TooManySeries(f"the query answers with more than {max_series} series: narrow it or raise max_series")
    if not found:
        _refuse_nothing(histograms)
    values = np.array(list(found.values()))
    return Frame(values, tuple(dict(key) for key in found), start, step)


def _place(answer: Iterable[Series], found: dict[Key, Floats], start: float, step: float, columns: int) -> None:
    """Puts an answer's points into the rows of their series."""
    for series in answer:
        if not series.values:
            continue
        key = key_of(series.metric)
        row = found.get(key)
        if row is None:
            row = found[key] = np.full(columns, np.nan)
        times, texts = zip(*series.values, strict=True)
        at = np.rint((np.array(times) - start) / step).astype(np.intp)
        numbers = np.array([float(text) for text in texts])
        inside = (at >= 0) & (at < columns)
        row[at[inside]] = numbers[inside]


def _refuse_nothing(histograms: bool) -> None:
    if histograms:
        raise OnlyHistograms("the query answers with native histograms: wrap it in histogram_quantile() or rate()")
    raise NothingToRead("the query answers with no series: is the metric there, and its name spelt so?")
