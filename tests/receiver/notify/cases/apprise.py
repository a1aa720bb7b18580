"""apprise under contract, by its own library and its `json://` service. It says yes or no, so every no comes again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from receiver.notify.channel import Channel
from tests.receiver.notify.cases.case import PAGE, SECRET, Case, Far, Heard, build, http, secret_file


@asynccontextmanager
async def server(far: Far) -> AsyncIterator[str]:
    """Where apprise's `json://` posts to."""
    async with http(far) as url:
        yield url


def _make(url: str, folder: Path) -> Channel:
    own = url.replace("http://", f"json://user:{SECRET}@").replace("https://", f"jsons://user:{SECRET}@")
    file = secret_file(folder, "url", f"{own}/hook?rto=0.5&cto=0.5")
    return build("apprise", {"url_file": file, "timeout": "500ms", "tries": 50})


def _told(heard: Heard) -> str:
    said = json.loads(heard.body)
    return f"{said['title']}\n{said['message']}"


CASE = Case(
    "apprise",
    server,
    _make,
    _told,
    _told,
    envelope=replace(PAGE, to=None),
    retry_after=False,
    again=(302, 400, 403, 429, 500, 503),
    refused=(),
)
