"""From evidence to scores: 1 means the same for every series and every piece of evidence, and an event is told once.

What a piece was like so far is kept as a slowly forgetting histogram on the logarithm's scale; beyond its 99th
percentile a Pareto tail goes on (Hill, A simple general approach to inference about the tail of a distribution, 1975).
So each new value has a chance, whatever unit or distribution it comes from, and a score is that chance's logarithm over
what the wanted number of false alarms calls for. While a series is anomalous it teaches ever less.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from exporter.frame import Bools, Floats
from exporter.models.column import Mask, everywhere
from exporter.telling import DEAD_STEPS, events

Singles = NDArray[np.float32]
# From each piece's share of what scores 1, (pieces, series), and the scores that it makes, to the scores that count.
Retell = Callable[[Floats, Floats], Floats]

MONTH_SECONDS = 30 * 86_400.0
HIGHEST = 1_000.0  # no score is larger
RENEW = 9  # columns, after which a piece's percentile is looked up again: one piece at each column
BINS = 32
LONG = 500  # numbers in a row
LOWEST, UPMOST = np.log(0.2), np.log(200.0)  # the histogram's ends
WIDTH = (UPMOST - LOWEST) / BINS
TAIL = 0.01  # of the values lie in the tail
LOG_TAIL = math.log(TAIL)
DECAY = 1.0 / 4_000.0  # of what is known is forgotten with each value
YOUTH = 2.0  # at first more is forgotten, so that what was seen before the seasons were known counts little
PRIOR = 100.0  # values that the histogram begins with, as if seen
HILL, HILL_VALUES = 0.15, 8.0  # the tail's index before any was seen, and as if from how many values
HILL_SPAN = 0.012  # added to it for each step that the evidence hangs together
LIGHTER = 0.05  # real tails end sooner than Pareto's: between his and Weibull's
HILL_LEAST, HILL_MOST_VALUES = 0.05, 60.0
GRAIN_RARE = 3.0  # one usual change more is rarer by no more than this (logarithm)
LEAST, MOST = 1e-3, 200.0  # evidence below and above counts as this
LOG_LEAST = np.log(LEAST)
CLIP = 3.5  # tail indices beyond the percentile; evidence further out teaches as if it lay there
HEAVIEST = 1e6  # the newest value's weight, before all are scaled down
CLUSTER = 2.9  # steps that one false alarm lasts, about; counted on services where nothing is wrong
PACE = 0.68  # false alarms fall by 1/e when rareness grows by the inverse: pieces add up
SUSPECT_PER_MONTH = 6.0  # what is as rare as this teaches little, however few false alarms are wanted
RUN = 3.0  # after so many suspect steps, a value teaches a quarter as much
HINT_MOST, HINT_POWER = 0.99, 4.0  # below 1, hints count, and all the evidence by this power
WARM_STEPS, WARM = 200.0, 0.5  # at first so much more is asked, a share that falls to 1/e after so many steps


@dataclass(frozen=True, slots=True)
class Nature:
    """What is known of the evidence, each (pieces, series) or (pieces, 1).

    `spans`: for how many steps values hang together, so that they are no more than one; `hints`: how much each piece
    says of what is weaker than an alarm (0: nothing).
    """

    spans: Floats | float = 1.0
    hints: Floats | float = 0.0


PLAIN = Nature()


@dataclass(slots=True)
class Calibration:
    """The tails' state."""

    known: Singles  # (32, pieces, series), the histogram
    begin: Floats  # (pieces, series), where the tail begins (logarithm)
    weight: Floats  # (series,), of the next value
    hill: Floats  # (pieces, series), the tail's index
    hill_values: Floats  # (pieces, series), from how many values
    seen: Floats  # (series,), steps
    run: Floats  # (series,), suspect steps in a row
    since_alarm: Floats  # (series,), steps
    lasted: Floats  # (series,), alarming steps of the last event
    since_high: Floats  # (series,), steps since one that was worth a report
    since_event: Floats  # (series,), steps since the last event
    told: Floats  # (series,), the last event's score

    @classmethod
    def fresh(cls, series: int, pieces: int, nature: Nature = PLAIN) -> Self:
        known = np.broadcast_to(_expected()[:, None, None], (BINS, pieces, series)).astype(np.float32)
        return cls(
            known=known,
            begin=_begin(known),
            weight=np.ones(series),
            hill=np.full((pieces, series), HILL + HILL_SPAN * np.asarray(nature.spans)),
            hill_values=np.full((pieces, series), HILL_VALUES),
            seen=np.zeros(series),
            run=np.zeros(series),
            since_alarm=np.full(series, float(DEAD_STEPS)),
            lasted=np.zeros(series),
            since_high=np.full(series, float(DEAD_STEPS)),
            since_event=np.full(series, float(DEAD_STEPS)),
            told=np.zeros(series),
        )


def renewed(calibration: Calibration) -> Calibration:
    """The same as a beginning only: what evidence is like must be learned anew, because the steps are others now."""
    total = np.maximum(calibration.known.sum(axis=0, keepdims=True), 1e-9)
    fresh = Calibration.fresh(len(calibration.seen), calibration.begin.shape[0])
    fresh.known = np.float32(PRIOR) * calibration.known / total
    fresh.begin, fresh.hill = calibration.begin, calibration.hill
    return fresh


def _expected() -> Floats:
    """What evidence is like before any was seen: absolute values of Student's distribution with 4 degrees of freedom.

    Its distribution function is that of Shaw, Sampling Student's T distribution, 2006, n = 4.
    """
    size = np.exp(LOWEST + WIDTH * np.arange(1, BINS + 1))
    share = 1.0 / np.sqrt(1.0 + 4.0 / size**2)
    below = share * (1.5 - 0.5 * share**2)
    chance: Floats = PRIOR * np.diff(below, prepend=0.0)
    return chance


def _begin(known: Singles) -> Floats:
    """Where tails begin (logarithm): the 99th percentiles of histograms, (32, …), shaped as what follows their bins."""
    falling = known.reshape(BINS, -1)[::-1]
    above = _added_up(falling)
    wanted = TAIL * above[-1]
    bins = np.add.reduce(above < wanted, axis=0, dtype=np.intp)
    place = bins, np.arange(len(bins))
    share = above[place] - wanted
    share /= np.maximum(falling[place], 1e-9)
    np.minimum(np.maximum(share, 0.0, out=share), 1.0, out=share)
    begin: Floats = LOWEST + WIDTH * (BINS - 1 - bins + share)
    return begin.reshape(known.shape[1:])


def _added_up(rows: Singles) -> Singles:
    """Each row with all before it; row by row where they are long, for numpy would go down one column after another."""
    if rows.shape[1] < LONG:
        return np.add.accumulate(rows, axis=0)
    sums = np.empty(rows.shape, rows.dtype)
    sums[0] = rows[0]
    for place in range(1, len(rows)):
        np.add(sums[place - 1], rows[place], out=sums[place])
    return sums


@dataclass(frozen=True, slots=True)
class Bars:
    """How rare evidence must be to be alarming, (series,); the shares of that for being suspect, and for a report."""

    alarming: Floats
    suspect: float
    report: float


def bars(calibration: Calibration, step_seconds: float, false_alarms_per_month: float, report: float) -> Bars:
    """The bars of now; a new series must show more."""
    steps = MONTH_SECONDS / step_seconds / CLUSTER
    alarming, suspect = (math.log(max(steps / rate, 10.0)) for rate in (false_alarms_per_month, SUSPECT_PER_MONTH))
    wanted = np.exp(calibration.seen * (-1.0 / WARM_STEPS))
    wanted *= WARM * alarming / PACE
    wanted += alarming / PACE
    return Bars(wanted, suspect / alarming, report)


def judge(
    calibration: Calibration,
    evidence: Floats,
    weights: Floats,
    there: Bools,
    wanted: Bars,
    columns: int,
    nature: Nature = PLAIN,
    retell: Retell | None = None,
    index: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Score and event of one column, both (series,), then learns it.

    `evidence` is 0 or more, (pieces, series); a piece's weight is how much it is trusted now, the same shape or
    (pieces, 1). Pieces that are unusual together add up. `columns` is how many were judged, this one included. `retell`
    may score otherwise; what is learned does not depend on it. `index` is what `indices` gave.
    """
    index = indices(calibration) if index is None else index
    size = np.log(np.minimum(np.maximum(evidence, LEAST), MOST))
    over = size - calibration.begin
    each = rareness(over, index)
    each *= size > LOG_LEAST
    weighted = weights * each
    weighted /= wanted.alarming
    found = np.sqrt(np.add.reduce(weighted * weighted))
    suspect = found > wanted.suspect
    found = found if retell is None else retell(weighted, found)
    if wanted.report < 1.0:
        each *= nature.hints
        each *= weights > 0.0
        found = _hinted(found, np.sqrt(np.add.reduce(each * each)) / wanted.alarming)
    score = np.minimum(found, HIGHEST)
    where = everywhere(there)
    if where is not True:
        score[~there] = np.nan
    np.multiply(calibration.run + 1.0, suspect, out=calibration.run, where=where)
    event = events(calibration, score, there, wanted.report)
    _learn(calibration, size, over, index, where, nature.spans)
    calibration.seen += there
    piece = columns % RENEW
    if piece < len(size):
        calibration.begin[piece] = _begin(calibration.known[:, piece])
    return score, event


def _hinted(found: Floats, hint: Floats) -> Floats:
    """Scores that rank what is weaker than an alarm, too: by hints, for lasting evidence is often weak."""
    below = np.minimum(found, 1.0) ** HINT_POWER
    np.maximum(below, np.minimum(hint, HINT_MOST), out=below)
    return np.where(found > 1.0, found, below)


def rareness(over: Floats, index: Floats) -> Floats:
    """The negative logarithm of the chance that evidence is larger, shaped as its arguments.

    `over` is by how much the evidence's logarithm exceeds the tail's beginning. Below that the chance is taken to fall
    as a normal distribution's does.
    """
    beyond = np.maximum(over, 0.0)
    beyond /= index
    rare = beyond * LIGHTER
    rare += 1.0
    rare *= beyond
    below = np.minimum(over, 0.0)
    below *= 2.0
    np.exp(below, out=below)
    below *= -LOG_TAIL
    rare += below
    return rare


def limit(calibration: Calibration, piece: int, weight: Floats, wanted: Floats, index: Floats | None = None) -> Floats:
    """How large a piece of evidence scores 1, shape (series,); `index` is what `indices` gave."""
    index = indices(calibration) if index is None else index
    beyond = wanted / weight
    beyond *= 4.0 * LIGHTER
    beyond += 1.0 + 4.0 * LIGHTER * LOG_TAIL
    np.sqrt(beyond, out=beyond)
    beyond -= 1.0
    beyond *= index[piece]
    beyond /= 2.0 * LIGHTER
    beyond += calibration.begin[piece]
    return np.exp(beyond, out=beyond)


def indices(calibration: Calibration, grains: Floats | None = None) -> Floats:
    """The tails' indices, (pieces, series): no smaller than what a usual change adds calls for.

    Where nearly all of the tail is one value (a single error in an hour), its index says nothing of the next (two).
    `grains` is what a usual change adds to each of the first pieces, (some pieces, series).
    """
    index: Floats = np.maximum(calibration.hill, HILL_LEAST)
    if grains is not None:
        first = len(grains)
        lumps = np.exp(-calibration.begin[:first])
        lumps *= grains
        np.log1p(lumps, out=lumps)
        lumps /= GRAIN_RARE
        np.maximum(index[:first], lumps, out=index[:first])
    return index


def _count(calibration: Calibration, size: Floats, trust: Floats) -> None:
    """Adds evidence, whose logarithm is `size`, to the histograms; `trust` is how much it counts, (series,)."""
    place = (size - LOWEST) / WIDTH
    np.fmin(np.fmax(place, 0.0, out=place), BINS - 1.0, out=place)  # what is no number, after absurd values, is nothing
    bins = place.astype(np.intp)
    bins *= size.size
    bins += np.arange(size.size).reshape(size.shape)
    if not calibration.known.flags.c_contiguous:
        calibration.known = np.ascontiguousarray(calibration.known)
    calibration.known.reshape(-1)[bins] += trust * calibration.weight


def _learn(
    calibration: Calibration, size: Floats, over: Floats, index: Floats, where: Mask, spans: Floats | float
) -> None:
    trust = RUN / (calibration.run + RUN)
    trust *= trust
    if where is not True:
        trust *= where
    farthest = CLIP * index
    _count(calibration, np.minimum(size, calibration.begin + farthest), trust)
    growth = np.maximum(YOUTH / (calibration.seen + PRIOR), DECAY)
    growth += 1.0
    np.multiply(calibration.weight, growth, out=calibration.weight, where=where)
    heavy = calibration.weight > HEAVIEST
    if np.count_nonzero(heavy):
        calibration.known[:, :, heavy] /= HEAVIEST
        calibration.weight[heavy] /= HEAVIEST
    beyond = over > 0.0
    if np.count_nonzero(beyond):
        more = np.where(beyond, trust, 0.0)
        more /= spans
        calibration.hill_values += more
        np.minimum(calibration.hill_values, HILL_MOST_VALUES, out=calibration.hill_values)
        more /= calibration.hill_values
        more *= np.minimum(over, farthest) - calibration.hill
        calibration.hill += more
