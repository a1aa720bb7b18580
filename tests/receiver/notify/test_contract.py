"""One contract for every kind of channel, over the real client libraries, against servers on loopback."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
import trustme
from msgspec import structs

from receiver.notify.channel import Channel, ChannelRefused, ChannelUnavailable, close
from receiver.notify.channels import KINDS
from tests.receiver.notify import cases
from tests.receiver.notify.cases.case import PAGE, SECRET, Case, Far, http, with_text
from tests.receiver.notify.test_run_message import about
from tests.receiver.runs import PLAN, story

MODULES = [import_module(f"{cases.__name__}.{module.name}") for module in iter_modules(cases.__path__)]
CASES: dict[str, Case] = {module.CASE.kind: module.CASE for module in MODULES if hasattr(module, "CASE")}
each = pytest.mark.parametrize("case", CASES.values(), ids=CASES)

HOSTILE = [
    "<!channel> <!here> <@U123> @everyone @here @channel",
    "x\r\nBcc: eve@example.net\r\n\r\nbody",
    "[click](https://evil.example) <a href='https://evil.example'>here</a> <https://evil.example|bank>",
    "\u202egnp.exe\u2066 \u200f \x00 \x1b[31m \x07",
    "{{ 7 * 7 }} {% for x in range(10) %}{% endfor %} ${HOME}",
    "</Say><Dial>+15005550001</Dial> &amp; \ud83d",
    "long " * 20_000,
]


@asynccontextmanager
async def channel_to(case: Case, far: Far, folder: Path) -> AsyncIterator[Channel]:
    async with case.server(far) as url:
        channel = case.make(url, folder)
        try:
            yield channel
        finally:
            await close([channel])


async def _fails(channel: Channel, case: Case, kind: type[Exception]) -> Exception:
    """What a message comes to; it tells no secret."""
    with pytest.raises(kind) as caught:
        await channel.send(case.envelope)
    assert SECRET not in f"{caught.value} {caught.value!r} {channel!r} {vars(channel)!r}"
    return caught.value


def test_every_kind_is_under_contract() -> None:
    """Every kind of channel has a case; e-mail, which is not HTTP, has tests of its own."""
    assert CASES.keys() == KINDS.keys() - {"email"}


@each
async def test_delivers_under_a_stable_key(case: Case, tmp_path: Path) -> None:
    """A message arrives once for each call, and a repeat can be recognised by whatever the far side goes by."""
    far = Far()
    async with channel_to(case, far, tmp_path) as channel:
        await channel.send(case.envelope)
        await channel.send(case.envelope)
    assert len(far.heard) == 2
    assert case.key_of(far.heard[0]) == case.key_of(far.heard[1]) != ""
    assert "PlayerErrors is up" in case.told(far.heard[0])


@each
async def test_says_whether_again_helps(case: Case, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Each status is either worth another try or final; redirects are followed nowhere; no secret is told."""
    caplog.set_level(logging.INFO)
    far = Far(headers={"Retry-After": "7"})
    async with channel_to(case, far, tmp_path) as channel:
        for far.status in case.again:
            error = await _fails(channel, case, ChannelUnavailable)
            assert isinstance(error, ChannelUnavailable)
            assert error.after_seconds == (7 if case.retry_after else None), far.status
        for far.status in case.refused:
            await _fails(channel, case, ChannelRefused)
    assert len(far.heard) == len(case.again) + len(case.refused)  # and each was tried once
    assert SECRET not in caplog.text


@each
async def test_accepted_and_never_answered(case: Case, tmp_path: Path) -> None:
    """The far side has it and says nothing: doubt means again."""
    far = Far(stays_silent=True)
    async with channel_to(case, far, tmp_path) as channel:
        await _fails(channel, case, ChannelUnavailable)
        far.woken.set()
    assert len(far.heard) == 1


@each
async def test_connection_reset(case: Case, tmp_path: Path) -> None:
    """The connection breaks before an answer: again, when the outbox says so, and not at once by itself."""
    far = Far(resets=True)
    async with channel_to(case, far, tmp_path) as channel:
        await _fails(channel, case, ChannelUnavailable)
    assert len(far.heard) == 1


@each
@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://nowhere.invalid"], ids=["closed", "no such name"])
async def test_nobody_there(case: Case, url: str, tmp_path: Path) -> None:
    """No connection, or no such name: again."""
    async with case.server(Far()):
        channel = case.make(url, tmp_path)
        await _fails(channel, case, ChannelUnavailable)
        await close([channel])


@each
async def test_unknown_authority(case: Case, tmp_path: Path) -> None:
    """A certificate that nobody vouches for: nothing is sent, and it comes again once that is mended."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    far = Far()
    async with case.server(Far()), http(far, tls=context) as url:
        channel = case.make(url, tmp_path)
        await _fails(channel, case, ChannelUnavailable)
        await close([channel])
    assert not far.heard


@each
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12])
async def test_hostile_text(case: Case, text: str, tmp_path: Path) -> None:
    """What an alert says stays text: it goes out, harmless and bounded."""
    far = Far()
    async with channel_to(case, far, tmp_path) as channel:
        await channel.send(with_text(case.envelope, text))
    told = case.told(far.heard[0])
    if not case.data:
        assert not any(char in told for char in "\x00\x1b\x07\u202e\u2066")
        assert len(far.heard[0].body) < 100_000
    assert "\r" not in told
    assert "<Dial>" not in told or case.kind != "call"
    assert "49 " not in told


@each
@pytest.mark.parametrize("kind", ["approval", "remediation"])
async def test_tells_of_runs(case: Case, kind: str, tmp_path: Path) -> None:
    """A question whether a runbook may run, and what one has done, go out whole, and what they name stays text."""
    hostile = structs.replace(PLAN, target="shop/<Dial>\r\nBcc: eve@example.net\x00")
    for plan in (PLAN, hostile):
        names = () if kind == "approval" else ("approved", "started", "is failed")
        about_it = about(kind, [*story(*names, plan=plan)], to=case.envelope.to, reference="k3f9x2abcd")
        far = Far()
        async with channel_to(case, far, tmp_path) as channel:
            await channel.send(about_it)
        told = case.told(far.heard[0])
        assert "restart-deployment" in told
        assert "shop/" in told
        assert "\r" not in told
        assert "<Dial>" not in told or case.kind != "call"
        assert case.data or "\x00" not in told


@each
@pytest.mark.parametrize("alerts", [0, 20_000])
async def test_any_number_of_alerts(case: Case, alerts: int, tmp_path: Path) -> None:
    """An incident without alerts is told of, and so is one with very many."""
    incident = structs.replace(PAGE.incident, alerts=alerts, firing=alerts)
    envelope = replace(case.envelope, incident=incident, alerts=list(PAGE.alerts) * min(alerts, 10))
    far = Far()
    async with channel_to(case, far, tmp_path) as channel:
        await channel.send(envelope)
    assert "PlayerErrors is up" in case.told(far.heard[0])
