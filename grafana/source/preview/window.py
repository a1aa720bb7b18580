"""The time a dashboard shows, and what Grafana makes of it: steps, and what rates are counted over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tocsin import duration

PIXELS = 1600
COLUMNS = 24
STEPS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` to `end` in Unix seconds; `now` lies between them, or at the end."""

    start: float
    end: float
    now: float
    scrape_seconds: float

    def of_panel(self, panel: Mapping[str, Any]) -> Window:
        """The time that a panel shows: its own where it has one, until now."""
        since = panel.get("timeFrom")
        return replace(self, start=self.now - seconds(since), end=self.now) if since else self

    def step(self, columns: int) -> float:
        """Seconds from one point to the next, in a panel of so many columns: about one a pixel, a round number."""
        wanted = max((self.end - self.start) / (PIXELS * columns / COLUMNS), self.scrape_seconds)
        return float(next((step for step in STEPS if step >= wanted), STEPS[-1]))

    def variables(self, columns: int) -> dict[str, str]:
        """Grafana's own variables for a panel of so many columns (its Prometheus data source's step rules)."""
        step = self.step(columns)
        rate = max(step + self.scrape_seconds, 4 * self.scrape_seconds)
        return {
            "__rate_interval": f"{rate:.0f}s",
            "__interval": f"{step:.0f}s",
            "__range": f"{self.end - self.start:.0f}s",
        }


def window(times: Mapping[str, str], now: float, scrape_seconds: float) -> Window:
    """What a dashboard shows when it is opened at `now`: its `time`, `{"from": "now-6h", "to": "now+1h"}`."""
    return Window(_moment(times["from"], now), _moment(times["to"], now), now, scrape_seconds)


def seconds(text: str) -> float:
    """A duration as Grafana and Prometheus write it."""
    return duration.parse(text).total_seconds()


def _moment(text: str, now: float) -> float:
    found = re.fullmatch(r"now(?:([+-])(\w+))?", text)
    assert found is not None, f"a time that is not relative to now: {text}"
    sign, length = found.groups()
    return now + (seconds(length) * (1 if sign == "+" else -1) if length else 0.0)
