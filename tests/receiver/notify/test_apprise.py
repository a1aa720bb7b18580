"""apprise says yes or no, and not why."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from receiver.notify.channel import ChannelRefused, ChannelUnavailable, close
from tests.receiver.notify.cases.case import PAGE, Far, build, http, secret_file, to, with_text


@pytest.mark.parametrize(("attempt", "kind"), [(1, ChannelUnavailable), (2, ChannelRefused), (3, ChannelRefused)])
async def test_no_is_tried_a_few_times(attempt: int, kind: type[Exception], tmp_path: Path) -> None:
    """A no comes again, a bounded number of times for each message."""
    async with http(Far(status=500)) as url:
        file = secret_file(tmp_path, text=url.replace("http", "json"))
        channel = build("apprise", {"url_file": file, "tries": 2})
        with pytest.raises(kind):
            await channel.send(replace(PAGE, to=None, attempt=attempt))
        await close([channel])


@pytest.mark.parametrize("url", ["nonsense://x", "syslog://", "dbus://", "json://"])
async def test_urls_that_lead_nowhere(url: str) -> None:
    """A URL that apprise does not know, or that acts on this machine itself, is refused at once, and not told."""
    channel = build("apprise", {})
    with pytest.raises(ChannelRefused) as caught:
        await channel.send(to(url))
    assert url not in str(caught.value)
    await close([channel])


async def test_calls_nobody_else(tmp_path: Path) -> None:
    """Whatever would call everybody somewhere is broken up, in the title and in the text."""
    far = Far()
    async with http(far) as url:
        channel = build("apprise", {"url_file": secret_file(tmp_path, text=url.replace("http", "json"))})
        await channel.send(with_text(replace(PAGE, to=None), "<!channel> @everyone @here"))
        await close([channel])
    said = json.loads(far.heard[0].body)
    for mention in ("<!channel>", "@everyone", "@here"):
        assert mention not in said["title"] + said["message"]
    assert "\u200beveryone" in said["title"]


async def test_a_users_own_url(tmp_path: Path) -> None:
    """A user's own URL counts for what is meant for them."""
    far = Far()
    async with http(far) as url:
        channel = build("apprise", {"url_file": secret_file(tmp_path, text="json://127.0.0.1:1")})
        await channel.send(to(f"{url.replace('http', 'json')}/alice"))
        await close([channel])
    assert far.heard[0].path == "/alice"
