"""Twilio's calls under contract, by Twilio's library."""

from __future__ import annotations

from pathlib import Path

from receiver.notify.channel import Channel
from tests.receiver.notify.cases.case import Case, build, secret_file
from tests.receiver.notify.cases.sms import ACCOUNT, form, server


def _make(url: str, folder: Path) -> Channel:
    sender = {"account_sid": ACCOUNT, "auth_token_file": secret_file(folder), "from": "+15005550006"}
    return build("call", sender | {"url": url, "timeout": "500ms"})


CASE = Case("call", server, _make, lambda heard: form(heard)["StatusCallback"], lambda heard: form(heard)["Twiml"])
