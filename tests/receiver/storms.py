"""Storms that tests play: bodies at times, drawn from a seed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.receiver.bodies import START, alert, body

STEP = 10  # seconds between two moments at which bodies may come
SERVICES = ("player", "api", "cart", "db", "mail")

CONFIG: dict[str, Any] = {
    "topology": {"edges": {"player": ["api"], "api": ["cart", "db"], "cart": ["db"]}},
    "correlation": {"settle": "0s"},
    "inhibition": {"severity": "critical", "settle": "1m"},
    "flapping": {"changes": 4, "within": "10m", "calm": "2m"},
    "minimum": [{"matchers": 'service="mail"', "age": "3m", "occurrences": 3}],
    "maintenance": [
        {
            "name": "upgrade",
            "matchers": 'service="cart"',
            "from": "2026-11-21T03:05:00",
            "to": "2026-11-21T03:12:00",
        }
    ],
    "heartbeats": {"prometheus": {"within": "4m"}},
    "reopen_within": "3m",
}

Moments = Sequence[tuple[int, bytes]]  # seconds after START, and a body


def storm(seed: int, minutes: int = 20) -> Moments:
    """Alerts of a few services that come, repeat and go; a Watchdog that is silent for a while; a body of nonsense."""
    return list(_bodies(random.Random(seed), minutes * 60))


def _bodies(chance: random.Random, end: int) -> Iterator[tuple[int, bytes]]:
    firing: dict[tuple[str, str], int] = {}
    nonsense = chance.randrange(0, end, STEP)
    for second in range(0, end, STEP):
        if second == nonsense:
            yield second, b'{"alerts": "none"}'
        if second % 60 == 0 and not 600 <= second < 1000:
            yield second, body(_alert("Watchdog", "none", 0), group="Watchdog")
        for _ in range(chance.choice((0, 0, 1, 2))):
            service = chance.choice(SERVICES)
            yield second, body(*_told(chance, service, second, firing), group=service)


def _told(
    chance: random.Random, service: str, second: int, firing: dict[tuple[str, str], int]
) -> Iterator[dict[str, Any]]:
    for name in chance.sample(("Errors", "Slow", "Down"), chance.randint(1, 3)):
        since = firing.get((service, name))
        if since is not None and chance.random() < 0.6:
            del firing[service, name]
            yield _alert(name, service, since, end=second)
        else:
            since = firing.setdefault((service, name), second - chance.choice((0, 10, 30)))
            yield _alert(name, service, since)


def _alert(name: str, service: str, start: int, end: int | None = None) -> dict[str, Any]:
    severity = "critical" if name == "Down" else "warning"
    labels = {"service": service, "severity": severity}
    return alert(name, start=start, end=end, **labels) | {"fingerprint": f"{name}/{service}"}


def write(file: Path, moments: Moments) -> Path:
    """The storm as a file of lines."""
    lines = [
        {"at": (START + timedelta(seconds=second)).isoformat(), "body": json.loads(content)}
        for second, content in moments
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file
