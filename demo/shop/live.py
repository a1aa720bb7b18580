"""The shop as it is now: each scrape of a target makes up what has happened there since the one before."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from demo.shop.faults import LONGEST_FALL_SECONDS, MENDED_BY_RESTART, Fault
from demo.shop.series import Series
from demo.shop.simulation import Stretch
from demo.shop.targets import TARGETS, Target
from demo.shop.text import exposition

FRESH_SECONDS = 600.0  # a busy machine takes its time to make blocks of the past

Key = tuple[str, str, tuple[tuple[str, str], ...]]


class Shop:
    """Totals of every series, and what is wrong since when."""

    def __init__(self, now: Callable[[], float], rng: np.random.Generator) -> None:
        self.now = now
        self._rng = rng
        self._made_up_to = {target.page: now() for target in TARGETS}
        self._totals: dict[str, dict[Key, float]] = {target.page: {} for target in TARGETS}
        self._faults: list[Fault] = []
        self.restarts: Counter[str] = Counter()
        self.standby: set[str] = set()  # services that a second copy answers for

    @property
    def faults(self) -> dict[str, float]:
        """What is wrong, and since which Unix time."""
        return {fault.name: fault.begin for fault in self._faults if math.isinf(fault.end)}

    def go_on(self, file: Path) -> None:
        """Takes over the totals with which the past ended, so that no counter goes back.

        Long after, Prometheus has seen more than they tell; then the shop begins at 0, like any service that restarts.
        """
        past = json.loads(file.read_text(encoding="utf-8"))
        if self.now() - past["at"] > FRESH_SECONDS:
            return
        for page, totals in past["totals"].items():
            self._made_up_to[page] = past["at"]
            self._totals[page] = {
                (name, suffix, tuple((key, text) for key, text in labels)): value
                for name, suffix, labels, value in totals
            }

    def begin(self, fault: str, since: float | None = None) -> None:
        """From now on this is wrong, or has been since a Unix time."""
        if fault not in self.faults:
            self._faults.append(Fault(fault, self.now() if since is None else since))

    def end(self, fault: str) -> None:
        """From now on this is well again; what takes its time to recover does so."""
        now = self.now()
        ended = [Fault(one.name, one.begin, min(one.end, now)) if one.name == fault else one for one in self._faults]
        self._faults = [one for one in ended if now - one.end <= LONGEST_FALL_SECONDS]

    def restart(self, service: str) -> None:
        """It begins anew, and so does what was only stuck in it."""
        self.restarts[service] += 1
        for fault, whose in MENDED_BY_RESTART.items():
            if whose == service:
                self.end(fault)

    def exposition(self, target: Target) -> str:
        """A target's metrics as Prometheus reads them."""
        now = self.now()
        seconds = now - self._made_up_to[target.page]
        self._made_up_to[target.page] = now
        stretch = Stretch(np.array([now]), np.array([max(seconds, 0.0)]), self._rng, tuple(self._faults))
        values = {
            series: self._total(target, series, float(np.ravel(value)[0]))
            for part in target.parts
            for series, value in part.make(stretch)
        }
        silent = target.dies_of and stretch.wrong(target.dies_of)[0] > 0
        return "" if silent else exposition(values)

    def _total(self, target: Target, series: Series, value: float) -> float:
        if not series.family.adds:
            return value
        totals, key = self._totals[target.page], (series.family.name, series.suffix, series.labels)
        totals[key] = totals.get(key, 0.0) + value
        return totals[key]
