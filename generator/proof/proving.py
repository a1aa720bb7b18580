"""One alert: how its series may be laid out, how far back it looks, and which of that proves it first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import numpy as np

from generator.inlining import Recorded
from generator.proof.boards import Layout, board
from generator.proof.case import Case
from generator.proof.casting import Casting
from generator.proof.dials import Board
from generator.proof.expressions import Reader
from generator.proof.labelling import spoken_of
from generator.proof.readings import MOST_NODES, Survey, survey
from generator.proof.runs import Compute
from generator.proof.search import Flip, Search, usual_first
from generator.proof.sources import Played
from generator.proof.timing import Judged
from generator.proof.vectors import Flags, Numbers, UnprovableError
from generator.rule import Group, Rule

MOST_WORLDS, FEWEST_WORLDS = 400, 4
MOST_EVALUATIONS = 200  # of a recording rule, while worlds are sought; of more, every second or third one will do
MARGIN = 2.5 / MOST_EVALUATIONS  # so much longer than what is looked back: that much may be overlooked
MOST_POINTS = 1_500_000  # samples of all series in all worlds at once
LONGEST = timedelta(days=22)
LONG = timedelta(hours=1)  # further back, what was may well be compared with what is
SHORT = timedelta(minutes=1)  # the usual distance of samples
MOST_SPENT = 250_000_000  # points until an alert is given up
LARGEST_CROWD = 42
LOUD = "no series are found at which it is silent"
NONE = "no series are found that make it fire, and just do not"
TOO_LONG = "no series are found within reasonable time that make it fire, and just do not"
ALWAYS = "nothing keeps it from firing, so there is no case in which it is silent"


def prove(
    alert: Rule, group: Group, records: Mapping[str, Sequence[Recorded]], interval: timedelta
) -> tuple[tuple[Case, ...], str]:
    """The cases, and what is to be said of them.

    Raises:
        UnprovableError: the expression holds something that is not understood.
    """
    found = survey(alert.expr, records)
    if found.nodes > MOST_NODES:
        raise UnprovableError("its expression is too large")
    if found.reach > LONGEST:
        raise UnprovableError("it looks back further than a test of reasonable size")
    compute = Reader(records).compute(alert.expr.tree)
    spoken = spoken_of([*alert.annotations.values(), *alert.labels.values()])
    with np.errstate(all="ignore"):  # overflows and NaN are values, as they are to Prometheus
        return _Proving(alert, group, interval.total_seconds(), found, compute, spoken).cases()


@dataclass(frozen=True, slots=True)
class _Proving:
    alert: Rule
    group: Group
    interval: float
    survey: Survey
    compute: Compute
    spoken: Sequence[str]
    spent: list[int] = field(default_factory=list)

    def cases(self) -> tuple[tuple[Case, ...], str]:
        always: tuple[Case, ...] = ()
        for place, layout in enumerate(_layouts(self.survey)):
            for settled in self._horizons():
                try:
                    cases, always_fires = self._at(layout, settled)
                except UnprovableError as error:
                    if place == 0 or sum(self.spent) > MOST_SPENT:
                        return always, str(error)
                    break  # this layout is none for the expression
                if cases:
                    return cases, ""
                always = always or always_fires
            if not self.survey.readings:
                break
        said = ALWAYS if not self.survey.readings else LOUD
        return (always, said) if always else ((), NONE)

    def _at(self, layout: Layout, settled: int) -> tuple[tuple[Case, ...], tuple[Case, ...]]:
        step, horizon = self._step(), settled * self.interval
        found = board(self.survey, self.spoken, step, horizon, layout)
        judged = self._judged(found, step)
        samples = int(horizon / step) + 1
        sparse = math.ceil(settled / MOST_EVALUATIONS)

        def holds(settings: Numbers) -> Flags:
            self.spend(settings.shape[1] * points)
            held = judged.holds(found.worlds(settings, samples), np.asarray([horizon]), sparse=sparse)
            return np.asarray(held.any(axis=(0, 2)))

        points = self._points(settled, samples * max(1, len(found.labels)))
        most = max(FEWEST_WORLDS, min(MOST_WORLDS, MOST_POINTS // points))
        search = Search(found, holds, most, np.random.default_rng(0))
        casting = Casting(found, judged, settled, step)
        first: Numbers | None = None
        for firing in search.firing():
            first = firing if first is None else first
            for flip in usual_first(search.flips(firing), found):
                if cases := casting.cases(flip, partial(_others, search, flip)):
                    return cases, ()
        return (), () if first is None else casting.always(first)

    def _points(self, settled: int, samples: int) -> int:
        """How many numbers a world takes: samples, or what ranges within ranges hold of them."""
        widest = max((span.total_seconds() for span in self.survey.spans), default=0.0) / self.interval
        return int(max(1, samples, min(settled, MOST_EVALUATIONS) * min(widest, MOST_EVALUATIONS)))

    def spend(self, points: int) -> None:
        """Ends a search that has gone on for too long.

        Raises:
            UnprovableError: it has.
        """
        self.spent.append(points)
        if sum(self.spent) > MOST_SPENT:
            raise UnprovableError(TOO_LONG)

    def _judged(self, found: Board, step: float) -> Judged:
        hold, keep = (
            math.ceil(span.total_seconds() / self.interval - 1e-9)
            for span in (self.alert.hold, self.alert.keep_firing_for)
        )
        lag = (self.group.query_offset or timedelta()).total_seconds()
        return Judged(self.compute, Played(found.labels, step), self.interval, hold, keep, lag)

    def _step(self) -> float:
        """How far apart samples are: at least four in every range, one a minute as a rule."""
        shortest = min((span for span in self.survey.ranges if span), default=timedelta(hours=1)) / 4
        return min(self.interval, SHORT.total_seconds(), max(1.0, _divisor(shortest.total_seconds())))

    def _horizons(self) -> Iterator[int]:
        """After how many evaluations to look: few, or when one range is full, or all of them."""
        spans = {span.total_seconds() for span in self.survey.spans} | {0.0}
        lag = (self.group.query_offset or timedelta()).total_seconds()
        seconds = sorted({*spans, self.survey.reach.total_seconds()})
        rest = lag + 2 * SHORT.total_seconds()
        counts = [math.ceil((one * (1 + MARGIN) + rest) / self.interval) + 1 for one in seconds]
        yield from dict.fromkeys(counts)


def _others(search: Search, flip: Flip) -> list[Flip]:
    """What else keeps the alert silent from where the flip lets it fire."""
    return usual_first([other for other in search.flips(flip.fires) if other.dial != flip.dial], search.board)


def _divisor(seconds: float) -> float:
    """The largest usual distance of samples that is no longer."""
    return next((usual for usual in (60, 30, 15, 10, 5) if usual <= seconds), 1.0)


def _layouts(found: Survey) -> Iterator[Layout]:
    """How series may be laid out, the plainest way first."""
    yield Layout()
    if found.reach >= LONG:
        yield Layout(turning=True)
    yield Layout(signed=True)
    if any(reading.counted for reading in found.readings):
        most = max((limit for limit in found.limits if 1 < limit < LARGEST_CROWD - 2), default=8)
        yield Layout(crowd=int(most) + 2)
    if found.reach < LONG:
        yield Layout(turning=True)
    if any(reading.buckets for reading in found.readings):
        yield Layout(fine=True, turning=True)
    yield Layout(coming=True)
    yield Layout(crowd=3, all_crowds=True)
    yield Layout(crowd=3, all_crowds=True, turning=True, coming=True, signed=True)
