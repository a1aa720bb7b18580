"""At which evaluations a series of an answer was there: what a backtest needs of it, and all that is decoded."""

from __future__ import annotations

from itertools import pairwise

import msgspec

from generator.backtest.runs import Run, joined
from tocsin.promanswer import NotPrometheus, Series

_POINTS = msgspec.json.Decoder(list[tuple[float, msgspec.Raw]])
END = b'"]'  # of a point: no number holds it


def present(series: Series, times: range) -> list[Run]:
    """The indices of `times` (Unix milliseconds) at which the series has a value, a native histogram, or NaN.

    Raises:
        NotPrometheus: its points cannot be read.
    """
    try:
        found = _runs(bytes(series.values), times) if series.values else []
        if series.histograms:
            found = joined([*found, *_decoded(bytes(series.histograms), times)])
    except (msgspec.DecodeError, ValueError) as error:
        raise NotPrometheus(f"the query is answered with samples that cannot be read: {error}") from error
    return found


def _runs(points: bytes, times: range) -> list[Run]:
    """As many points as there are steps between the first and the last are all: nothing else is looked at."""
    count = points.count(END)
    if count:
        first = _index(points[points.index(b"[", 1) + 1 : points.index(b",")], times)
        last = _index(points[points.rindex(b"[") + 1 : points.rindex(b",")], times)
        if last - first + 1 == count and 0 <= first <= last < len(times):
            return [(first, last)]
    return _decoded(points, times)


def _decoded(points: bytes, times: range) -> list[Run]:
    stamps = [seconds for seconds, _ in _POINTS.decode(points)]
    apart = times.step * 1.5 / 1000
    breaks = [pair for pair in pairwise(stamps) if pair[1] - pair[0] > apart]
    firsts = [*stamps[:1], *(after for _, after in breaks)]
    lasts = [*(before for before, _ in breaks), *stamps[-1:]]
    indexed = ((_index(first, times), _index(last, times)) for first, last in zip(firsts, lasts, strict=True))
    found = ((max(0, first), min(last, len(times) - 1)) for first, last in indexed)
    return joined((first, last) for first, last in found if first <= last)


def _index(seconds: bytes | float, times: range) -> int:
    """Of the nearest evaluation: a cache between may shift the times by a part of a step."""
    return round((float(seconds) * 1000 - times.start) / times.step)
