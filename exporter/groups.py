"""Groups of series that are judged together: an isolation forest over what each of them is off by.

Several series that are each a little off say more together than alone. A forest (Liu, Ting and Zhou, Isolation forest,
2008) learns how the residuals of a group usually lie; each step it says how quickly the newest ones are told apart from
those. Which series contribute is found by setting one after the other to what was expected of it.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.frame import Floats
from exporter.reading import Key
from tocsin.model import Labels

MOST_MEMBERS = 64  # of one group; further ones are not looked at
MOST_SERIES = 10_000  # of all groups
TREES, SAMPLES = 100, 256  # as in the paper
SEED = 1
TO_DEVIATION = 1.4826  # a normal distribution's standard deviation over its median absolute deviation
LEAST_SPREAD = 1e-3
CLIP = 10.0  # half widths of the band; further out says no more


@dataclass(frozen=True, slots=True)
class Group:
    """Series that share the labels which make a group; `rows` are theirs."""

    key: Key
    rows: NDArray[np.intp]


def groups_of(labels: Sequence[Labels], by: Sequence[str]) -> tuple[list[Group], int]:
    """The groups of two series and more, in the order of their keys, and how many series are left out for bounds."""
    found: dict[Key, list[int]] = {}
    for row, one in enumerate(labels):
        if all(name in one for name in by):
            found.setdefault(tuple(sorted((name, one[name]) for name in by)), []).append(row)
    groups, taken, left_out = [], 0, 0
    for key, rows in sorted(found.items()):
        kept = rows[: min(MOST_MEMBERS, MOST_SERIES - taken)]
        left_out += len(rows) - len(kept)
        if len(kept) > 1:
            groups.append(Group(key, np.array(kept, dtype=np.intp)))
            taken += len(kept)
    return groups, left_out


@dataclass(frozen=True, slots=True)
class Trees:
    """A forest, and how it scores what it has learned from: the middle, and the usual distance from there."""

    forest: Any
    middle: float
    spread: float


def grow(residuals: Floats) -> bytes:
    """The `Trees` of a group's residuals, (steps, members), as bytes that stay in memory."""
    from sklearn.ensemble import IsolationForest

    seen = np.clip(residuals, -CLIP, CLIP)
    forest = IsolationForest(n_estimators=TREES, max_samples=min(SAMPLES, len(seen)), random_state=SEED).fit(seen)
    scores = -forest.score_samples(seen)
    middle = float(np.median(scores))
    return pickle.dumps(Trees(forest, middle, TO_DEVIATION * float(np.median(np.abs(scores - middle))) + LEAST_SPREAD))


def planted(trees: bytes) -> Trees:
    """What `grow` gave."""
    found: Trees = pickle.loads(trees)  # noqa: S301 - a process of ours made it
    return found


def deviation(trees: Trees, residuals: Floats) -> Floats:
    """How much more easily than usual each row of residuals, (rows, members), is told apart, in usual distances."""
    scores = -trees.forest.score_samples(np.clip(residuals, -CLIP, CLIP))
    off: Floats = (scores - trees.middle) / trees.spread
    return off


def contributions(trees: Trees, residuals: Floats) -> Floats:
    """The share that each member has in its group's evidence, (members,), of the newest residuals, (members,)."""
    without = np.where(np.eye(len(residuals), dtype=np.bool_), 0.0, residuals[None])
    whole = deviation(trees, residuals[None])[0]
    falls = np.maximum(whole - deviation(trees, without), 0.0)
    weights = falls if falls.sum() > 0 else np.abs(residuals)
    total = weights.sum()
    return weights / total if total > 0 else np.full(len(residuals), 1.0 / len(residuals))
