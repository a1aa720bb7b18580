"""Slack under contract, by slack-sdk against a server that answers as Slack's Web API does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from receiver.notify.channel import Channel
from tests.receiver.notify.cases.case import SECRET, Case, Far, Heard, build, http, secret_file, to
from tests.receiver.notify.slack_far import dump

POSTED = json.dumps({"ok": True, "channel": "D024BE91L", "ts": "1700000000.000100"}).encode()


@asynccontextmanager
async def server(far: Far) -> AsyncIterator[str]:
    """The Web API's address."""
    far.headers = {"Content-Type": "application/json"} | far.headers
    async with http(far, lambda heard: POSTED) as url:
        yield f"{url}/api/"


def make(url: str, folder: Path) -> Channel:
    file = secret_file(folder, "bot", f"xoxb-{SECRET}")
    return build("slack", {"bot_token_file": file, "api_url": url, "timeout": "500ms"})


def _key(heard: Heard) -> str:
    key: str = json.loads(heard.body)["metadata"]["event_payload"]["key"]
    return key


def _told(heard: Heard) -> str:
    said = json.loads(heard.body)
    return f"{said['text']}\n{dump(said['blocks'])}"


CASE = Case("slack", server, make, _key, _told, envelope=to("U024ALICE"))
