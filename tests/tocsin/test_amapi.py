"""Alertmanager's API v2, as real ones speak it, and what is said of every bad answer."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
import tenacity
from aiohttp import web
from aiohttp.test_utils import TestServer
from msgspec.structs import replace

from tests.alertmanagers import alertmanager, tells
from tests.real import Binaries
from tocsin.amapi import (
    ATTEMPTS,
    Access,
    Alertmanager,
    AlertmanagerError,
    GettableAlert,
    Matcher,
    NoAnswer,
    NotAlertmanager,
    PostableSilence,
    Refused,
    from_each,
)
from tocsin.errors import ApiUnavailable, TocsinError

NOWHERE = "http://127.0.0.1:1"


@pytest.mark.real
async def test_real_alertmanager(binaries: Binaries, tmp_path: Path) -> None:
    """Both supported Alertmanagers tell who they are, what fires, for whom, and what is silenced."""
    labels = {"alertname": "DiskFull", "instance": 'a "b"\n{c}', "severity": "warning"}
    async with alertmanager(binaries, tmp_path, tells(f"{NOWHERE}/hook")) as running:
        ask = Alertmanager(running.http, f"{running.url}/")
        await running.fire(labels, {"alertname": "Quiet"})
        await running.resolve({"alertname": "Quiet"})
        status = await ask.status()
        assert timedelta() <= datetime.now(UTC) - status.uptime < timedelta(minutes=1)
        assert status.versionInfo["version"].startswith("0.")
        assert await ask.receivers() == ["tocsin"]
        (alert,) = await ask.alerts()
        assert (alert.labels, [one.name for one in alert.receivers]) == (labels, ["tocsin"])
        visited: list[GettableAlert] = []
        await ask.visit_alerts(visited.append)
        assert visited == [alert]
        assert await ask.silences() == []
        silence = await running.silence("DiskFull")
        (found,) = await ask.silences()
        assert (found.id, found.status.state, found.matchers[0].value) == (silence, "active", "DiskFull")
        (alert,) = await ask.alerts()
        assert (alert.active, alert.status.silenced_by) == (False, (silence,))


@asynccontextmanager
async def answering(status: int, text: str = "") -> AsyncIterator[tuple[Alertmanager, list[str]]]:
    """A server that answers always the same, and the `Authorization` headers that came."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Authorization", ""))
        return web.Response(status=status, text=text, headers={"Location": "/login"} if status == 302 else None)

    application = web.Application()
    application.add_routes([web.get("/{path:.*}", answer)])
    async with TestServer(application) as server, aiohttp.ClientSession() as session:
        yield Alertmanager(session, str(server.make_url("")), wait=tenacity.wait_none()), asked


@pytest.mark.parametrize(
    ("status", "text", "kind", "said", "attempts"),
    [
        (503, "upstream is away", NoAnswer, "answered HTTP 503 with 'upstream is away'", ATTEMPTS),
        (429, "", NoAnswer, "answered HTTP 429 with nothing", ATTEMPTS),
        (302, "", NotAlertmanager, "answered HTTP 302 with nothing", ATTEMPTS),
        (200, "<html>log in</html>", NotAlertmanager, "answered with '<html>log in</html>' instead", 1),
        (200, '[{"labels": 3}]', NotAlertmanager, "instead of Alertmanager's JSON: Expected", 1),
        (400, "bad matcher", Refused, r"does not take what it was sent \(HTTP 400\): 'bad matcher'", 1),
        (401, "", Refused, r"does not let us in \(HTTP 401\)", 1),
        (404, "", Refused, "is it the address of an Alertmanager", 1),
    ],
)
async def test_bad_answers(status: int, text: str, kind: type[AlertmanagerError], said: str, attempts: int) -> None:
    """Every bad answer has an error that names the server; what may pass is tried several times."""
    async with answering(status, text) as (ask, asked):
        with pytest.raises(kind, match=said) as raised:
            await ask.alerts()
    assert raised.value.reason
    assert len(asked) == attempts
    assert isinstance(raised.value, ApiUnavailable) is (kind is not Refused)


async def test_peers_are_asked_one_by_one() -> None:
    """One peer that cannot be reached does not hide what the other says."""
    async with answering(200, "[]") as (well, _), aiohttp.ClientSession() as session:
        sick = Alertmanager(session, NOWHERE, wait=tenacity.wait_none())
        answer, failure = await from_each([well, sick], Alertmanager.alerts)
    assert answer == []
    assert isinstance(failure, NoAnswer)
    assert f"{NOWHERE} cannot be reached" in str(failure)


async def test_access(tmp_path: Path) -> None:
    """A bearer token or a user with a password let us in, read anew for each request."""
    (tmp_path / "secret").write_text("s3cret\n")
    bearer, basic = Access(bearer_token_file=tmp_path / "secret"), Access(None, "tocsin", tmp_path / "secret")
    assert bearer.headers() == {"Authorization": "Bearer s3cret"}
    assert basic.headers() == {"Authorization": "Basic " + base64.b64encode(b"tocsin:s3cret").decode()}
    (tmp_path / "secret").write_text("rotated\n")
    async with answering(200, "[]") as (plain, asked), aiohttp.ClientSession() as session:
        await Alertmanager(session, plain.url, bearer).silences()
        await plain.silences()
    assert asked == ["Bearer rotated", ""]


async def test_unreadable_files(tmp_path: Path) -> None:
    """A secret or a certificate that is not there is an error that names the file, and no request."""
    for access in (Access(bearer_token_file=tmp_path / "no"), Access(ca_file=tmp_path / "no")):
        async with aiohttp.ClientSession() as session:
            with pytest.raises(TocsinError, match=f"{tmp_path}/no: "):
                await Alertmanager(session, NOWHERE, access).alerts()


@pytest.mark.real
async def test_writing_silences(binaries: Binaries, tmp_path: Path) -> None:
    """Both Alertmanagers prolong a silence under its id, make a new one of other matchers, and end it when told."""
    async with alertmanager(binaries, tmp_path, tells(f"{NOWHERE}/hook")) as running:
        ask = Alertmanager(running.http, running.url)
        now = datetime.now(UTC)
        matchers = (
            Matcher("alertname", 'D"\n{'),
            Matcher("env", "", is_equal=False),
            Matcher("n", "1|2", is_regex=True),
        )
        wanted = PostableSilence(matchers, now, now + timedelta(hours=1), "tocsin/alice", "incident 1: x")
        first = await ask.write_silence(wanted)
        (found,) = await ask.silences()
        assert (found.id, found.holds, set(found.matchers)) == (first, True, set(matchers))
        assert (found.created_by, found.comment) == ("tocsin/alice", "incident 1: x")
        longer = replace(wanted, id=first, starts_at=found.starts_at, ends_at=now + timedelta(hours=2))
        assert await ask.write_silence(longer) == first
        (found,) = await ask.silences()
        assert abs(found.ends_at - longer.ends_at) < timedelta(seconds=1)
        second = await ask.write_silence(replace(longer, starts_at=found.starts_at, matchers=matchers[:1]))
        assert second != first
        assert {one.id: one.holds for one in await ask.silences()} == {first: False, second: True}
        await ask.end_silence(second)
        over = {one.id: one for one in await ask.silences()}[second]
        assert (over.holds, over.ended_by_hand) == (False, True)
        with pytest.raises(Refused, match="HTTP 422"):
            await ask.write_silence(replace(wanted, matchers=()))
