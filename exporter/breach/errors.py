"""How the errors of one series hang together: what was off a step ago, is it still?

The newest error, in its usual size, is taken for white noise on a process that fades (first order autoregression).
Two lagged products tell how much of it fades and how quickly; a steady Kalman filter tells how far the fading part is
off now (Harvey, Forecasting, structural time series models and the Kalman filter, 1989). State: O(1) for each series.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from exporter.frame import Bools, Floats
from exporter.model import NEW, Rows

LAG = 6  # steps; the second product's
REMEMBERED = 2_000.0  # steps
FIRST = 30.0  # steps that the beginning counts as: no correlation
CLIP = 4.0  # usual sizes; an error further out counts as this
LONGEST = 0.98  # no share above is kept from step to step
LEAST_SHARE = 0.02  # less correlation than this is none
FILTER_ROUNDS = 12  # after which a steady gain has settled


@dataclass(slots=True)
class Errors:
    """What is remembered; arrays of shape (series,), but for `recent` (6, series)."""

    size: Floats  # mean square, in half widths of the band
    near: Floats  # mean product with the error one step ago,
    far: Floats  # and six steps ago, both in mean squares
    recent: Floats  # the last errors in usual sizes, newest first; NaN where there was none
    present: Floats  # how far the fading part is off
    seen: Floats

    @classmethod
    def fresh(cls, series: int) -> Self:
        return cls(
            size=np.ones(series),
            near=np.zeros(series),
            far=np.zeros(series),
            recent=np.full((LAG, series), np.nan),
            present=np.zeros(series),
            seen=np.zeros(series),
        )

    def resized(self, rows: Rows) -> Self:
        """With other rows; a new row begins without knowledge."""
        fresh, known = type(self).fresh(len(rows)), rows != NEW
        for field in fields(self):
            getattr(fresh, field.name)[..., known] = getattr(self, field.name)[..., rows[known]]
        return fresh


@dataclass(frozen=True, slots=True)
class Correlation:
    """How errors of the steps to come hang together, each of shape (series,).

    `share` of an error's variance fades by the factor `memory` with each step; that part is off by `present` usual
    sizes now, give or take the variance `doubt`. The rest is white noise.
    """

    share: Floats
    memory: Floats
    present: Floats
    doubt: Floats

    @classmethod
    def none(cls, series: int) -> Self:
        """Nothing is known: white noise."""
        nothing = np.zeros(series)
        return cls(nothing, nothing, nothing, nothing)

    def of_rows(self, rows: Rows) -> Correlation:
        return Correlation(self.share[rows], self.memory[rows], self.present[rows], self.doubt[rows])


def learn(errors: Errors, off: Floats, band: Floats) -> None:
    """Takes the errors of one column in: how far values lay `off`, and half the band's width, both (series,)."""
    there = np.isfinite(off) & (band > 0)
    relative = np.where(there, off, 0.0) / np.where(there, band, 1.0)
    gain = 1.0 / np.minimum(errors.seen + 2.0, REMEMBERED)
    usual = np.sqrt(errors.size)
    relative = np.clip(relative, -CLIP * usual, CLIP * usual) if errors.seen.any() else relative
    errors.size = np.where(there, errors.size + gain * (relative**2 - errors.size), errors.size)
    newest = relative / np.sqrt(np.maximum(errors.size, 1e-300))
    gain = 1.0 / np.minimum(errors.seen + FIRST, REMEMBERED)
    errors.near = _follow(errors.near, newest * errors.recent[0], gain, there)
    errors.far = _follow(errors.far, newest * errors.recent[-1], gain, there)
    errors.recent = np.vstack([np.where(there, newest, np.nan), errors.recent[:-1]])
    share, memory = _fading(errors)
    before = memory * errors.present
    kalman = _gain(share, memory)[0]
    errors.present = np.where(there, before + kalman * (newest - before), before)
    errors.seen += there


def correlation(errors: Errors) -> Correlation:
    """How the errors to come hang together."""
    share, memory = _fading(errors)
    return Correlation(share, memory, np.clip(errors.present, -CLIP, CLIP), _gain(share, memory)[1])


def _follow(mean: Floats, product: Floats, gain: Floats, there: Bools) -> Floats:
    known = there & np.isfinite(product)
    return np.where(known, mean + gain * (np.where(known, product, 0.0) - mean), mean)


def _fading(errors: Errors) -> tuple[Floats, Floats]:
    """Share and memory of the fading part: the products at two lags are share * memory and share * memory ** 6."""
    near = np.clip(errors.near, 0.0, LONGEST)
    known = near > LEAST_SHARE
    ratio = np.clip(errors.far, 1e-3, None) / np.where(known, near, 1.0)
    memory = np.clip(ratio ** (1.0 / (LAG - 1)), near, LONGEST)
    share = np.where(known, np.minimum(near / np.where(known, memory, 1.0), 1.0), 0.0)
    return share, np.where(known, memory, 0.0)


def _gain(share: Floats, memory: Floats) -> tuple[Floats, Floats]:
    """The steady filter's gain and the variance that stays, both (series,)."""
    variance = share
    gain = np.zeros_like(share)
    for _ in range(FILTER_ROUNDS):
        predicted = memory**2 * variance + (1.0 - memory**2) * share
        total = predicted + 1.0 - share
        gain = np.where(total > 0, predicted / np.maximum(total, 1e-12), 0.0)
        variance = np.maximum((1.0 - gain) * predicted, 0.0)
    return gain, variance
