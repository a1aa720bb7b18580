"""Webhook bodies as Alertmanager writes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
GO_ZERO = "0001-01-01T00:00:00Z"


def alert(name: str = "PlayerErrors", *, start: float = 0, end: float | None = None, **labels: str) -> dict[str, Any]:
    """One alert; `start` and `end` are seconds after START."""
    return {
        "status": "firing" if end is None else "resolved",
        "labels": {"alertname": name, "severity": "critical"} | labels,
        "annotations": {
            "summary": f"{name} is up",
            "description": "Listeners hear nothing.",
            "runbook_url": "https://x/y",
        },
        "startsAt": _time(start),
        "endsAt": GO_ZERO if end is None else _time(end),
        "generatorURL": "http://prometheus/graph",
        "fingerprint": "0123456789abcdef",
    }


def body(*alerts: dict[str, Any], group: str = "PlayerErrors", **extra: Any) -> bytes:
    """One v4 body of a group."""
    firing = any(one["status"] == "firing" for one in alerts)
    whole = {
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{group}"}}',
        "truncatedAlerts": 0,
        "receiver": "tocsin",
        "status": "firing" if firing else "resolved",
        "groupLabels": {"alertname": group},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "alerts": list(alerts),
    }
    return json.dumps(whole | extra).encode()


def _time(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
