"""Feedback over HTTP and by command: who may say something, and what it does to a running exporter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from aiohttp import encode_basic_auth
from aiohttp.test_utils import TestClient, TestServer

from exporter.app import Exporter
from exporter.config import ExporterConfig
from exporter.feedback.book import Book
from exporter.replaying.asking import show_time
from tests.exporter.fake import Fake, prometheus
from tests.exporter.test_watch import NOW, START, Harness, daily, query
from tocsin.clock import ManualClock
from tocsin.guard import Guard

AT = NOW - 600  # in the last hour, which is ten times as high as usual
PATH = "/api/v1/feedback"


def high(when: float) -> float | None:
    """A daily curve, ten times as high in the last hour; one point is missing, and all that are older than ten days."""
    if when < NOW - 10 * 86_400 or when == NOW - 7_200:
        return None
    return daily(when) * (10 if when > NOW - 3_600 else 1)


@asynccontextmanager
async def exporter(folder: Path, *, users: str = "") -> AsyncIterator[Harness]:
    series: list[Any] = [({"__name__": "x", "shop": shop}, high) for shop in ("a", "b")]
    fake = Fake({"q": series, 'q{shop="a"}': series[:1], 'q{shop="b"}': series[1:]})
    queries = [query(step="10m", history="4d", delay="10s")]
    config = ExporterConfig.model_validate({"prometheus": {"url": "http://127.0.0.1:1"}, "queries": queries})
    clock, guard = ManualClock(START), None
    if users:
        (folder / "web.yml").write_text(users)
        guard = Guard(folder / "web.yml")
    async with prometheus(fake) as api:
        built = Exporter.build(config, api, clock, guard=guard, book=Book(folder / "storage"))
        async with TestClient(TestServer(built.application)) as client:
            yield Harness(built, clock, client)


def body(**settings: Any) -> dict[str, Any]:
    return {"query": "q", "labels": 'shop="a"', "at": AT, "verdict": "normal", "note": "a sale", "by": "me"} | settings


async def test_a_running_exporter_is_taught(tmp_path: Path) -> None:
    """What was said is listed, heard from the next step on by its series alone, survives a restart, and is undone."""
    async with exporter(tmp_path) as running:
        await running.step()
        before = [await running.scores(shop=shop) for shop in ("a", "b")]
        assert min(before)[0] > 1
        answer = await running.client.post(PATH, json=body())
        said = await answer.json()
        assert answer.status == 201, said
        assert (said["by"], said["note"], said["at"]) == ("me", "a sale", show_time(AT // 600 * 600))
        assert said["score"] > 1 > said["score_now"]
        listed = await (await running.client.get(PATH)).json()
        assert [one["id"] for one in listed["items"]] == [said["id"]]
        assert (await (await running.client.get(PATH, params={"query": "other"})).json())["items"] == []
    async with exporter(tmp_path) as running:
        await running.step()
        assert (await running.scores(shop="a"))[0] < 1
        assert await running.scores(shop="b") == before[1]
        gone = await running.client.delete(f"{PATH}/{said['id'][:6]}")
        assert (gone.status, (await gone.json())["id"]) == (200, said["id"])
        assert (await running.client.delete(f"{PATH}/{said['id']}")).status == 404
    async with exporter(tmp_path) as running:
        await running.step()
        assert [await running.scores(shop=shop) for shop in ("a", "b")] == before


WRONG = [
    ({"verdict": "fine"}, 400, "Invalid enum value 'fine'"),
    ({"query": "nope"}, 400, "there is no query 'nope'"),
    ({"labels": ""}, 400, "2 series of q match where one series can be looked at"),
    ({"labels": "shop"}, 400, "is no matcher"),
    ({"at": "soon"}, 400, "'soon' is no time"),
    ({"at": NOW - 7_200}, 400, "the series has no value at that time"),
    ({"at": NOW - 30 * 86_400}, 404, "the query answers with no series"),
    ({"colour": "red"}, 400, "unknown field `colour`"),
    ({"note": "x" * 2_000}, 400, "the note is longer"),
    ({"note": "x" * 100_000}, 400, "the body is larger"),
]


@pytest.mark.parametrize(("settings", "status", "message"), WRONG)
async def test_what_cannot_be_taken(tmp_path: Path, settings: dict[str, Any], status: int, message: str) -> None:
    """A body that is not understood is told so, and nothing is written."""
    async with exporter(tmp_path) as running:
        answer = await running.client.post(PATH, json=body(**settings))
        told = await answer.json(content_type="application/problem+json")
        assert (answer.status, message in told["detail"]) == (status, True), told
        assert (await running.client.post(PATH, data="{}")).status == 400
    assert not (tmp_path / "storage").exists()


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "tocsin.example.org"},
        {"X-Forwarded-For": "10.0.0.1"},
        {"Forwarded": "for=10.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=lambda headers: next(iter(headers)),
)
async def test_strangers_change_nothing(tmp_path: Path, headers: dict[str, str]) -> None:
    """Without users only this machine may speak: not through a proxy, nor a page of another site or name."""
    async with exporter(tmp_path) as running:
        for answer in (
            await running.client.post(PATH, json=body(), headers=headers),
            await running.client.delete(f"{PATH}/x", headers=headers),
        ):
            assert answer.status == 403
            assert (await answer.json(content_type="application/problem+json"))["detail"]


async def test_users_are_known(tmp_path: Path) -> None:
    """With users, who asks must be one, from wherever, and it is that name that is written down."""
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    users = f"basic_auth_users: {{alice: '{hashed}'}}"
    async with exporter(tmp_path, users=users) as running:
        assert (await running.client.post(PATH, json=body())).status == 401
        headers = {"Authorization": encode_basic_auth("alice", "secret"), "X-Forwarded-For": "10.0.0.1"}
        answer = await running.client.post(PATH, json=body(by="bob"), headers=headers)
        said = await answer.json()
        assert (answer.status, said["by"]) == (201, "alice")
        assert Book(tmp_path / "storage").verdicts()[0].by == "alice"
        gone = await running.client.delete(f"{PATH}/{said['id']}", headers=headers)
        assert gone.status == 200
    assert b'"removed"' in (tmp_path / "storage/feedback.jsonl").read_bytes()
    assert b'"by":"alice"' in (tmp_path / "storage/feedback.jsonl").read_bytes().splitlines()[-1]
