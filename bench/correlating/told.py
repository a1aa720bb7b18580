"""What the bodies of a recorded storm tell of each occurrence: all that a correlator may know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bench.storm.storm import Occurrence


@dataclass(slots=True)
class Told:
    """One occurrence; times are Unix seconds, `ends_at` is infinite while nothing told of its end."""

    key: Occurrence
    labels: Mapping[str, str]
    group: str
    starts_at: float
    ends_at: float = field(default=float("inf"))


def read(lines: Path) -> tuple[list[Told], int]:
    """The occurrences by start, and how many alerts all bodies name, repeats included."""
    found: dict[Occurrence, Told] = {}
    count = 0
    for line in lines.read_text(encoding="utf-8").splitlines():
        body = json.loads(line)["body"]
        for alert in body["alerts"]:
            count += 1
            key = alert["fingerprint"], alert["startsAt"]
            if key not in found:
                found[key] = Told(key, alert["labels"], body["groupKey"], _seconds(alert["startsAt"]))
            if alert["status"] == "resolved":
                found[key].ends_at = _seconds(alert["endsAt"])
    return sorted(found.values(), key=lambda one: (one.starts_at, one.key)), count


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
