"""What is counted of a run over history: per series and per horizon."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np

from exporter.backtesting.events import HIGH, Event, Events
from exporter.frame import Floats, Frame
from exporter.model import Forecast, Scores

DAY = 86_400.0


@dataclass(slots=True)
class Counts:
    """Of each series, shape (series,): steps with a score, with a band, within it, above 1; steps without a value."""

    there: Floats
    banded: Floats
    inside: Floats
    high: Floats
    missing: Floats


@dataclass(slots=True)
class Errors:
    """Of one horizon, shape (series,): absolute errors of the forecast and the naive one, held by bounds, how many."""

    seconds: float
    ours: Floats
    naive: Floats
    held: Floats
    count: Floats


@dataclass(slots=True)
class Tally:
    """`worst` is the highest score of each series in each of `buckets` equal parts of the span; NaN without any."""

    start: float
    end: float
    worst: Floats
    counts: Counts
    errors: list[Errors]
    events: Events = field(default_factory=Events)

    @property
    def found(self) -> list[Event]:
        return self.events.found


def begin(series: int, start: float, end: float, buckets: int, horizons: list[float]) -> Tally:
    """A tally of nothing."""
    zero = np.zeros(series)
    errors = [Errors(seconds, *(zero.copy() for _ in range(4))) for seconds in horizons]
    counts = Counts(*(zero.copy() for _ in fields(Counts)))
    return Tally(start, end, np.full((series, buckets), np.nan), counts, errors)


def count(tally: Tally, frame: Frame, scores: Scores) -> None:
    """Adds a scored part."""
    tally.events.take(frame, scores)
    values, there = frame.values, np.isfinite(frame.values)
    banded = there & np.isfinite(scores.lower)  # a detector's points have a score and no band
    inside = banded & (values >= scores.lower) & (values <= scores.upper)
    tally.counts.there += (there & np.isfinite(scores.score)).sum(axis=1)
    tally.counts.banded += banded.sum(axis=1)
    tally.counts.inside += inside.sum(axis=1)
    tally.counts.high += (np.nan_to_num(scores.score) > HIGH).sum(axis=1)
    tally.counts.missing += (~there).sum(axis=1)
    buckets, span = tally.worst.shape[1], tally.end - tally.start + frame.step
    places = ((frame.times - tally.start) / span * buckets).astype(np.intp)
    for place in np.unique(places).tolist():
        part = scores.score[:, places == place]
        tally.worst[:, place] = np.fmax(tally.worst[:, place], np.fmax.reduce(part, axis=1))


def compare(tally: Tally, whole: Frame, origin: int, ahead: Forecast) -> None:
    """Adds a forecast made when the columns before `origin` were known."""
    for index, errors in enumerate(tally.errors):
        target = origin - 1 + round(errors.seconds / whole.step)
        back = round(np.ceil(errors.seconds / DAY) * DAY / whole.step)
        if target >= whole.steps or target - back < 0:
            continue
        truth, naive = whole.values[:, target], whole.values[:, target - back]
        off, other = np.abs(truth - ahead.mean[:, index]), np.abs(truth - naive)
        both = np.isfinite(off) & np.isfinite(other)
        held = (truth >= ahead.lower[:, index]) & (truth <= ahead.upper[:, index])
        errors.ours += np.where(both, off, 0.0)
        errors.naive += np.where(both, other, 0.0)
        errors.held += both & held
        errors.count += both
