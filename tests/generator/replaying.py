"""Backtests for tests: rules written short, series as functions of time, an hour that is looked at."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from generator.backtest.outcome import Firing, Replayed
from generator.backtest.replay import replay
from generator.foreign import compile_document
from generator.rule import Pack
from tocsin import yamltree
from tocsin.promapi import Prometheus

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
END = START + timedelta(hours=1)
MINUTE = timedelta(minutes=1)

Value = Callable[[float], float | None]
Stored = dict[str, list[tuple[Mapping[str, str], Value]]]


def rules(*items: Mapping[str, Any], **group: Any) -> Sequence[Pack]:
    """A rule file of one group; the alerts' names are A, B, …"""
    named = [{"alert": chr(ord("A") + number), **item} for number, item in enumerate(items)]
    written = [{k: v for k, v in item.items() if not (k == "alert" and "record" in item)} for item in named]
    text = json.dumps({"groups": [{"name": "g", "rules": written, **group}]})
    documents, _ = yamltree.parse(text, "rules.yml")
    return [pack for document in documents for pack in compile_document(document)[0]]


def during(*minutes: tuple[float, float]) -> Value:
    """1 from the first minute to the last of each pair, both included."""
    spans = [(START.timestamp() + 60 * first, START.timestamp() + 60 * last) for first, last in minutes]
    return lambda when: 1.0 if any(first <= when <= last for first, last in spans) else None


def always(when: float) -> float:
    return 1.0


def minutes(firings: Sequence[Firing]) -> list[tuple[float, float | None]]:
    """Their beginnings and ends in minutes after the start."""
    return [((one.start - START) / MINUTE, (one.end - START) / MINUTE if one.end else None) for one in firings]


def told(replayed: Replayed) -> list[tuple[str, str]]:
    return [(one.severity, one.message) for outcome in replayed.rules for one in outcome.problems]


async def played(packs: Sequence[Pack], server: Prometheus | None, **options: Any) -> Replayed:
    assert server is not None
    return await replay(packs, server, START, END, **{"default_interval": MINUTE, **options})


UP: Stored = {"count(up)": [({}, always)]}
