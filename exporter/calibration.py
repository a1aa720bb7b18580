"""From evidence to scores: 1 means the same for every series and every piece of evidence, and an event is told once.

What a piece was like so far is kept as a slowly forgetting histogram on the logarithm's scale; beyond its 99th
percentile a Pareto tail goes on (Hill, A simple general approach to inference about the tail of a distribution, 1975).
So each new value has a chance, whatever unit or distribution it comes from, and a score is that chance's logarithm over
what the wanted number of false alarms calls for. While a series is anomalous it teaches ever less.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from exporter.frame import Bools, Floats

Singles = NDArray[np.float32]
# From each piece's share of what scores 1, (pieces, series), and the scores that it makes, to the scores that count.
Retell = Callable[[Floats, Floats], Floats]

MONTH_SECONDS = 30 * 86_400.0
HIGHEST = 1_000.0  # no score is larger
RENEW = 9  # columns, after which a piece's percentile is looked up again: one piece at each column
BINS = 32
LOWEST, UPMOST = np.log(0.2), np.log(200.0)  # the histogram's ends
WIDTH = (UPMOST - LOWEST) / BINS
TAIL = 0.01  # of the values lie in the tail
DECAY = 1.0 / 4_000.0  # of what is known is forgotten with each value
YOUTH = 2.0  # at first more is forgotten, so that what was seen before the seasons were known counts little
PRIOR = 100.0  # values that the histogram begins with, as if seen
HILL, HILL_VALUES = 0.15, 8.0  # the tail's index before any was seen, and as if from how many values
HILL_SPAN = 0.012  # added to it for each step that the evidence hangs together
LIGHTER = 0.05  # real tails end sooner than Pareto's: between his and Weibull's
HILL_LEAST, HILL_MOST_VALUES = 0.05, 60.0
GRAIN_RARE = 3.0  # one usual change more is rarer by no more than this (logarithm)
LEAST, MOST = 1e-3, 200.0  # evidence below and above counts as this
CLIP = 3.5  # tail indices beyond the percentile; evidence further out teaches as if it lay there
HEAVIEST = 1e6  # the newest value's weight, before all are scaled down
CLUSTER = 3.4  # steps that one false alarm lasts, about
PACE = 0.68  # false alarms fall by 1/e when rareness grows by the inverse: pieces add up
SUSPECT_PER_MONTH = 6.0  # what is as rare as this teaches little, however few false alarms are wanted
RUN = 3.0  # after so many suspect steps, a value teaches a quarter as much
DEAD_STEPS = 144  # a new event is reported once so many steps were normal,
MOST_QUIET_STEPS = 288  # or as many as the last event had, up to this
STRONGER, APART = 1.25, 24  # where weak events are told, also so many steps later, when it is so much stronger
HINT_MOST, HINT_POWER = 0.99, 4.0  # below 1, hints count, and all the evidence by this power
WARM_STEPS, WARM = 200.0, 0.5  # at first so much more is asked, a share that falls to 1/e after so many steps


@dataclass(frozen=True, slots=True)
class Nature:
    """What is known of the evidence, each (pieces, series) or (pieces, 1).

    `spans`: for how many steps values hang together, so that they are no more than one; `grains`: what a usual change
    of the series adds; `hints`: how much each piece says of what is weaker than an alarm (0: nothing).
    """

    spans: Floats | float = 1.0
    grains: Floats | float = 0.0
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
    above = np.cumsum(known[::-1], axis=0, dtype=np.float32)
    wanted = TAIL * above[-1]
    bins = (above < wanted).sum(axis=0, dtype=np.intp)[None]
    here = np.take_along_axis(above, bins, axis=0)[0]
    inside = np.take_along_axis(known, BINS - 1 - bins, axis=0)[0]
    share = np.clip((here - wanted) / np.maximum(inside, 1e-9), 0.0, 1.0)
    begin: Floats = LOWEST + WIDTH * (BINS - 1 - bins[0] + share)
    return begin


@dataclass(frozen=True, slots=True)
class Bars:
    """How rare evidence must be, (series,), to be alarming and to be suspect; the share of the former for a report."""

    alarming: Floats
    suspect: Floats
    report: float


def bars(calibration: Calibration, step_seconds: float, false_alarms_per_month: float, report: float) -> Bars:
    """The bars of now; a new series must show more."""
    caution = (1.0 + WARM * np.exp(-calibration.seen / WARM_STEPS)) / PACE
    steps = MONTH_SECONDS / step_seconds / CLUSTER
    alarming, suspect = (np.log(max(steps / rate, 10.0)) for rate in (false_alarms_per_month, SUSPECT_PER_MONTH))
    return Bars(alarming * caution, suspect * caution, report)


def judge(
    calibration: Calibration,
    evidence: Floats,
    weights: Floats,
    there: Bools,
    wanted: Bars,
    columns: int,
    nature: Nature = PLAIN,
    retell: Retell | None = None,
) -> tuple[Floats, Floats]:
    """Score and event of one column, both (series,), then learns it.

    `evidence` is 0 or more; a piece's weight is how much it is trusted now; both (pieces, series). Pieces that are
    unusual together add up. `columns` is how many were judged, this one included. `retell` may score otherwise; what is
    learned does not depend on it.
    """
    size = np.log(np.clip(evidence, LEAST, MOST))
    index = _index(calibration.begin, calibration.hill, nature.grains)
    each = rareness(calibration, size, index)
    weighted = weights * each
    rare = np.sqrt((weighted**2).sum(axis=0))
    found = rare / wanted.alarming
    found = found if retell is None else retell(weighted / wanted.alarming, found)
    if wanted.report < 1.0:
        found = _hinted(found, np.sqrt(((weights > 0.0) * (nature.hints * each) ** 2).sum(axis=0)) / wanted.alarming)
    score = np.where(there, np.minimum(found, HIGHEST), np.nan)
    calibration.run = np.where(there, np.where(rare > wanted.suspect, calibration.run + 1, 0), calibration.run)
    event = _events(calibration, score, there, wanted.report)
    _learn(calibration, size, index, there, nature.spans)
    piece = columns % RENEW
    if piece < len(size):
        calibration.begin[piece] = _begin(calibration.known[:, piece])
    return score, event


def _hinted(found: Floats, hint: Floats) -> Floats:
    """Scores that rank what is weaker than an alarm, too: by hints, for lasting evidence is often weak."""
    below = np.maximum(np.minimum(found, 1.0) ** HINT_POWER, np.minimum(hint, HINT_MOST))
    return np.where(found > 1.0, found, below)


def rareness(calibration: Calibration, size: Floats, index: Floats) -> Floats:
    """The negative logarithm of the chance that evidence is larger; `size` is its logarithm; (pieces, series).

    Below the tail the chance is taken to fall as a normal distribution's does.
    """
    over = size - calibration.begin
    beyond = over / index
    beyond = beyond * (1.0 + LIGHTER * np.maximum(beyond, 0.0))
    rare: Floats = np.where(over > 0, beyond - np.log(TAIL), -np.log(TAIL) * np.exp(2.0 * np.minimum(over, 0.0)))
    rare[size <= np.log(LEAST)] = 0.0
    return rare


def limit(calibration: Calibration, piece: int, weight: Floats, wanted: Floats, grain: Floats | float = 0.0) -> Floats:
    """How large a piece of evidence scores 1, shape (series,); `grain` is what a usual change adds to it."""
    beyond = wanted / weight + np.log(TAIL)
    beyond = (np.sqrt(1.0 + 4.0 * LIGHTER * beyond) - 1.0) / (2.0 * LIGHTER)
    begin = calibration.begin[piece]
    largest: Floats = np.exp(begin + beyond * _index(begin, calibration.hill[piece], grain))
    return largest


def _index(begin: Floats, hill: Floats, grains: Floats | float) -> Floats:
    """The tails' indices, shaped as their beginnings are: no smaller than what a usual change adds calls for.

    Where nearly all of the tail is one value (a single error in an hour), its index says nothing of the next (two).
    """
    lumps = np.log1p(grains * np.exp(-begin)) / GRAIN_RARE
    index: Floats = np.maximum(np.maximum(hill, lumps), HILL_LEAST)
    return index


def _bins(size: Floats) -> NDArray[np.intp]:
    bins: NDArray[np.intp] = np.clip(((size - LOWEST) / WIDTH).astype(np.intp), 0, BINS - 1)
    return bins


def _learn(calibration: Calibration, size: Floats, index: Floats, there: Bools, spans: Floats | float) -> None:
    begin = calibration.begin
    over = size - begin
    trust = there * (RUN / (RUN + calibration.run)) ** 2
    bins = _bins(np.minimum(size, begin + CLIP * index))
    pieces, series = np.arange(len(size))[:, None], np.arange(size.shape[1])
    calibration.known[bins, pieces, series] += trust * calibration.weight
    growth = np.maximum(DECAY, YOUTH / (calibration.seen + PRIOR))
    calibration.weight *= np.where(there, 1.0 + growth, 1.0)
    heavy = calibration.weight > HEAVIEST
    if heavy.any():
        calibration.known[:, :, heavy] /= HEAVIEST
        calibration.weight[heavy] /= HEAVIEST
    more = np.where(over > 0, trust, 0.0) / spans
    calibration.hill_values = np.minimum(calibration.hill_values + more, HILL_MOST_VALUES)
    off = np.minimum(over, CLIP * index) - calibration.hill
    calibration.hill += more / calibration.hill_values * off
    calibration.seen += there


def _events(calibration: Calibration, score: Floats, there: Bools, report: float) -> Floats:
    """Reports what is new: after a quiet time; where weak events are told, also the first alarm after them.

    There, what is stronger than the last event is told, too: whoever sets a bar between them must not miss it.
    """
    alarming, high = there & (score > 1.0), there & (score > report)
    quiet = np.clip(calibration.lasted, DEAD_STEPS, MOST_QUIET_STEPS) if report >= 1.0 else DEAD_STEPS
    new = alarming & (calibration.since_alarm >= quiet)
    if report < 1.0:
        apart = calibration.since_event >= np.where(alarming, DEAD_STEPS, APART)
        new |= high & apart & (score > STRONGER * calibration.told)
        new |= high & (calibration.since_high >= DEAD_STEPS)
    calibration.told = np.where(new, score, calibration.told)
    calibration.lasted = np.where(new, 1, calibration.lasted + alarming)
    calibration.since_event = np.where(new, 0, calibration.since_event + there)
    calibration.since_alarm = np.where(alarming, 0, calibration.since_alarm + there)
    calibration.since_high = np.where(high, 0, calibration.since_high + there)
    return np.where(new, score, 0.0)
