"""The generic webhook under contract."""

from __future__ import annotations

from pathlib import Path

from receiver.notify.channel import Channel
from tests.receiver.notify.cases.case import Case, Heard, build, http, secret_file


def _make(url: str, folder: Path) -> Channel:
    settings = {"url": f"{url}/hook", "hmac_secret_file": secret_file(folder), "timeout": "500ms"}
    return build("webhook", settings)


def _key(heard: Heard) -> str:
    return heard.headers["Idempotency-Key"]


CASE = Case("webhook", http, _make, _key, lambda heard: heard.body.decode(), data=True)
