"""When alerts would have fired, as `tocsin rules backtest` says."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from demo.processes import TOCSIN, run


@dataclass(frozen=True, slots=True)
class Firing:
    """One alert from when it fired until it did not; `until` is None where it never ended."""

    alert: str
    severity: str
    labels: Mapping[str, str] = field(hash=False)
    start: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of alerts; those `without_data` had nothing to look at."""

    names: Sequence[str]
    firings: Sequence[Firing]
    without_data: Sequence[str]

    def __add__(self, other: Judged) -> Judged:
        return Judged(
            sorted((*self.names, *other.names)),
            sorted((*self.firings, *other.firings), key=lambda one: (one.start, one.alert)),
            sorted((*self.without_data, *other.without_data)),
        )

    @property
    def alerts(self) -> int:
        return len(self.names)

    def without(self, alerts: Container[str]) -> Judged:
        """The same as if some alerts did not exist."""
        return Judged(
            [name for name in self.names if name not in alerts],
            [firing for firing in self.firings if firing.alert not in alerts],
            [name for name in self.without_data if name not in alerts],
        )


async def judged(since: datetime, until: datetime, rules: Path, names: Iterable[str], url: str) -> Judged:
    """The alerts of these names in a folder of rule files, over some time.

    Raises:
        CommandFailed: a rule could not be judged.
    """
    out = rules.with_suffix(".json")
    span = f"--since={since.isoformat()}", f"--until={until.isoformat()}"
    how = f"--prometheus.url={url}", "--stored-records", "--evaluation-interval=1m", "--format=json", f"--output={out}"
    chosen = [f"--rule={name}" for name in names]
    await run(TOCSIN, "rules", "backtest", rules, *span, *how, *chosen)
    return read(json.loads(out.read_text(encoding="utf-8"))["rules"])


def read(rules: Sequence[Mapping[str, Any]]) -> Judged:
    """The `rules` of a backtest's JSON."""
    firings = [_firing(rule, one) for rule in rules for one in rule["firings"]]
    return Judged(
        sorted(rule["alert"] for rule in rules),
        sorted(firings, key=lambda one: (one.start, one.alert)),
        sorted({rule["alert"] for rule in rules if rule["state"] == "no_data"}),
    )


def _firing(rule: Mapping[str, Any], found: Mapping[str, Any]) -> Firing:
    until = None if found["end"] is None else datetime.fromisoformat(found["end"])
    severity = rule["labels"].get("severity", "")
    return Firing(rule["alert"], severity, _told(rule, found), datetime.fromisoformat(found["start"]), until)


def _told(rule: Mapping[str, Any], firing: Mapping[str, Any]) -> Mapping[str, str]:
    """The labels that tell one alert of a rule from another."""
    static = {"alertname", *rule["labels"]}
    return {name: value for name, value in firing["labels"].items() if name not in static}
