"""Heartbeats: signs of life that are expected of others, and the ping that is sent outside."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from receiver.engine.heartbeat import Heartbeat, hear
from receiver.engine.notification import Body
from receiver.engine.seen import Seen
from receiver.heartbeats.judging import judge
from receiver.heartbeats.ping import STUCK_AFTER, Alive
from receiver.heartbeats.settings import PingSettings
from receiver.store.probe import Probe
from receiver.store.sqlite import FILE_NAME
from tests.receiver.bodies import START, alert, body
from tests.receiver.harness import HOOK, Harness, escalation, receiver

CONFIG = escalation(("0s", ("alice",)), heartbeats={"prometheus": {}})
BEAT = Heartbeat("prometheus", "alertmanager", {"alertname": "Watchdog"}, timedelta(minutes=5))


def watchdog(**times: float) -> bytes:
    return body(alert("Watchdog", severity="none", **times), group="Watchdog")  # type: ignore[arg-type]


def minutes(count: float) -> datetime:
    return START + timedelta(minutes=count)


@pytest.mark.parametrize(
    ("fact", "heard", "settled_until", "silent", "found"),
    [
        ("just started", {}, 4.9, [], []),
        ("never heard since the start", {}, 5, [], [True]),
        ("heard in time", {"prometheus": 3}, 7.9, [], []),
        ("not heard in time", {"prometheus": 3}, 8, [], [True]),
        ("people know", {"prometheus": 3}, 20, ["prometheus"], []),
        ("back", {"prometheus": 19}, 20, ["prometheus"], [False]),
        ("people know, and nothing was heard since our start", {}, 1, ["prometheus"], []),
        ("another one is silent", {"prometheus": 3}, 4, ["other"], []),
    ],
)
def test_judge(fact: str, heard: dict[str, float], settled_until: float, silent: list[str], found: list[bool]) -> None:
    """People hear once of a silence, and once of its end."""
    times = {name: minutes(at) for name, at in heard.items()}
    findings = judge([BEAT], times, silent, started_at=START, settled_until=minutes(settled_until))
    assert [finding.silent for finding in findings] == found, fact


def test_hear() -> None:
    """Heartbeats are taken out of a body; only what fires is a sign of life, and only of its own source."""
    content = body(alert("Watchdog"), alert("Disk"), alert("Watchdog", end=60, n="2"))
    for source, rest, signs in (("alertmanager", 1, {"prometheus": 1}), ("berlin", 3, {})):
        heard = hear(Seen().decode(Body(source, START, content), "tenant"), [BEAT])
        assert (len(heard.rest.alerts), heard.signs) == (rest, signs)


async def check(tocsin: Harness, **wait: float) -> None:
    """Waits, lets the watch look, and lets everything follow."""
    tocsin.clock.advance(**wait)
    await tocsin.receiver.watching.heartbeats.check()
    await tocsin.settle()


async def test_silence_and_return(tmp_path: Path) -> None:
    """A heartbeat is no incident; its silence is one, critical, that says what it means and ends with the return."""
    async with receiver(tmp_path, CONFIG) as tocsin:
        await check(tocsin)
        for _ in range(5):
            await tocsin.post(watchdog())
            await check(tocsin, minutes=4)
        assert (await tocsin.alerts(), await tocsin.incidents()) == ([], [])
        for _ in range(3):
            await check(tocsin, minutes=1)
        (incident,) = await tocsin.incidents()
        assert (incident["severity"], incident["firing"], incident["source"]) == ("critical", 1, "tocsin")
        assert incident["title"] == "Nothing is heard of alertmanager: the heartbeat prometheus is silent"
        (silent,) = await tocsin.alerts()
        assert (
            "It was heard last at 2026-11-21 03:16:00 UTC; it is expected within 5m."
            in silent["annotations"]["description"]
        )
        assert 'heartbeat_silent{heartbeat="prometheus"} 1.0' in await (await tocsin.client.get("/metrics")).text()
        await tocsin.post(watchdog())
        await check(tocsin, seconds=1)
        (incident,) = await tocsin.incidents()
        assert incident["status"] == "resolved"
        assert tocsin.phones["alice"].keys == ["page/0/alice", "resolved/alice"]
        metrics = await (await tocsin.client.get("/metrics")).text()
        assert 'alerts_suppressed_total{reason="heartbeat"} 6.0' in metrics
        assert 'heartbeat_silent{heartbeat="prometheus"} 0.0' in metrics


async def test_restart(tmp_path: Path) -> None:
    """A restart pages nobody, the waiting begins anew; a silence people know of is not told twice, nor forgotten."""
    async with receiver(tmp_path, CONFIG) as tocsin:
        await check(tocsin)
        await check(tocsin, minutes=6)
        clock = tocsin.clock
        assert tocsin.phones["alice"].keys == ["page/0/alice"]
    clock.advance(hours=1)
    async with receiver(tmp_path, CONFIG, clock=clock) as tocsin:
        await check(tocsin)
        await check(tocsin, minutes=6)
        assert tocsin.phones["alice"].keys == []
        await tocsin.post(watchdog())
        await check(tocsin)
        assert tocsin.phones["alice"].keys == ["resolved/alice"]
        await check(tocsin, minutes=4)
        clock = tocsin.clock
    clock.advance(hours=1)
    async with receiver(tmp_path, CONFIG, clock=clock) as tocsin:
        await check(tocsin)
        await check(tocsin, minutes=4)
        assert [i["status"] for i in await tocsin.incidents()] == ["resolved"]


async def test_no_longer_expected(tmp_path: Path) -> None:
    """The silence of a heartbeat that is taken out of the configuration is over with the next start."""
    async with receiver(tmp_path, CONFIG) as tocsin:
        await check(tocsin)
        await check(tocsin, minutes=6)
    async with receiver(tmp_path, escalation(("0s", ("alice",))), clock=tocsin.clock) as tocsin:
        await check(tocsin)
        assert [i["status"] for i in await tocsin.incidents()] == ["resolved"]


async def test_engine_that_lags(tmp_path: Path) -> None:
    """While bodies wait that were received in time, nobody can say that a heartbeat is silent."""
    async with receiver(tmp_path, CONFIG) as tocsin:
        await check(tocsin)
        tocsin.clock.advance(minutes=4)
        await tocsin.client.post(HOOK, data=watchdog())
        tocsin.clock.advance(minutes=4)
        await tocsin.receiver.watching.heartbeats.check()
        await tocsin.settle()
        assert await tocsin.incidents() == []


async def test_sender_with_its_own_watchdog(tmp_path: Path) -> None:
    """The same alert of another source is an alert like every other."""
    async with receiver(tmp_path, CONFIG) as tocsin:
        await tocsin.post(watchdog(), source="berlin")
        assert [i["source"] for i in await tocsin.incidents()] == ["berlin"]


@asynccontextmanager
async def switch(*statuses: int) -> AsyncIterator[tuple[str, list[str]]]:
    """A dead-man's switch that answers with these statuses in turn, the last one for ever; and what it was sent."""
    calls: list[str] = []
    left = list(statuses)

    async def answer(request: web.Request) -> web.Response:
        calls.append(request.method)
        return web.Response(status=left.pop(0) if len(left) > 1 else left[0])

    application = web.Application()
    application.add_routes([web.route("*", "/ping/secret", answer)])
    async with TestServer(application) as server:
        yield str(server.make_url("/ping/secret")), calls


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_ping(tmp_path: Path, method: str) -> None:
    """A ping goes out while we work; what becomes of it is counted, and a failure logged once, without the URL."""
    async with switch(200, 500, 500, 200) as (url, calls):
        (tmp_path / "url").write_text(f"{url}\n")
        config = escalation(("0s", ("alice",)), ping={"url_file": tmp_path / "url", "method": method})
        async with receiver(tmp_path / "store", config) as tocsin:
            ping = tocsin.receiver.watching.ping
            assert ping is not None
            with capture_logs() as logs:
                assert [await ping.once() for _ in range(4)] == ["sent", "failed", "failed", "sent"]
            assert calls == [method] * 4
            assert [line["event"] for line in logs] == ["no sign of life goes out", "the ping arrives again"]
            assert "secret" not in str(logs)
            assert (
                'tocsin_receiver_pings_total{state="failed"} 2.0' in await (await tocsin.client.get("/metrics")).text()
            )


async def test_no_ping_without_work(tmp_path: Path) -> None:
    """While the engine waits, the store takes no writes, or a body waits for too long, no sign of life goes out."""
    async with switch(200) as (url, calls), receiver(tmp_path, escalation(("0s", ("a",)), ping={"url": url})) as tocsin:
        ping = tocsin.receiver.watching.ping
        assert ping is not None
        tocsin.receiver.loop.failing = "the store cannot commit"
        assert await ping.once() == "withheld"
        tocsin.receiver.loop.failing = ""
        with closing(sqlite3.connect(tmp_path / FILE_NAME)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert await ping.once() == "withheld"
        assert await ping.once() == "sent"
        await tocsin.client.post(HOOK, data=body(alert()))
        tocsin.clock.advance(seconds=STUCK_AFTER.total_seconds() + 1)
        assert await ping.once() == "withheld"
        await tocsin.settle()
        assert await ping.once() == "sent"
        assert calls == ["GET", "GET"]


async def test_lost_turn(tmp_path: Path) -> None:
    """Who has lost the engine's turn does not work, whatever the store would take."""
    async with receiver(tmp_path) as tocsin:
        alive = Alive(Probe(tocsin.database, tocsin.receiver.inbox, epoch=0), lambda: "", tocsin.clock)
        assert await alive.ails() == "another process has taken the engine's turn"


async def test_nobody_at_the_other_end(tmp_path: Path) -> None:
    """A switch that cannot be reached is a failed ping, not an error of ours."""
    config = escalation(("0s", ("alice",)), ping={"url": "http://127.0.0.1:1/ping"})
    async with receiver(tmp_path, config) as tocsin:
        ping = tocsin.receiver.watching.ping
        assert ping is not None
        assert await ping.once() == "failed"


@pytest.mark.parametrize("settings", [{}, {"url": "http://a", "url_file": "b"}, {"url": "http://a", "every": "0s"}])
def test_unusable_ping(settings: dict[str, Any]) -> None:
    """A ping has one URL and a time."""
    with pytest.raises(ValueError, match=r"either url or url_file|longer than 0"):
        PingSettings.model_validate(settings)


@pytest.mark.parametrize("settings", [{"within": "0s"}, {"labels": {}}, {"source": "a b"}, {"every": "5m"}])
def test_unusable_heartbeat(settings: dict[str, Any]) -> None:
    """A heartbeat has a label to be known by and some time to come."""
    with pytest.raises(ValueError, match="heartbeats"):
        escalation(("0s", ("alice",)), heartbeats={"prometheus": settings})
