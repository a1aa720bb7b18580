"""NAB's own score of detections: numenta/NAB, `nab/sweeper.py` and `nab/scorer.py`, and its corpus as files.

All points are sorted by score and added from the top down; the corpus' best sum decides the threshold, one for each
profile. A window counts once, by its earliest point above the threshold; every point outside a window costs.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from exporter.frame import Floats
from exporter.model import Rows

PROBATION = 0.15  # of a file is not scored, of its first 5,000 points at most
PROBATION_OF = 5_000
OUTSIDE, NOT_SCORED = -1, -2


@dataclass(frozen=True, slots=True)
class Profile:
    """What a hit, a false alarm and a missed window weigh."""

    hit: float
    false_alarm: float
    miss: float


PROFILES: Mapping[str, Profile] = {
    "standard": Profile(1.0, 0.11, 1.0),
    "reward_low_FP_rate": Profile(1.0, 0.22, 1.0),
    "reward_low_FN_rate": Profile(1.0, 0.11, 2.0),
}


@dataclass(frozen=True, slots=True)
class File:
    """One series of the corpus; `windows` are pairs of the first and the last index inside."""

    name: str
    times: Floats
    values: Floats
    windows: tuple[tuple[int, int], ...]

    @property
    def folder(self) -> str:
        return self.name.split("/")[0]


@dataclass(frozen=True, slots=True)
class Result:
    """A normalised score: 0 is a detector that says nothing, 100 a perfect one."""

    score: float
    threshold: float
    folders: Mapping[str, float]


def corpus(folder: Path) -> list[File]:
    """Every file that stands in `labels/combined_windows.json`."""
    labels = json.loads((folder / "labels/combined_windows.json").read_text())
    return [_file(folder / "data" / name, name, windows) for name, windows in sorted(labels.items())]


def _file(path: Path, name: str, windows: Sequence[Sequence[str]]) -> File:
    with path.open(newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    times = np.array([_seconds(row[0]) for row in rows])
    index = {when: row for row, when in reversed(list(enumerate(times.tolist())))}
    found = tuple((index[_seconds(first)], index[_seconds(last)]) for first, last in windows)
    return File(name, times, np.array([float(row[1]) for row in rows]), found)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def worth(file: File) -> tuple[Rows, Floats]:
    """Each point's window (or OUTSIDE, NOT_SCORED), and what a detection there is worth, from -1 to 1."""
    points = np.arange(len(file.times))
    window, value = np.full(len(points), OUTSIDE, dtype=np.intp), np.full(len(points), -1.0)
    for number, (first, last) in enumerate(file.windows):
        width = last - first + 1
        after = points > last
        value[after] = _sigmoid((points[after] - last) / max(width - 1, 1))
        inside = slice(first, last + 1)
        value[inside] = _sigmoid(-(last - points[inside] + 1) / width) / _sigmoid(np.array([-1.0]))
        window[inside] = number
    window[: int(min(PROBATION * len(points), PROBATION * PROBATION_OF))] = NOT_SCORED
    return window, value


def _sigmoid(position: Floats) -> Floats:
    """NAB's scaled sigmoid: nearly 1 one window's width before the edge, 0 at it, -1 long after."""
    scaled: Floats = np.where(position > 3.0, -1.0, 2.0 / (1.0 + np.exp(5.0 * position)) - 1.0)
    return scaled


def evaluate(files: Sequence[File], scores: Sequence[Floats], profile: Profile) -> Result:
    """The corpus' score at its best threshold, in all and for each folder at that threshold."""
    taken = [_changes(file, score, profile) for file, score in zip(files, scores, strict=True)]
    level = np.concatenate([level for level, _ in taken])
    order = np.argsort(-level, kind="stable")
    level, total = level[order], np.cumsum(np.concatenate([change for _, change in taken])[order])
    ends = np.append(np.flatnonzero(np.diff(level)), len(level) - 1)
    best = ends[np.argmax(total[ends])] if len(level) else 0
    threshold = float(level[best]) if len(level) and total[best] > 0 else np.inf
    gains = [float(change[level >= threshold].sum()) for level, change in taken]
    names = sorted({file.folder for file in files})
    per_folder = {
        name: _normal(
            [file for file in files if file.folder == name],
            sum(gain for gain, file in zip(gains, files, strict=True) if file.folder == name),
            profile,
        )
        for name in names
    }
    return Result(_normal(files, sum(gains), profile), threshold, per_folder)


def _normal(files: Sequence[File], gain: float, profile: Profile) -> float:
    """100 for every window hit at its start and no false alarm; without windows the bare cost."""
    windows = sum(len(file.windows) for file in files)
    return 100.0 * gain / ((profile.hit + profile.miss) * windows) if windows else gain


def _changes(file: File, score: Floats, profile: Profile) -> tuple[Floats, Floats]:
    """A file's scored points from the highest score down, and by how much each changes the sum."""
    window, value = worth(file)
    order = np.argsort(-score, kind="stable")
    order = order[window[order] != NOT_SCORED]
    change = np.where(window[order] == OUTSIDE, profile.false_alarm * value[order], 0.0)
    for number in range(len(file.windows)):
        at = np.flatnonzero(window[order] == number)
        best = np.maximum.accumulate(profile.hit * value[order[at]])
        change[at] = np.diff(best, prepend=-profile.miss)
    return score[order], change
