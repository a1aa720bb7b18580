"""What Prometheus would have told of the rules that it evaluates: each group's time, rules and failures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from grafana.source.world.samples import Samples
from grafana.source.world.stack_story import PROMETHEUS
from tocsin import duration

STEP = 60
RULE_SECONDS = 0.0012  # what one rule costs, the median


@dataclass(frozen=True, slots=True)
class Group:
    """A group of rules as Prometheus names it, `FILE;GROUP`."""

    name: str
    rules: int
    interval_seconds: float


def groups(folder: Path) -> list[Group]:
    """The groups of the rule files in a folder."""
    return [
        Group(
            f"rules/{file.name};{group['name']}",
            len(group["rules"]),
            duration.parse(group.get("interval", "1m")).total_seconds(),
        )
        for file in sorted(folder.glob("*.yml"))
        for group in yaml.safe_load(file.read_text(encoding="utf-8")).get("groups") or ()
    ]


def tell(samples: Samples, start: float, end: float, groups: Iterable[Group], seed: int = 9) -> None:
    """Every minute from start to end."""
    rng = np.random.default_rng(seed)
    for group in groups:
        labels = {**PROMETHEUS, "rule_group": group.name}
        cost = RULE_SECONDS * group.rules * rng.lognormal(0, 0.8)
        for now in np.arange(start, end, STEP).tolist():
            took = cost * rng.lognormal(0, 0.2)
            samples.add("prometheus_rule_group_last_duration_seconds", labels, now, took)
            samples.add("prometheus_rule_group_interval_seconds", labels, now, group.interval_seconds)
            samples.add("prometheus_rule_group_rules", labels, now, group.rules)
            samples.add("prometheus_rule_group_last_evaluation_samples", labels, now, 2 * group.rules)
            samples.add("prometheus_rule_evaluation_failures_total", labels, now, 0)
            samples.add("prometheus_rule_group_iterations_missed_total", labels, now, 0)
