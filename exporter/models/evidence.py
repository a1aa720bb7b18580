"""Ways to be unusual, each a number that grows with how unusual a series is now: sudden, sustained, slow, still.

Each piece is about 1 or 2 when all is well and is judged by its own past (`exporter.calibration`), so that its unit
does not matter. Arrays have the series as their last axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from exporter.frame import Bools, Floats
from exporter.models.column import Mask, bounded, everywhere, follow

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
GAINS = 1.0 / MEAN_STEPS
USUAL = np.sqrt(GAINS / (2.0 - GAINS))[:ROUGH] * [[1.0], [1.0], [2.0], [3.0], [1.0]]  # what means of noise amount to
GRAINS = np.array([[1.0], [0.66], [0.4], [0.14], [0.055]])  # of a usual change, in each of the first pieces
RESTLESS, STILL, REPEATED = (PIECES.index(piece) for piece in ("restless", "still", "repeated"))
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
    deviations: Floats,
    scale: Floats,
    release: Floats | None,
    there: Bools,
    held: float = 0.0,
) -> Floats:
    """What one column says, signed where it has a sign, shape (pieces, series), 0 where no value is; then learns it.

    `deviations` are the residuals of the quick and of the slow expectation in deviations, shape (2, series), `scale` is
    one deviation, (series,). `held`: for so many steps a value may come again without being told of.
    """
    where = everywhere(there)
    gain = 1.0 / np.minimum(evidence.seen + FIRST_STEPS, USUAL_STEPS)
    change = np.abs(values - evidence.last)
    known = everywhere(np.isfinite(change))
    step = change / scale
    if known is not True:
        step = np.where(known, step, evidence.rough)
    newest = np.empty(evidence.means.shape)
    newest[:HOURS] = deviations[0]
    newest[HOURS:RAW] = deviations[1]
    newest[RAW] = _raw(evidence, values, scale, release, gain, where)
    newest[ROUGH] = step
    bounded(newest, CLIP)
    follow(evidence.means, newest, GAINS, where)
    pieces = np.empty((len(PIECES), len(values)))
    pieces[0] = deviations[0]
    np.divide(evidence.means[:ROUGH], USUAL, out=pieces[1:RESTLESS])
    rougher = np.log((evidence.means[ROUGH] + 0.05) / (evidence.rough + 0.05)) / 0.25
    np.maximum(rougher, 0.0, out=pieces[RESTLESS])
    np.maximum(-rougher, 0.0, out=pieces[STILL])
    pieces[REPEATED] = _repeated(evidence, change, where, known, held)
    if where is not True:
        np.copyto(pieces, 0.0, where=~there)
    _learn_jump(evidence, change)
    follow(evidence.rough, newest[ROUGH], gain, where)
    np.copyto(evidence.last, values, where=where)
    evidence.seen += there
    return pieces


def restarted(evidence: Evidence) -> Evidence:
    """The same without what depends on how far apart the steps are; the level stays."""
    fresh = Evidence.fresh(len(evidence.level))
    fresh.level, fresh.spread = evidence.level, evidence.spread
    return fresh


def _repeated(evidence: Evidence, change: Floats, there: Mask, known: Mask, held: float) -> Floats | float:
    """How unlikely it is that the very same value came so often: a negative logarithm."""
    repeats, changed = np.minimum(evidence.repeats + 1.0, MOST_REPEATS + held), change > 0.0
    repeats *= change == 0.0
    np.copyto(evidence.repeats, repeats, where=there)
    trust = np.where(repeats > held + 3.0, 0.1 / USUAL_STEPS, 1.0 / USUAL_STEPS)
    follow(evidence.changes, changed, trust, known)
    if not np.count_nonzero(evidence.repeats):
        return 0.0
    often: Floats = np.maximum(evidence.repeats - held, 0.0)
    often *= -np.log(np.maximum(1.0 - evidence.changes, 0.05))
    return often


def _raw(
    evidence: Evidence, values: Floats, scale: Floats, release: Floats | None, gain: Floats, there: Mask
) -> Floats:
    """How far a value lies from the usual one, whatever the time of day, in its own usual distance."""
    unknown = np.isnan(evidence.level)
    if np.count_nonzero(unknown):
        begun = unknown & np.isfinite(values)
        np.copyto(evidence.level, values, where=begun)
        np.copyto(evidence.spread, scale, where=begun & np.isnan(evidence.spread))
    off, wide = values - evidence.level, np.maximum(evidence.spread, scale)
    raw = off / wide
    limit = 3.0 * wide
    if release is not None:
        gain = np.maximum(gain, 0.02 * release)
        limit = np.maximum(limit, release * np.abs(off))
    taught = bounded(off, limit)
    np.add(evidence.level, gain * taught, out=evidence.level, where=there)
    follow(evidence.spread, 1.2533 * np.abs(taught), gain, there)
    return raw


def least_unit(evidence: Evidence) -> Floats:
    """No deviation is taken to be smaller: a share of the usual change, for series that seldom change; NaN: unknown."""
    return JUMP_SHARE * evidence.jump


def usual_change(evidence: Evidence, unit: Floats) -> Floats:
    """How large a change usually is, in the deviations that `unit` is one of, shape (series,); 0 where unknown."""
    change: Floats = np.fmax(evidence.jump / unit, 0.0)
    return change


def grains(change: Floats) -> Floats:
    """What a usual change adds to each of the first pieces, (5, series); `change` is what `usual_change` gave."""
    return GRAINS * change


def _learn_jump(evidence: Evidence, change: Floats) -> None:
    known, changed = evidence.jump, change > 0.0
    unknown = np.isnan(known)
    if np.count_nonzero(unknown):
        np.copyto(known, change, where=unknown & changed)
    follow(known, np.minimum(change, 3.0 * known), JUMP_GAIN, everywhere(changed))
