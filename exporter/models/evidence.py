"""Ways to be unusual, each a number that grows with how unusual a series is now: sudden, sustained, slow, still.

Each piece is about 1 or 2 when all is well and is judged by its own past (`exporter.calibration`), so that its unit
does not matter. Arrays have the series as their last axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from exporter.frame import Bools, Floats

PIECES = ("sudden", "minutes", "hour", "hours", "slow", "raw", "restless", "still", "repeated")
WEIGHTS = np.array([[0.7], [0.9], [0.9], [1.0], [0.7], [0.4], [0.2], [0.6], [0.8]])  # how much each is trusted
SPANS = np.array([[1.0], [2.0], [3.3], [6.7], [12.5], [3.3], [3.3], [3.3], [1.0]])  # steps that hang together
HINTS = np.array([[0.0], [0.5], [1.0], [0.0], [0.0], [1.0], [0.0], [0.0], [0.0]])  # what says most of weak events
SIGNED = 6  # pieces that know up from down
DEVIATIONS = 7  # pieces that tell of a deviation from what was expected
MEAN_STEPS = np.array(
    [[4.0], [12.0], [24.0], [72.0], [10.0], [12.0]]
)  # of the running means: deviations, slow, raw, roughness
MINUTES, HOUR, HOURS, SLOW, RAW, ROUGH = range(6)
GRAINS = np.array(
    [[1.0], [0.66], [0.4], [0.14], [0.055], [0.0], [0.0], [0.0], [0.0]]
)  # of a usual change, in each piece
MOST_REPEATS = 36.0
JUMP_SHARE, JUMP_GAIN = 0.25, 0.05
CLIP = 8.0  # deviations; one value says no more than this of a mean
USUAL_STEPS = 576.0  # what is usual is learned over so many steps
FIRST_STEPS = 12.0  # and at first over fewer


@dataclass(slots=True)
class Evidence:
    """The running means' state."""

    means: Floats  # (6, series)
    level: Floats  # (series,), the usual value, whatever the time
    spread: Floats  # (series,), how far values usually lie from it
    rough: Floats  # (series,), the usual distance from value to value, in deviations
    jump: Floats  # (series,), how large a change usually is, where there is one
    last: Floats  # (series,), the last value
    repeats: Floats  # (series,), how often the last value came again
    changes: Floats  # (series,), in what share of steps the value usually changes
    seen: Floats  # (series,), how many values

    @classmethod
    def fresh(cls, series: int) -> Self:
        return cls(
            means=np.zeros((6, series)),
            level=np.full(series, np.nan),
            spread=np.full(series, np.nan),
            rough=np.zeros(series),
            jump=np.full(series, np.nan),
            last=np.full(series, np.nan),
            repeats=np.zeros(series),
            changes=np.zeros(series),
            seen=np.zeros(series),
        )


def gather(
    evidence: Evidence,
    values: Floats,
    deviation: Floats,
    slow: Floats,
    scale: Floats,
    release: Floats,
    there: Bools,
    held: float = 0.0,
) -> Floats:
    """What one column says, signed where it has a sign, shape (pieces, series); then learns it.

    `deviation` and `slow` are residuals of the quick and of the slow expectation in deviations, `scale` is one
    deviation, all of shape (series,). `held`: for so many steps a value may come again without
    being told of.
    """
    raw = _raw(evidence, values, scale, release, there)
    step = np.where(np.isfinite(evidence.last) & there, np.abs(values - evidence.last) / scale, evidence.rough)
    newest = np.clip(np.stack([deviation, deviation, slow, slow, raw, step]), -CLIP, CLIP)
    gain = 1.0 / MEAN_STEPS
    evidence.means = np.where(there, evidence.means + gain * (newest - evidence.means), evidence.means)
    means = evidence.means / np.sqrt(gain / (2.0 - gain))
    change = np.log((evidence.means[ROUGH] + 0.05) / (evidence.rough + 0.05)) / 0.25
    pieces = np.stack(
        [
            deviation,
            means[MINUTES],
            means[HOUR],
            means[HOURS] / 2.0,
            means[SLOW] / 3.0,
            means[RAW],
            np.maximum(change, 0.0),
            np.maximum(-change, 0.0),
            _repeated(evidence, values, there, held),
        ]
    )
    _learn(evidence, values, step, there)
    return pieces


def restarted(evidence: Evidence) -> Evidence:
    """The same without what depends on how far apart the steps are; the level stays."""
    fresh = Evidence.fresh(len(evidence.level))
    fresh.level, fresh.spread = evidence.level, evidence.spread
    return fresh


def _repeated(evidence: Evidence, values: Floats, there: Bools, held: float) -> Floats:
    """How unlikely it is that the very same value came so often: a negative logarithm."""
    same = values == evidence.last
    evidence.repeats = np.where(
        there, np.where(same, np.minimum(evidence.repeats + 1, MOST_REPEATS + held), 0), evidence.repeats
    )
    trust = np.where(evidence.repeats > held + 3, 0.1, 1.0)
    changes = evidence.changes + trust * (~same - evidence.changes) / USUAL_STEPS
    evidence.changes = np.where(there & (evidence.seen > 0), changes, evidence.changes)
    return np.maximum(evidence.repeats - held, 0.0) * -np.log(np.maximum(1.0 - evidence.changes, 0.05))


def _raw(evidence: Evidence, values: Floats, scale: Floats, release: Floats, there: Bools) -> Floats:
    """How far a value lies from the usual one, whatever the time of day, in its own usual distance."""
    level = np.where(np.isnan(evidence.level), values, evidence.level)
    spread = np.where(np.isnan(evidence.spread), scale, evidence.spread)
    off = np.where(there, values - level, 0.0)
    raw = off / np.maximum(spread, scale)
    gain = np.maximum(1.0 / np.minimum(evidence.seen + FIRST_STEPS, USUAL_STEPS), 0.02 * release)
    limit = np.maximum(3.0 * np.maximum(spread, scale), release * np.abs(off))
    taught = np.clip(off, -limit, limit)
    evidence.level = np.where(there, level + gain * taught, evidence.level)
    evidence.spread = np.where(there, spread + gain * (1.2533 * np.abs(taught) - spread), evidence.spread)
    return raw


def least_unit(evidence: Evidence) -> Floats:
    """No deviation is taken to be smaller: a share of the usual change, for series that seldom change."""
    return np.where(np.isnan(evidence.jump), 0.0, JUMP_SHARE * evidence.jump)


def usual_change(evidence: Evidence, unit: Floats) -> Floats:
    """How large a change usually is, in the deviations that `unit` is one of, shape (series,); 0 where unknown."""
    change = evidence.jump / unit
    return np.where(np.isfinite(change), change, 0.0)


def grains(evidence: Evidence, unit: Floats, change: Floats) -> Floats:
    """What a usual change adds to each piece, shape (pieces, series); `change` is what `usual_change` gave."""
    found = GRAINS * change
    share = unit / np.fmax(evidence.spread, unit)
    found[PIECES.index("raw")] *= np.where(np.isfinite(share), share, 1.0)
    return found


def _learn_jump(evidence: Evidence, values: Floats, there: Bools) -> None:
    change = np.abs(values - evidence.last)
    known = np.where(np.isnan(evidence.jump), change, evidence.jump)
    learned = known + JUMP_GAIN * (np.minimum(change, 3.0 * known) - known)
    evidence.jump = np.where(there & (change > 0.0), learned, evidence.jump)


def _learn(evidence: Evidence, values: Floats, step: Floats, there: Bools) -> None:
    _learn_jump(evidence, values, there)
    gain = 1.0 / np.minimum(evidence.seen + FIRST_STEPS, USUAL_STEPS)
    rough = evidence.rough + gain * (np.minimum(step, CLIP) - evidence.rough)
    evidence.rough = np.where(there, rough, evidence.rough)
    evidence.last = np.where(there, values, evidence.last)
    evidence.seen += there
