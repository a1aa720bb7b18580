"""The score of each group, and which series have a share in one that is anomalous."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from exporter.calibration import Calibration
from exporter.fitting import Workers
from exporter.frame import Floats, Frame
from exporter.groups import Group, Trees, contributions, deviation, groups_of, grow, planted
from exporter.model import NEW, Arrays, Rows
from exporter.models.interest import Interest
from exporter.models.sktime_judging import Judge, judge
from exporter.publishing.samples import Samples, Step
from exporter.reading import Key, key_of

log = structlog.get_logger("exporter.groups")

GROUP, SHARE = "tocsin_group_anomaly_score", "tocsin_group_contribution"
FAMILIES = {
    GROUP: "How unusual the series of a group are together; above 1 is anomalous.",
    SHARE: "The share of a series in the score of its group, where that is above 1.",
}
WINDOW = 1_024  # steps that a forest learns from
FEWEST = 96  # steps before the first forest; further ones as steps double, then
REGROWN_STEPS = 1_440
NAMED = 3  # series that the log names


@dataclass(slots=True)
class Forest:
    """The forest of these members, and the steps after which it was last asked for."""

    members: tuple[Key, ...]
    trees: Trees | None = None
    asked: Future[bytes] | None = None
    asked_after: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """What is said of one group at one step: the score, and each member's share, largest first."""

    group: Mapping[str, str]
    score: float
    members: Sequence[tuple[Mapping[str, str], float]]


class GroupScores:
    """A publisher that remembers what the series of each group were off by, in units of half their band."""

    def __init__(
        self, query: str, by: Sequence[str], step_seconds: float, false_alarms_per_month: float, workers: Workers
    ) -> None:
        self._query, self._by = query, by
        self._step = step_seconds
        self._interest = Interest(false_alarms_per_month, direction="up")
        self._workers = workers
        self._told = False
        self.findings: list[Finding] = []  # of the last step, of the groups above 1
        self._reset(0)

    def _reset(self, series: int) -> None:
        self._ring = np.zeros((WINDOW, series), np.float32)
        self._steps = 0
        self._groups: list[Group] | None = None  # None: to be found at the next step
        self._order: list[Key] = []
        self._forests: dict[Key, Forest] = {}
        self._judge = Judge.fresh(0)
        self._new = np.zeros(0, dtype=np.bool_)

    def _regroup(self, labels: Sequence[Mapping[str, str]]) -> list[Group]:
        """Finds the groups; what is known of a group stays, its forest only while its members do."""
        groups, left_out = groups_of(labels, self._by)
        before = {key: place for place, key in enumerate(self._order)}
        self._order = [group.key for group in groups]
        self._judge = _resized(self._judge, np.array([before.get(key, NEW) for key in self._order], dtype=np.intp))
        forests = {group.key: Forest(tuple(key_of(labels[row]) for row in group.rows)) for group in groups}
        for key, forest in self._forests.items():
            if key in forests and forests[key].members == forest.members:
                forests[key] = forest
        self._forests = forests
        if left_out and not self._told:
            self._told = True
            log.warning("series are in no group", query=self._query, series=left_out, reason="too many")
        return groups

    def begin(self, history: Frame) -> None:
        """Begins anew; what a model says of history is not known."""
        self._reset(len(history.labels))

    def resize(self, rows: Rows) -> None:
        """Takes other rows over; of a new one nothing was off so far."""
        kept = np.where(rows == NEW, 0, rows)
        empty = np.zeros((WINDOW, len(rows)), np.float32)
        self._ring = np.where(rows == NEW, empty, self._ring[:, kept]) if self._ring.shape[1] else empty
        self._groups = None

    def __call__(self, step: Step[Any]) -> Iterator[Samples]:
        """Takes the step's residuals in, and yields each group's score with its members' shares."""
        frame, scores = step.frame, step.scores
        if self._groups is None:
            self._groups = self._regroup(frame.labels)
        half = (scores.upper - scores.lower) / 2.0
        with np.errstate(divide="ignore", invalid="ignore"):
            residuals = np.nan_to_num((frame.values - scores.expected) / half, nan=0.0, posinf=0.0, neginf=0.0)
        self._take()
        score = np.full(len(self._order), np.nan)
        for column in range(frame.steps):
            score = self._score(residuals[:, column])
            self._ring[self._steps % WINDOW] = residuals[:, column]
            self._steps += 1
        self._grow()
        keys = tuple(tuple(key) for key in self._order)
        yield Samples(GROUP, score, keys=keys)
        yield Samples(SHARE, self._shares(score, residuals[:, -1], frame))

    def arrays(self) -> Arrays:
        """What the series were off by; forests grow again from it."""
        return {"ring": self._ring, "steps": np.array(self._steps)}

    def restore(self, arrays: Arrays, series: int) -> None:
        """Takes up what `arrays` gave, if it is of these series."""
        self._reset(series)
        ring = arrays.get("ring")
        if ring is not None and "steps" in arrays and ring.shape == self._ring.shape:
            self._ring, self._steps = ring.astype(np.float32), int(arrays["steps"])

    def _score(self, residuals: Floats) -> Floats:
        """Each group's score at one column, (groups,), NaN while it has no forest."""
        found = np.full(len(self._order), np.nan)
        for place, group in enumerate(self._groups or ()):
            trees = self._forests[group.key].trees
            if trees is not None:
                found[place] = deviation(trees, residuals[group.rows][None])[0]
        if not np.isfinite(found).any():
            return found
        verdict = judge(self._judge, self._interest, found, found, found, self._step, self._steps)
        self._new = verdict.event > 1.0
        return verdict.score

    def _take(self) -> None:
        """Takes the forests that are grown; what a group's first one says of the past teaches what is usual."""
        for place, group in enumerate(self._groups or ()):
            forest = self._forests[group.key]
            if forest.asked is None or not forest.asked.done():
                continue
            if forest.asked.exception() is None:
                forest.trees = planted(forest.asked.result())
                if not self._judge.calibration.seen[place]:
                    self._replay(place, deviation(forest.trees, self._past(group)))
            forest.asked = None

    def _replay(self, place: int, past: Floats) -> None:
        for number, found in enumerate(past):
            column = np.full(len(self._order), np.nan)
            column[place] = found
            judge(self._judge, self._interest, column, column, column, self._step, number)

    def _past(self, group: Group) -> Floats:
        """What a group's members were off by, in order, (steps, members)."""
        whole = self._steps >= WINDOW
        ordered = np.roll(self._ring, -(self._steps % WINDOW), axis=0) if whole else self._ring[: self._steps]
        return ordered[:, group.rows].astype(np.float64)

    def _grow(self) -> None:
        """Asks for the forests that are due."""
        seen = min(self._steps, WINDOW)
        for group in self._groups or ():
            forest = self._forests[group.key]
            wait = min(max(FEWEST, forest.asked_after), REGROWN_STEPS)
            due = seen >= FEWEST and (not forest.asked_after or self._steps - forest.asked_after >= wait)
            if due and forest.asked is None and self._workers.room():
                forest.asked = self._workers.submit(grow, self._past(group))
                forest.asked_after = self._steps

    def _shares(self, score: Floats, residuals: Floats, frame: Frame) -> Floats:
        """Each row's share in its group's score, (series,), NaN where that is not above 1; tells of new ones."""
        shares = np.full(len(residuals), np.nan)
        self.findings = []
        for place, group in enumerate(self._groups or ()):
            trees = self._forests[group.key].trees
            if trees is None or not score[place] > 1.0:
                continue
            own = contributions(trees, residuals[group.rows])
            shares[group.rows] = own
            order = np.argsort(-own, kind="stable")
            members = [(dict(frame.labels[group.rows[one]]), float(own[one])) for one in order]
            self.findings.append(Finding(dict(group.key), float(score[place]), members))
            if self._new[place]:
                named = [key_of(labels) for labels, share in members[:NAMED] if share > 0]
                log.info(
                    "a group is anomalous",
                    query=self._query,
                    group=dict(group.key),
                    score=round(float(score[place]), 2),
                    series=[dict(key) for key in named],
                )
        return shares


def _resized(known: Judge, rows: Rows) -> Judge:
    """What is known of groups, in other rows."""
    fresh = Judge.fresh(1)
    tails = {
        one.name: _taken(getattr(known.calibration, one.name), getattr(fresh.calibration, one.name), rows)
        for one in fields(Calibration)
    }
    return Judge(_taken(known.means, fresh.means, rows), Calibration(**tails))


def _taken(old: NDArray[Any], new: NDArray[Any], rows: Rows) -> NDArray[Any]:
    if not old.shape[-1]:
        return np.repeat(new, len(rows), axis=-1)
    return np.where(rows == NEW, new, old[..., np.where(rows == NEW, 0, rows)]).astype(old.dtype)
