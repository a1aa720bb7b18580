"""Microsoft Teams under contract, against a server that takes cards as a workflow does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from receiver.notify.channel import Channel
from tests.receiver.notify.cases.case import PAGE, SECRET, Case, Far, Heard, build, http, secret_file


@asynccontextmanager
async def server(far: Far) -> AsyncIterator[str]:
    """The workflow's address."""
    async with http(far) as url:
        yield url


def make(url: str, folder: Path) -> Channel:
    return build("teams", {"url_file": secret_file(folder, "url", f"{url}/w?sig={SECRET}"), "timeout": "500ms"})


def card(heard: Heard) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(heard.body)["attachments"][0]["content"]
    return content


def told(card: dict[str, Any]) -> str:
    """The card as text."""
    return "\n".join("".join(run["text"] for run in runs) for runs in _paragraphs(card))


def _paragraphs(card: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    for element in card["body"]:
        assert element["type"] == "RichTextBlock"  # a TextBlock would read Markdown
        yield element["inlines"]


CASE = Case(
    "teams",
    server,
    make,
    lambda heard: card(heard)["fallbackText"],  # Teams recognises nothing; people do
    lambda heard: told(card(heard)),
    envelope=replace(PAGE, to=None, reason=""),
)
