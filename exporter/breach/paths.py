"""Paths that series may take from here: the forecast and errors that hang together, all series at once.

The errors' size at each step is the forecast's own interval. They hang together in three ways: what is off now fades
(first order autoregression with white noise on it, seen through a Kalman filter: exporter/breach/errors.py); what is
off hours ahead stays off for a day (an Ornstein-Uhlenbeck process); the rest is white. The normal numbers are drawn
once and shared by all series and all steps, so that a probability does not flicker; in each row they are the normal
distribution's own quantiles in random order (Latin hypercube sampling: McKay, Beckman and Conover, 1979).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporter.breach.errors import Correlation
from exporter.frame import Floats
from exporter.model import Forecast, Rows

Singles = NDArray[np.float32]

DRAWS = 200
CHUNK = 256  # series at once: many for each call of numpy, and yet what they need stays in the processor's cache
NINETY = NormalDist().inv_cdf(0.95)  # deviations from the mean to either bound of a 90 % interval
FAR_HOURS = 24.0  # what is off hours ahead fades to 1/e in so long
WIDEST = 5.0  # deviations, beyond which no path is looked for: of 200 none comes there
DENSE, SPARSE = 200, 200  # steps at which paths are looked at: near ones, and further ones at the most
NEAREST = 4  # steps that are never left out
PRESENT, SHORT, LONG = range(3)  # rows of the noise at each step: white, the innovations of the two processes


@dataclass(frozen=True, slots=True)
class Ahead:
    """A forecast at some steps of the future: mean and one deviation upwards and downwards, (series, len(steps))."""

    steps: NDArray[np.intp]  # how many steps ahead, ascending
    seconds: float  # of one step
    mean: Floats
    up: Floats
    down: Floats

    @classmethod
    def of(cls, forecast: Forecast, known: Sequence[int], steps: Sequence[int], seconds: float) -> Ahead:
        """A forecast for the steps `known`, at `steps`: straight lines between; NaN stays NaN."""
        at, here = np.array(steps, dtype=np.intp), np.array(known, dtype=np.float64)
        left = np.clip(np.searchsorted(here, at, side="right") - 1, 0, max(0, len(here) - 2))
        right = np.minimum(left + 1, len(here) - 1)
        share = np.clip((at - here[left]) / np.maximum(here[right] - here[left], 1.0), 0.0, 1.0)

        def between(values: Floats) -> Floats:
            mixed: Floats = (1.0 - share) * values[:, left] + share * values[:, right]
            return mixed

        mean = between(forecast.mean)
        up, down = between(forecast.upper) - mean, mean - between(forecast.lower)
        return cls(at, seconds, mean, np.maximum(up, 0.0) / NINETY, np.maximum(down, 0.0) / NINETY)

    def of_rows(self, rows: Rows) -> Ahead:
        return Ahead(self.steps, self.seconds, self.mean[rows], self.up[rows], self.down[rows])

    def reach(self) -> tuple[Floats, Floats]:
        """The lowest and the highest value that a path may have, each of shape (series,)."""
        return (self.mean - WIDEST * self.down).min(axis=1), (self.mean + WIDEST * self.up).max(axis=1)


def grid(last: int, horizons: Sequence[int] = ()) -> list[int]:
    """The steps at which paths are looked at, up to `last`: each of the first two hundred, then evenly apart."""
    apart = max(1, -(-(last - DENSE) // SPARSE))
    return sorted({*range(1, min(last, DENSE) + 1), *range(DENSE, last, apart), last, *horizons})


def widening(last: int, longest: int) -> list[int]:
    """Steps ever further apart, a sixteenth of the way but no more than `longest`, up to `last`."""
    steps = [1]
    while steps[-1] < last:
        steps.append(min(last, steps[-1] + min(max(1, steps[-1] // 16), longest)))
    return steps


def thinned(steps: Sequence[int], most: int) -> list[int]:
    """About so many of the steps, the first ones and the last among them: where a forecast is asked for."""
    stride = max(1, -(-len(steps) // most))
    return sorted({*steps[:NEAREST], *steps[::stride], steps[-1]})


def noise(random: np.random.Generator, steps: int, draws: int = DRAWS) -> Singles:
    """Normal numbers for paths of so many steps, shape (steps + 1, 3, draws); the first row is the present."""
    normal = NormalDist()
    quantiles = np.array([normal.inv_cdf((index + 0.5) / draws) for index in range(draws)], np.float32)
    return random.permuted(np.tile(quantiles, (steps + 1, 3, 1)), axis=-1)


def paths(ahead: Ahead, errors: Correlation, drawn: Singles) -> Iterator[Singles]:
    """The values of every path at one step after the other, each of shape (series, draws)."""
    short, long = _Fading(errors.memory), _Fading(np.exp(-ahead.seconds / (FAR_HOURS * 3600.0)))
    white = _column(np.sqrt(1.0 - errors.share))
    lasting = _column(errors.present) + _column(np.sqrt(errors.doubt)) * drawn[0, SHORT]
    far = np.broadcast_to(drawn[0, LONG], lasting.shape)
    size, before = ahead.up + ahead.down, 0
    for index, step in enumerate(ahead.steps.tolist()):
        row = drawn[index + 1]
        lasting = short.onwards(lasting, step - before, row[SHORT], errors.share)
        far = long.onwards(far, step - before, row[LONG], 1.0)
        near = np.minimum(1.0, size[:, 0] / np.maximum(size[:, index], 1e-300))
        off = _column(near) * (lasting + white * row[PRESENT]) + _column(np.sqrt(1.0 - near**2)) * far
        up, down = _column(ahead.up[:, index]), _column(ahead.down[:, index])
        values = np.minimum(off, 0.0) * down
        values += np.maximum(off, 0.0) * up
        values += _column(ahead.mean[:, index])
        yield values
        before = step


@dataclass(frozen=True, slots=True)
class _Fading:
    """A process that keeps a share of itself from step to step; a number, or one for each series."""

    keep: Any

    def onwards(self, values: Singles, steps: int, row: Singles, variance: Any) -> Singles:
        """The process so many steps later; `variance` is what it tends to."""
        keep = np.asarray(self.keep, dtype=np.float64) ** steps
        moved: Singles = _column(keep) * values + _column(np.sqrt(variance * (1.0 - keep**2))) * row
        return moved


def _column(values: Any) -> Singles:
    """One number for each series, to be combined with one for each draw."""
    column: Singles = np.asarray(values, np.float32).reshape(-1, 1)
    return column


def chunks(rows: Rows) -> Iterator[Rows]:
    """The rows in parts that are simulated together."""
    for first in range(0, len(rows), CHUNK):
        yield rows[first : first + CHUNK]
