"""The generic webhook's signature, as a far side checks it."""

from __future__ import annotations

import hashlib
import hmac
import re
from pathlib import Path

import pytest

from receiver.notify.channel import close
from tests.receiver.notify.cases.case import PAGE, Far, Heard, build, http, secret_file

SNIPPET = re.compile(r"```python\n(.*?)```", re.DOTALL)
PAGE_OF_DOCS = Path(__file__).parents[3] / "docs/reference/channels/webhook.md"


async def _heard(folder: Path, secrets: str) -> Heard:
    far = Far()
    async with http(far) as url:
        channel = build("webhook", {"url": url, "hmac_secret_file": secret_file(folder, text=secrets)})
        await channel.send(PAGE)
        await close([channel])
    return far.heard[0]


async def test_signed_over_time_and_body(tmp_path: Path) -> None:
    """The signature is the HMAC-SHA256 of the time of sending, a dot and the bytes on the wire."""
    heard = await _heard(tmp_path, "one")
    seconds = int(PAGE.sent_at.timestamp())
    right = hmac.new(b"one", b"%d.%b" % (seconds, heard.body), hashlib.sha256).hexdigest()
    assert heard.headers["Tocsin-Signature"] == f"t={seconds},v1={right}"


async def test_two_secrets_while_rotating(tmp_path: Path) -> None:
    """Each line of the secret's file signs, so that a far side may know the old one or the new one."""
    heard = await _heard(tmp_path, "old\n\nnew")
    single = await _heard(tmp_path, "new")
    assert heard.headers["Tocsin-Signature"].count("v1=") == 2
    assert heard.headers["Tocsin-Signature"].endswith(single.headers["Tocsin-Signature"].partition(",")[2])


@pytest.mark.parametrize(
    ("body", "later", "right"), [(b"", 0, True), (b" ", 0, False), (b"", 301, False), (b"", -301, False)]
)
async def test_the_docs_verify_it(tmp_path: Path, body: bytes, later: int, right: bool) -> None:
    """The ten lines in the docs take what we sent, and neither another body nor an old one."""
    heard = await _heard(tmp_path, "old\nnew")
    found = SNIPPET.search(PAGE_OF_DOCS.read_text())
    assert found is not None
    names: dict[str, object] = {}
    exec(found[1], names)
    verify = names["verify"]
    assert callable(verify)
    now = PAGE.sent_at.timestamp() + later
    assert verify(heard.headers["Tocsin-Signature"], heard.body + body, b"new", now) is right
