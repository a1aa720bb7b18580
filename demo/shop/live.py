"""The shop as it is now: each scrape makes up what has happened since the one before."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from demo.shop.services import FAMILIES, SERVICES, Service
from demo.shop.simulation import FAILING, MENDED_BY_RESTART, Series, Stretch, happen
from demo.shop.text import exposition

FRESH_SECONDS = 300.0


class Shop:
    """Totals of every series, and what is wrong since when."""

    def __init__(self, now: Callable[[], float], rng: np.random.Generator) -> None:
        self._now = now
        self._rng = rng
        self._made_up_to = now()
        self._totals: dict[Service, dict[Series, float]] = {service: {} for service in SERVICES}
        self.faults: dict[str, float] = {}
        self.restarts: Counter[str] = Counter()
        self.standby: set[str] = set()  # services that a second copy answers for

    def go_on(self, file: Path) -> None:
        """Takes over the totals with which the past ended, so that no counter goes back.

        Long after, Prometheus has seen more than they tell; then the shop begins at 0, like any service that restarts.
        """
        past = json.loads(file.read_text(encoding="utf-8"))
        if self._now() - past["at"] > FRESH_SECONDS:
            return
        families = {family.name: family for family in FAMILIES}
        for service in SERVICES:
            for name, suffix, labels, value in past["totals"][service.instance]:
                series = Series(families[name], suffix, tuple((key, text) for key, text in labels))
                self._totals[service][series] = value
        self._made_up_to = past["at"]

    def begin(self, fault: str) -> None:
        """From now on this is wrong."""
        self._make_up()
        self.faults.setdefault(fault, self._now())

    def end(self, fault: str) -> None:
        """From now on this is well again."""
        self._make_up()
        self.faults.pop(fault, None)

    def restart(self, service: str) -> None:
        """It begins anew, and so does what was only stuck in it."""
        self.restarts[service] += 1
        for fault in MENDED_BY_RESTART & self.faults.keys():
            if FAILING[fault] == service:
                self.end(fault)

    def exposition(self, service: Service) -> str:
        """A service's metrics as Prometheus reads them."""
        self._make_up()
        return exposition(self._totals[service])

    def _make_up(self) -> None:
        now = self._now()
        seconds = now - self._made_up_to
        if seconds <= 0:
            return
        self._made_up_to = now
        stretch = Stretch(np.array([now]), seconds, self._rng, self.faults)
        for service, totals in self._totals.items():
            for series, [value] in happen(service, stretch).items():
                before = 0.0 if series.family.kind == "gauge" else totals.get(series, 0.0)
                totals[series] = before + float(value)
