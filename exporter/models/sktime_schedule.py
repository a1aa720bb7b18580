"""When each series is learned by an sktime forecaster: asked for elsewhere, taken when it is done."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exporter.fitting import Workers
from exporter.frame import Floats
from exporter.models.sktime_state import Asked, SktimeState
from exporter.models.sktime_work import Spec, Work, learn
from tocsin.model import Labels

FEWEST = 24  # values that are worth a fit; another when there are twice as many
COARSE_SECONDS = 300.0  # predictions far ahead are this close together
DENSE = 720  # leads at most, one a step; beyond that coarse


@dataclass(frozen=True, slots=True)
class Plan:
    """When an sktime forecaster learns: all in seconds."""

    step: float
    window: float = 3 * 86_400.0  # of values that a fit sees
    refit: float = 86_400.0  # from fit to fit
    update: float = 3_600.0  # from update to update
    longest: float = 0.0  # the furthest horizon
    patience: float = 30.0  # that the first fits are waited for; later ones come when they come

    @property
    def columns(self) -> int:
        return max(2 * FEWEST, round(self.window / self.step))

    @property
    def leads(self) -> NDArray[np.int64]:
        """The steps ahead that are predicted."""
        dense = min(DENSE, max(2, round(2 * self.update / self.step)))
        stride = max(1, round(COARSE_SECONDS / self.step))
        furthest = max(dense, round((self.longest + 2 * self.refit) / self.step)) + stride
        return np.unique(np.r_[1 : dense + 1, stride:furthest:stride]).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Fits:
    """Has the rows of a state learned as a plan wants it.

    `tell` hears of each fit: its outcome (`done`, `updated`, `failed`), and the message of what failed.
    """

    spec: Spec
    plan: Plan
    workers: Workers
    tell: Callable[[str, str], None]
    leads: NDArray[np.int64]

    def due(self, state: SktimeState, phases: Floats) -> Iterator[tuple[int, bool]]:
        """The rows that are to be learned now, and whether anew; those that have waited longest come first."""
        paths, early = state.paths, 1.0 - 0.5 * phases
        idle = np.array([asked is None for asked in state.asked], dtype=np.bool_)
        teachable = np.array([known is not None for known in state.known], dtype=np.bool_)
        waited = state.last - np.where(np.isnan(paths.asked), -np.inf, paths.asked)
        grown = (state.seen >= 2.0 * paths.learned) & (paths.learned < self.plan.columns / 2.0)
        old = ~(state.last - paths.fitted < self.plan.refit * early) & (waited >= self.plan.update)
        anew = (state.seen >= FEWEST) & (grown | old)
        due = np.flatnonzero(idle & (anew | (teachable & (waited >= self.plan.update * early))))
        for row in due[np.argsort(-waited[due], kind="stable")].tolist():
            yield row, bool(anew[row] or not teachable[row])

    def ask(self, state: SktimeState, due: Iterator[tuple[int, bool]]) -> None:
        """Has rows learned elsewhere, as many as there is room for."""
        while self.workers.room() and (found := next(due, None)) is not None:
            row, anew = found
            values, paths = state.recent(row), state.paths
            if not anew:
                values = values[-round((state.last - paths.at[row]) / state.step) :]
            start = state.last - (len(values) - 1) * state.step
            known = None if anew else state.known[row]
            work = Work(self.spec, values, start, state.step, self.leads, known)
            state.asked[row] = Asked(self.workers.submit(learn, work), state.last, anew)
            paths.asked[row] = state.last
            if anew:
                paths.learned[row] = np.isfinite(values).sum()

    def collect(self, state: SktimeState) -> None:
        """Takes what is done."""
        for row, asked in enumerate(state.asked):
            if asked is None or not asked.future.done():
                continue
            state.asked[row] = None
            error = asked.future.exception()
            if error is not None:
                state.known[row] = None
                self.tell("failed", f"{type(error).__name__}: {error}")
                continue
            path = asked.future.result()
            paths, usable = state.paths, np.isfinite(path.mean).all()
            if not usable:
                self.tell("failed", "it predicts what is no number")
            else:
                self.tell("done" if asked.anew else "updated", "")
                paths.mean[:, row], paths.half[:, row], paths.at[row] = path.mean, path.half, asked.when
                paths.fitted[row] = asked.when if asked.anew else paths.fitted[row]
                state.errors.bias[row] = 0.0
                state.known[row] = path.known

    def wait(self, state: SktimeState, labels: Sequence[Labels]) -> None:
        """Fits all that is due, as far as patience goes."""
        until, due = time.monotonic() + self.plan.patience, self.due(state, np.zeros(len(labels)))
        self.ask(state, due)
        while (left := until - time.monotonic()) > 0:
            futures = [asked.future for asked in state.asked if asked is not None]
            if not futures:
                return
            wait(futures, timeout=left, return_when=FIRST_COMPLETED)
            self.collect(state)
            self.ask(state, due)


def phases(labels: Sequence[Labels]) -> Floats:
    """A number from 0 to 1 for each series, always the same: so that not all are fitted in the same minute."""
    return np.array([zlib.crc32(repr(sorted(one.items())).encode()) / 2**32 for one in labels])
