"""What the tests of suppression share: a receiver that pages alice, and what it told and held back."""

from __future__ import annotations

import re
from typing import Any

from receiver.config import ReceiverConfig
from tests.receiver.harness import Harness, escalation

ONE_STEP = ("0s", ("alice",))
PAGE = "page/0/alice"
OVER = "resolved/alice"

WINDOW = {"name": "upgrade", "matchers": ['service="db"'], "from": "2026-11-21T02:00:00", "to": "2026-11-21T04:00:00"}
DB: dict[str, Any] = {"service": "db"}


def config(**extra: Any) -> ReceiverConfig:
    return escalation(ONE_STEP, **extra)


def told(tocsin: Harness) -> list[str]:
    """What alice was told, in order; that an incident had been reopened does not matter here."""
    return [re.sub(r"/\d+$", "", key) for key in tocsin.phones["alice"].keys]


async def held(tocsin: Harness) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await tocsin.get("/api/v1/alerts?suppressed=true"))["items"]
    return items


async def timeline(tocsin: Harness, incident: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = (await tocsin.get(f"/api/v1/incidents/{incident}"))["timeline"]
    return events
