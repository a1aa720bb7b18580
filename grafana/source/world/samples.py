"""Samples of metrics over time, and OpenMetrics of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry

Name = tuple[str, tuple[tuple[str, str], ...]]  # of a series: its metric, and its labels


class Samples:
    """What scrapes brought: for each series its values, and the Unix times of them."""

    def __init__(self) -> None:
        self._found: dict[Name, list[tuple[float, float]]] = {}

    def add(self, metric: str, labels: Mapping[str, str], time: float, value: float) -> None:
        """One sample; those of a series come in the order of their times."""
        self._found.setdefault((metric, tuple(sorted(labels.items()))), []).append((time, value))

    def scrape(self, registry: CollectorRegistry, target: Mapping[str, str], time: float) -> None:
        """All that a registry tells, as Prometheus keeps it of a target with these labels."""
        for family in registry.collect():
            for sample in family.samples:
                if not sample.name.endswith("_created"):
                    self.add(sample.name, {**target, **sample.labels}, time, sample.value)

    def write(self, file: Path) -> None:
        """As OpenMetrics that promtool makes blocks of."""
        with file.open("w", encoding="utf-8") as out:
            for (metric, labels), points in sorted(self._found.items()):
                written = ",".join(f'{name}="{value}"' for name, value in labels)
                head = f"{metric}{{{written}}} "
                out.writelines(f"{head}{value:.10g} {time:.3f}\n" for time, value in points)
            out.write("# EOF\n")
