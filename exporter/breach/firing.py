"""The probability that an alert fires within a horizon: that its condition holds for `for` in a row on the way.

Prometheus lets an alert fire at the first evaluation that is `for` after the one at which its condition began to hold,
if it held at each between (rules/alerting.go); so a run of `for / interval + 1` evaluations is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from exporter.breach.condition import Condition
from exporter.breach.errors import Correlation
from exporter.breach.paths import DRAWS, Ahead, Singles, chunks, noise, paths
from exporter.breach.runs import BEGINNING, STAYING, Runs
from exporter.frame import Bools, Floats

FINE = 1.5  # whole numbers whose deviation is smaller jump, and are no path


@dataclass(frozen=True, slots=True)
class Drawn:
    """The random numbers that all series share: `normal` as `paths.noise` makes it, `uniform` (steps, draws)."""

    normal: Singles
    uniform: Singles

    @classmethod
    def of(cls, random: np.random.Generator, steps: int, draws: int = DRAWS) -> Self:
        evenly = ((np.arange(draws) + 0.5) / draws).astype(np.float32)
        return cls(noise(random, steps, draws), random.permuted(np.tile(evenly, (steps, 1)), axis=-1))


def probabilities(
    ahead: Ahead, errors: Correlation, runs: Runs, condition: Condition, needed: float, drawn: Drawn
) -> Floats:
    """The probability that the alert has fired by each step of `ahead`, (series, steps); 1 where it fires already.

    The condition must hold for `needed` steps in a row. By paths, or, where no path meets it (`==`, or whole numbers
    that hardly vary, such as 0 and 1), by how often it began and stayed so far. NaN where there is no forecast.
    """
    whole = runs.broken == 0
    jumps = whole & (np.median(ahead.up + ahead.down, axis=1) < 2.0 * FINE) | condition.exact
    fired = np.where(runs.lasting >= needed, 1.0, 0.0)[:, None].repeat(len(ahead.steps), axis=1)
    fired[~np.isfinite(ahead.mean).all(axis=1)] = np.nan
    lowest, highest = ahead.reach()
    possible = (fired[:, 0] == 0.0) & (jumps | condition.possible(lowest - 0.5 * whole, highest + 0.5 * whole))
    for rows in chunks(np.flatnonzero(possible & ~jumps)):
        values = paths(ahead.of_rows(rows), errors.of_rows(rows), drawn.normal)
        beyond = (condition.met(_rounded(column, whole[rows])) for column in values)
        fired[rows] = _shares(beyond, ahead, runs.lasting[rows], needed)
    for rows in chunks(np.flatnonzero(possible & jumps)):
        met = _jumping(runs.chances()[:, rows], ahead, runs.lasting[rows] > 0, drawn.uniform)
        fired[rows] = _shares(met, ahead, runs.lasting[rows], needed)
    return fired


def _rounded(values: Singles, whole: Bools) -> Singles:
    if not whole.any():
        return values
    rounded: Singles = np.where(whole[:, None], np.rint(values), values)
    return rounded


def _jumping(chances: Floats, ahead: Ahead, now: Bools, drawn: Singles) -> Iterator[Bools]:
    """Whether the condition holds on each path, step by step, (series, draws): a Markov chain of two states."""
    holds, before = np.repeat(now[:, None], drawn.shape[-1], axis=1), 0
    begins, stays = chances[BEGINNING][:, None], chances[STAYING][:, None]
    usual = begins / np.maximum(begins + 1.0 - stays, 1e-12)
    for row, step in zip(drawn, ahead.steps.tolist(), strict=False):
        kept = np.maximum(stays - begins, 0.0) ** (step - before)
        holds = row < np.where(holds, usual + (1.0 - usual) * kept, usual * (1.0 - kept))
        before = step
        yield holds


def _shares(met: Iterable[Bools], ahead: Ahead, lasting: Floats, needed: float) -> Floats:
    """The share of paths that have fired by each step, (series, steps)."""
    shares, before = np.empty((len(lasting), len(ahead.steps))), 0
    runs, fired = lasting[:, None].astype(np.float32), np.zeros((len(lasting), 1), np.bool_)
    for column, (holds, step) in enumerate(zip(met, ahead.steps.tolist(), strict=True)):
        runs = (runs + np.float32(step - before)) * holds
        fired = fired | (runs >= needed)
        shares[:, column] = np.count_nonzero(fired, axis=1) / fired.shape[1]
        before = step
    return shares
