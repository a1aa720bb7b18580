"""Twilio's text messages under contract, by Twilio's library."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs

from receiver.notify.channel import Channel
from tests.receiver.notify.cases.case import Case, Far, Heard, build, http, secret_file

ACCOUNT = "AC" + "0" * 32
SID = "SM" + "1" * 32


@asynccontextmanager
async def server(far: Far) -> AsyncIterator[str]:
    """Twilio's REST API: a form in, a resource with its SID out."""
    async with http(far, lambda heard: json.dumps({"sid": SID, "status": "queued"}).encode()) as url:
        yield url


def _make(url: str, folder: Path) -> Channel:
    sender = {"account_sid": ACCOUNT, "auth_token_file": secret_file(folder), "from": "+15005550006"}
    return build("sms", sender | {"url": url, "timeout": "500ms", "replies": True})


def form(heard: Heard) -> dict[str, str]:
    """What was posted."""
    return {name: values[0] for name, values in parse_qs(heard.body.decode()).items()}


def _key(heard: Heard) -> str:
    """Twilio recognises nothing; but what it calls back names the message."""
    return form(heard)["StatusCallback"]


CASE = Case("sms", server, _make, _key, lambda heard: form(heard)["Body"])
