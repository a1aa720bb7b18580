"""What is told while a fault goes on: each thing once, as it becomes known."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from demo.breaking import Breaking, _elapsed, past_of
from demo.serving import serving
from demo.stack import Stack
from demo.watching import Watching, subject

LABELS = {"alertname": "Slow", "severity": "critical", "service": "player", "region": "eu", "tenant": "listen"}


@dataclass
class World:
    """What Prometheus, Alertmanager, the receiver and the sinks say, in their own formats."""

    firing: list[dict[str, str]] = field(default_factory=list)
    pending: list[dict[str, str]] = field(default_factory=list)
    passed_on: list[dict[str, str]] = field(default_factory=list)
    incidents: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/prometheus/api/v1/alerts", self.alerts),
            web.get("/alertmanager/api/v2/alerts", self.alertmanager),
            web.get("/receiver/api/v1/incidents", self.told_of),
            web.get("/sinks/messages", self.arrived),
        ]

    async def alerts(self, _: web.Request) -> web.Response:
        both = [{"labels": one, "state": "firing"} for one in self.firing]
        both += [{"labels": one, "state": "pending"} for one in self.pending]
        return web.json_response({"data": {"alerts": both}})

    async def alertmanager(self, _: web.Request) -> web.Response:
        return web.json_response([{"labels": one} for one in self.passed_on])

    async def told_of(self, _: web.Request) -> web.Response:
        return web.json_response({"items": self.incidents, "next": None})

    async def arrived(self, _: web.Request) -> web.Response:
        return web.json_response(self.messages)


@asynccontextmanager
async def watched(world: World) -> AsyncIterator[Watching]:
    application = web.Application()
    application.add_routes(world.routes())
    async with serving(application) as address, aiohttp.ClientSession() as http:
        urls = {name: f"http://{address}/{name}" for name in ("prometheus", "alertmanager", "receiver", "sinks")}
        yield Watching(Stack(http, urls, (), 1))


async def heard(watching: Watching) -> list[str]:
    return [news.text async for news in watching.news()]


async def test_an_alert_from_its_beginning_to_its_end() -> None:
    """It fires once, is passed on once, and ends once; pending is no news."""
    world = World(pending=[LABELS])
    async with watched(world) as watching:
        assert await heard(watching) == []
        world.firing, world.pending = [LABELS], []
        assert await heard(watching) == ["Slow fires (critical, eu, player)"]
        world.passed_on = [LABELS]
        assert await heard(watching) == ["Alertmanager passes on Slow"]
        assert await heard(watching) == []
        world.firing = []
        assert await heard(watching) == ["Slow fires no more"]


async def test_which_alert_fires_is_known() -> None:
    """News of an alert that fires names it, so that one can wait for it; other news names none."""
    world = World(firing=[LABELS], passed_on=[LABELS])
    async with watched(world) as watching:
        assert [news.fires async for news in watching.news()] == ["Slow", ""]


async def test_incidents_and_messages() -> None:
    """An incident opens and changes; each message that arrives is told with what it is."""
    incident = {"id": "01J", "status": "open", "title": "Slow player"}
    page = {
        "sink": "mail", "at": "2026-01-01T00:00:00Z", "kind": "page", "incident": "01J", "key": "k",
        "subject": "[CRITICAL] Slow player", "text": "",
    }  # fmt: skip
    world = World(incidents=[incident], messages=[page])
    async with watched(world) as watching:
        assert await heard(watching) == [
            "incident 01J opens: Slow player",
            "mail is told (page): [CRITICAL] Slow player",
        ]
        world.incidents = [{**incident, "status": "resolved"}]
        assert await heard(watching) == ["incident 01J is resolved: Slow player"]
        assert await heard(watching) == []


async def test_a_server_that_does_not_answer() -> None:
    """The others are heard all the same."""
    world = World(firing=[LABELS])
    async with watched(world) as watching:
        urls = {**watching.stack.urls, "receiver": "http://127.0.0.1:1"}
        deaf = Watching(Stack(watching.stack.http, urls, (), 1))
        assert await heard(deaf) == ["Slow fires (critical, eu, player)"]


def test_subject_without_what_says_nothing() -> None:
    """Labels that many alerts share are left out."""
    assert subject({**LABELS, "cluster": "demo", "query": "q", "job": "shop"}) == "critical, eu, player"


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "+0:00"), (220, "+3:40"), (3723, "+1:02:03")])
def test_elapsed(seconds: float, said: str) -> None:
    """Times since the fault are minutes and seconds, with hours where there are some."""
    assert _elapsed(seconds) == said


def test_the_past_holds_what_began_long_ago() -> None:
    """A fault that began in the past is told to whoever makes up the past; one of now is not."""
    assert past_of(Breaking("disk-filling", 1_790_000_000.4)) == ("--fault=disk-filling@1790000000",)
    assert past_of(Breaking("disk-filling", None)) == ()
