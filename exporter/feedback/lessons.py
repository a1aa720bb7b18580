"""What a list of verdicts makes of evidence: a pure function of the list, so that taking one back undoes it.

Evidence has sizes, in usual deviations and the like, and shares: how much of what scores 1 each piece is by the past of
the series. Without feedback the score is the shares' Euclidean norm.

*Normal*: evidence is covered where no piece is larger than in the event of the verdict, and half as much more; it
then scores so much less that the event's own scores 0.72, and 0.9 at the most. Up to two and a half times the size that
fades away.
Pieces whose share is small are not looked at. *Anomaly*: evidence in the same direction (shares in like proportion) and
about as strong, or stronger, is raised as much as lifts the verdict's own to 1.1, at most fourfold. Where verdicts
disagree on evidence, the later one counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from exporter.feedback.verdict import Verdict
from exporter.frame import Floats

Indices = NDArray[np.intp]

COVERED, BEYOND = 1.5, 2.5  # times the event's size: covered wholly up to here, and not at all from there
SOFT, LOUD = 0.3, 0.5  # shares; smaller pieces may be of any size, larger ones not
OWN, CALM = 0.72, 0.9  # what the evidence of a normal verdict scores, and what any does at the most that it covers
ALARM = 1.1  # what the evidence of an anomaly scores
MOST_GAIN = 4.0
LIKE, ALIKE = 0.75, 0.9  # the cosine from which evidence begins to be like another, and from which it is
WEAK, STRONG = 0.75, 0.9  # the same of its strength
ROUNDING = 1e-5  # verdicts are written down with so many digits
TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of some series: shares and sizes of each piece, both signed where the piece has a sign, (pieces, series)."""

    shares: Floats
    sizes: Floats


@dataclass(frozen=True, slots=True)
class Lessons:
    """What verdicts teach. `normal_row` and `anomaly_row` name each verdict's row among those that have any.

    `highest` and `lowest` are sizes, (pieces, normal verdicts), `factor` is what covered scores are multiplied by;
    `strongest` are shares, (pieces, anomaly verdicts); `before` holds pairs (anomaly, normal) of one row where the
    normal verdict was said later.
    """

    normal_row: Indices
    highest: Floats
    lowest: Floats
    factor: Floats
    anomaly_row: Indices
    strongest: Floats
    before: Indices

    @classmethod
    def of(cls, verdicts: Sequence[tuple[int, Verdict]], pieces: Sequence[str]) -> Self:
        """The lessons of verdicts, each with its row, in the order in which they were said."""
        normal = [(order, row, one) for order, (row, one) in enumerate(verdicts) if one.verdict == "normal"]
        anomaly = [(order, row, one) for order, (row, one) in enumerate(verdicts) if one.verdict == "anomaly"]
        before = [
            (place, other)
            for place, (order, row, _) in enumerate(anomaly)
            for other, (later, same, _) in enumerate(normal)
            if row == same and later > order
        ]
        strength = _norm(_columns([one.shares for _, _, one in normal], pieces))
        return cls(
            np.array([row for _, row, _ in normal], dtype=np.intp),
            np.maximum(_columns([one.highest for _, _, one in normal], pieces), 0.0),
            np.minimum(_columns([one.lowest for _, _, one in normal], pieces), 0.0),
            OWN / np.maximum(strength, OWN),
            np.array([row for _, row, _ in anomaly], dtype=np.intp),
            _columns([one.shares for _, _, one in anomaly], pieces),
            np.array(before, dtype=np.intp).reshape(-1, 2),
        )

    def score(self, evidence: Evidence) -> Floats:
        """The scores of rows, (rows,)."""
        plain = _norm(evidence.shares)
        scores, covered = plain.copy(), self._covered(evidence)
        if len(covered):
            here = plain[self.normal_row]
            calmed = here + covered * (np.minimum(self.factor * here, CALM) - here)
            np.minimum.at(scores, self.normal_row, np.minimum(calmed, here))
        if len(self.anomaly_row):
            np.maximum.at(scores, self.anomaly_row, self._raised(evidence, covered))
        return scores

    def _covered(self, evidence: Evidence) -> Floats:
        """How far each normal verdict covers the evidence of its row, from 0 to 1, (normal verdicts,)."""
        sizes, shares = evidence.sizes[:, self.normal_row], np.abs(evidence.shares[:, self.normal_row])
        most = np.where(sizes > 0, self.highest, -self.lowest) + ROUNDING
        beyond = _ramp(shares, SOFT, LOUD) * _ramp(np.abs(sizes) / most, COVERED, BEYOND)
        covered: Floats = 1.0 - beyond.max(axis=0, initial=0.0)
        return covered

    def _raised(self, evidence: Evidence, covered: Floats) -> Floats:
        """What each anomaly verdict makes of its row, as far as no later normal one covers it; (anomaly verdicts,)."""
        here = evidence.shares[:, self.anomaly_row]
        strength, own = _norm(here), np.maximum(_norm(self.strongest), TINY)
        cosine = (here * self.strongest).sum(axis=0) / np.maximum(strength * own, TINY)
        like = _ramp(cosine, LIKE, ALIKE) * _ramp(strength / own, WEAK, STRONG)
        left = np.ones(len(self.anomaly_row))
        np.minimum.at(left, self.before[:, 0], 1.0 - covered[self.before[:, 1]])
        raised: Floats = left * like * np.clip(ALARM / own, 1.0, MOST_GAIN) * strength
        return raised


def _columns(vectors: Sequence[Mapping[str, float]], pieces: Sequence[str]) -> Floats:
    found = [[vector.get(piece, 0.0) for piece in pieces] for vector in vectors]
    return np.array(found, dtype=np.float64).reshape(len(vectors), len(pieces)).T


def _norm(vectors: Floats) -> Floats:
    length: Floats = np.sqrt((vectors**2).sum(axis=0))
    return length


def _ramp(value: Floats, low: float, high: float) -> Floats:
    return np.clip((value - low) / (high - low), 0.0, 1.0)
