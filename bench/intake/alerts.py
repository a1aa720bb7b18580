"""Alerts for a benchmark, and the bodies that tell of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

START = datetime.now(UTC).isoformat()


def alerts(numbers: range) -> list[dict[str, Any]]:
    """Alerts that differ in every way that real ones do."""
    return [
        {
            "labels": {
                "alertname": f"Bench{n % 50}",
                "severity": "warning",
                "instance": f"host-{n}:9100",
                "job": "node",
            },
            "annotations": {"summary": f"host-{n} is unwell", "description": "It was well a minute ago."},
            "startsAt": START,
        }
        for n in numbers
    ]


def bodies(wanted: Sequence[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    return (list(wanted[start : start + size]) for start in range(0, len(wanted), size))


def for_receiver(batch: list[dict[str, Any]]) -> bytes:
    """A webhook body: one group, whose key is its first instance."""
    firing = [alert | {"status": "firing", "endsAt": "0001-01-01T00:00:00Z"} for alert in batch]
    return json.dumps({"version": "4", "groupKey": batch[0]["labels"]["instance"], "alerts": firing}).encode()


def for_alertmanager(batch: list[dict[str, Any]]) -> bytes:
    return json.dumps(batch).encode()


def receiver_bodies(numbers: range, size: int) -> list[bytes]:
    return [for_receiver(batch) for batch in bodies(alerts(numbers), size)]
