"""When an alert fires: what its expression gives at each evaluation, through `for` and `keep_firing_for`.

Source: prometheus/prometheus rules/alerting.go (AlertingRule.Eval).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generator.proof.runs import Compute, Run, vector
from generator.proof.sources import Played
from generator.proof.vectors import Flags, Numbers
from generator.proof.worlds import Worlds

LOOKS = 24  # evaluations between which the first one is sought, again and again
WAVER = 1e-8  # what a value may be off, in parts of itself: sums are made in another order elsewhere


@dataclass(frozen=True, slots=True)
class Judged:
    """An alert's condition, and how long it must hold and goes on, in evaluations."""

    compute: Compute
    played: Played
    interval: float
    hold: int
    keep: int
    lag: float

    def holds(self, worlds: Worlds, times: Numbers, *, closed: bool = False, sparse: int = 1) -> Flags:
        """Where the expression gives something: (series, worlds, times)."""
        lag = 0 if closed else self.lag  # before Prometheus 2.53 there was none
        run = Run(worlds, self.played, self.interval, closed=closed, lag=lag, sparse=sparse)
        found = vector(run, times, self.compute(run, times - lag))
        return np.broadcast_to(found.present, run.shape(len(found.labels), times))

    def surely(self, worlds: Worlds, evaluations: range, *, exact: bool) -> tuple[Flags, Flags]:
        """Where it fires and where it is silent, whatever Prometheus's age: (worlds, evaluations).

        And whatever the last digit of its sums, unless values are `exact`. Before the first of the evaluations, the
        condition is taken not to hold.
        """
        wavering = () if exact else (worlds.wavering(WAVER), worlds.wavering(-WAVER))
        all_worlds = worlds.beside(*wavering)
        times = np.arange(evaluations.start, evaluations.stop) * self.interval
        fired = [
            _states(self.holds(all_worlds, times, closed=closed), self.hold, self.keep).any(axis=0)
            for closed in (False, True)
        ]
        several = np.concatenate([one.reshape(-1, worlds.count, len(evaluations)) for one in fired])
        return np.asarray(several.all(axis=0)), np.asarray(~several.any(axis=0))

    def onset(self, world: Worlds, last: int) -> int:
        """The first evaluation at which the condition holds, of a world in which it holds at the last."""
        first = -1
        while last - first > 1:
            looked = np.unique(np.linspace(first + 1, last, LOOKS).astype(np.int64))
            held = self.holds(world, looked * self.interval).any(axis=(0, 1))
            place = int(held.argmax()) if held.any() else len(looked) - 1
            first, last = (int(looked[place - 1]) if place else first), int(looked[place])
            if not place:
                break
        return last


def _states(held: Flags, hold: int, keep: int) -> Flags:
    """Firing or not, evaluation after evaluation."""
    lasted = np.zeros(held.shape[:-1], dtype=np.int64)
    firing = np.zeros(held.shape[:-1], dtype=bool)
    since = np.zeros(held.shape[:-1], dtype=np.int64)
    out = np.zeros(held.shape, dtype=bool)
    for place in range(held.shape[-1]):
        now = held[..., place]
        lasted = np.where(now, lasted + 1, 0)
        since = np.where(now, 0, since + 1)
        firing = (now & ((lasted > hold) | firing)) | (~now & firing & (since <= keep))
        out[..., place] = firing
    return out


def spells(flags: NDArray[np.bool_]) -> Sequence[tuple[int, int]]:
    """Where something holds: first place and the place after the last of each spell."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]
