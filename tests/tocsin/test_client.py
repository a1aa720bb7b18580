"""The client of the API: who asks, what is sent, and what is sent again; the same for both of its forms."""

from __future__ import annotations

import inspect
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from receiver.web.openapi import declared
from tests.receiver.harness import receiver
from tocsin.client import AsyncClient, Client, server, user
from tocsin.client.call import Call, each, one
from tocsin.client.calls import Calls
from tocsin.client.run_calls import RunCalls
from tocsin.errors import ApiUnavailable, TocsinError, UsageError

NAMES = ("LOGNAME", "USER", "LNAME", "USERNAME")
SAMPLES: dict[type | str, Any] = {"number": 7, "wanted": {}, "items": [{"title": "x"}], "window": {}, "what": "merge"}


def test_a_users_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name that the environment tells is taken."""
    monkeypatch.setenv("LOGNAME", "alice")
    assert user() == "alice"


def test_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's user that has no name is told by its number."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 48_151)
    assert user() == "uid 48151"


def test_who_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token of the server's says by itself who asks; a login has a name; else it is the user."""
    monkeypatch.setenv("LOGNAME", "carol")
    (tmp_path / "own").write_text("tocsin_abc\n")
    (tmp_path / "other").write_text("of-a-proxy")
    (tmp_path / "password").write_text("s3cret")
    url = "http://bob@127.0.0.1:1"
    for environment, asks, authorization in (
        ({"TOCSIN_TOKEN_FILE": str(tmp_path / "own")}, "", "Bearer tocsin_abc"),
        ({"TOCSIN_TOKEN_FILE": str(tmp_path / "other")}, "carol", "Bearer of-a-proxy"),
        ({"TOCSIN_URL": url, "TOCSIN_PASSWORD_FILE": str(tmp_path / "password")}, "bob", "Basic Ym9iOnMzY3JldA=="),
        ({}, "carol", None),
    ):
        client = Client.from_environment(None, environment)
        assert (client.asks_as(), client.headers(None).get("Authorization")) == (asks, authorization)
        assert "s3cret" not in repr(client)
    with pytest.raises(UsageError, match="is not a URL"):
        AsyncClient.from_environment("ftp://x", {})


def calls() -> dict[str, Call]:
    """Every call, asked for with what its parameters need."""
    found = {}
    for name, method in [*vars(Calls).items(), *vars(RunCalls).items()]:
        if isinstance(method, (one, each)):
            says = method._call
            needed = [p for p in inspect.signature(says).parameters.values() if p.default is p.empty]
            found[name] = says(**{p.name: SAMPLES.get(p.name, "x1") for p in needed})
    return found


async def test_every_call_is_one_of_the_api(tmp_path: Path) -> None:
    """The client asks for nothing that the receiver does not have, and both clients have every call."""
    async with receiver(tmp_path) as tocsin:
        router = tocsin.receiver.doors.application.router
        routes = {(route.method, route.path) for route in declared(tocsin.receiver.doors.application)}
        for name, call in calls().items():
            resources = {resource.canonical for resource in router.resources() if resource.get_info()}
            fits = {path for path in resources for method, known in routes if (method, known) == (call.method, path)}
            assert any(_fits(call.path, path) for path in fits), name
            for client in (Client, AsyncClient):
                assert getattr(client, name).__doc__, name


def _fits(path: str, pattern: str) -> bool:
    given, wanted = path.split("/"), pattern.split("/")
    return len(given) == len(wanted) and all(w.startswith("{") or g == w for g, w in zip(given, wanted, strict=True))


class Flaky:
    """A server that drops the first connections, says 503 to the next, and notes the keys that it is given."""

    def __init__(self, drops: int, refusals: int) -> None:
        self.left = [*["drop"] * drops, *["refuse"] * refusals]
        self.keys: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers.get("Idempotency-Key", ""))
        what = self.left.pop(0) if self.left else ""
        if what == "drop":
            assert request.transport is not None
            request.transport.close()
        if what == "refuse":
            return web.json_response({"detail": "the store is away", "type": "about:blank"}, status=503)
        return web.json_response({"id": "k3f9x2", "changed": True})


@asynccontextmanager
async def flaky(drops: int, refusals: int) -> AsyncIterator[tuple[Flaky, str]]:
    behind = Flaky(drops, refusals)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", behind.answer)
    async with TestServer(application) as front:
        yield behind, str(front.make_url(""))


async def raised(kind: type[Client] | type[AsyncClient], url: str, **said: Any) -> dict[str, Any]:
    """An incident, by either client."""
    if issubclass(kind, AsyncClient):
        async with kind.from_environment(url, {}) as client:
            return await client.raise_incident("Payments are stuck", **said)
    import asyncio

    return await asyncio.to_thread(kind.from_environment(url, {}).raise_incident, "Payments are stuck", **said)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(server, "LONGEST_WAIT_SECONDS", 0.002)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("kind", [Client, AsyncClient])
async def test_sent_again_under_one_key(kind: type[Client] | type[AsyncClient]) -> None:
    """A POST whose answer was lost, or that came at a bad moment, is sent again, each time by the same key."""
    async with flaky(drops=1, refusals=2) as (behind, url):
        assert (await raised(kind, url))["id"] == "k3f9x2"
        assert (len(behind.keys), len(set(behind.keys))) == (4, 1)
        await raised(kind, url)
        await raised(kind, url, key="mine")
        assert (behind.keys[4] not in (behind.keys[0], ""), behind.keys[5]) == (True, "mine")


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("kind", [Client, AsyncClient])
async def test_given_up(kind: type[Client] | type[AsyncClient]) -> None:
    """After four attempts the server's own word is told; where nobody listens, what to do."""
    async with flaky(drops=0, refusals=9) as (behind, url):
        with pytest.raises(ApiUnavailable, match="the store is away"):
            await raised(kind, url)
        assert len(behind.keys) == 4
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    with pytest.raises(ApiUnavailable, match="is the receiver running"):
        await raised(kind, url)


async def test_both_clients_against_the_receiver(tmp_path: Path) -> None:
    """Three lines raise an incident; lists are gone through, refusals are in the receiver's words."""
    async with receiver(tmp_path) as tocsin:
        url = str(tocsin.client.make_url(""))
        for kind in (Client, AsyncClient):
            told = await raised(kind, url, severity="critical", key=kind.__name__)
            assert (told["severity"], told["changed"]) == ("critical", True)
        async with AsyncClient.from_environment(url, {}) as client:
            ids = [one["id"] async for one in client.incidents(status=["open"], text="payments")]
            assert len(ids) == 2
            await client.snooze(ids[0], for_="1h", by="alice")
            kinds = [event["kind"] async for event in client.timeline(ids[0])]
            assert kinds == ["opened", "snoozed"]
            with pytest.raises(TocsinError, match="there is no incident zzz"):
                await client.acknowledge("zzz")
            assert (await client.graph(ids[0])).startswith("<svg")
        with pytest.raises(UsageError, match="async with"):
            await client.incident(ids[0])
