"""PagerDuty under contract, by pdpyras."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from receiver.notify.channel import Channel
from tests.receiver.notify.cases.case import Case, Far, Heard, build, http, secret_file


@asynccontextmanager
async def server(far: Far) -> AsyncIterator[str]:
    """The Events API: a routing key, an action, a deduplication key."""

    def answer(heard: Heard) -> bytes:
        event = json.loads(heard.body)
        key = event.get("dedup_key", "")
        return json.dumps({"status": "success", "message": "Event processed", "dedup_key": key}).encode()

    async with http(far, answer) as url:
        yield url


def _make(url: str, folder: Path) -> Channel:
    return build("pagerduty", {"routing_key_file": secret_file(folder), "url": url, "timeout": "500ms"})


def _told(heard: Heard) -> str:
    return json.dumps(json.loads(heard.body).get("payload"), ensure_ascii=False)


CASE = Case("pagerduty", server, _make, lambda heard: json.loads(heard.body)["dedup_key"], _told)
