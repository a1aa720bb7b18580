"""What comes of requests of steps of kind `http`, at real servers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

import pytest

from receiver.remediate.output import bounded
from receiver.remediate.step import MOST_OUTPUT, NotNow
from receiver.remediate.steps.http_asking import MOST_BODY, MOST_HOPS
from receiver.remediate.steps.http_doer import HttpDoer
from receiver.remediate.steps.http_edge import HttpEdge
from tests.receiver.remediate.far_http import ABOUT, action, asked, done, edge, far, raw


@pytest.mark.parametrize(
    ("path", "step", "outcome", "word"),
    [
        ("/200", {}, "succeeded", "HTTP 200"),
        ("/204", {}, "succeeded", "HTTP 204"),
        ("/202", {"expect": 202}, "succeeded", "HTTP 202"),
        ("/404", {"expect": ["200-204", "404"]}, "succeeded", "HTTP 404"),
        ("/200", {"expect": [202]}, "unknown", "may have been done"),
        ("/400", {}, "failed", "refused"),
        ("/409", {}, "failed", "refused"),
        ("/429", {}, "failed", "refused"),
        ("/500", {}, "unknown", "how far it came"),
        ("/503", {}, "unknown", "how far it came"),
        ("/504", {}, "unknown", "how far it came"),
        ("/200", {"expect_json": {"job.state": "done", "ok": True, "job.steps.0": 1}}, "succeeded", "what it should"),
        ("/200", {"expect_json": {"job.state": "begun"}}, "failed", '"done" instead of "begun"'),
        ("/200", {"expect_json": {"job.steps.7": 1}}, "failed", "null"),
        ("/200", {"expect_json": {"ok": 1}}, "failed", "true instead of 1"),
        ("/endless", {"expect_json": {"ok": True}}, "unknown", "not come whole"),
        ("/endless", {}, "succeeded", "HTTP 200"),
        ("/slow-body", {}, "succeeded", "HTTP 200"),
        ("/half", {}, "succeeded", "HTTP 200"),
        ("/half", {"expect_json": {"ok": True}}, "unknown", "not come whole"),
        ("/points", {"query": {"301,/200": ""}}, "failed", "points elsewhere"),
        ("/points", {"query": {"308,/200": ""}}, "failed", "points elsewhere"),
        ("/points", {"query": {"303,/200": ""}}, "unknown", "may have been done"),
        ("/points", {"query": {"303,/200": ""}, "method": "GET"}, "failed", "points elsewhere"),
    ],
)
async def test_answers(path: str, step: dict[str, Any], outcome: str, word: str) -> None:
    """What an answer means: done, refused, or nobody knows; and it is asked for once, whatever comes."""
    async with far() as there:
        limit: dict[str, Any] = {"timeout": "500ms"} if path == "/slow-body" else {}
        came = await asked(there, action(path=path, **limit, **step))
    assert (came.outcome, word in came.reason) == (outcome, True), came
    assert len(there.asked) == 1
    assert len(came.output) < MOST_OUTPUT + 100
    assert there.written < 100 * MOST_BODY


async def test_no_json() -> None:
    """An answer that should say something and is no JSON leaves it open."""
    async with far() as there:
        there.body = "<html>"
        came = await asked(there, action(expect_json={"ok": True}))
    assert (came.outcome, "is no JSON" in came.reason) == ("unknown", True)


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nContent-Le"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_sent_and_not_answered(answer: bytes, method: str) -> None:
    """A request that was taken and not answered is unknown, and is never repeated: not even where others would."""
    async with raw(answer=answer, hangs_up=True) as (port, came):
        result = await done(edge(port), action(method=method))
    assert (result.outcome, "may have been done" in result.reason) == ("unknown", True), result
    assert len(came.bodies) == 1


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 20"])
async def test_accepted_and_then_nothing(answer: bytes) -> None:
    """A far side that takes a request and says no more leaves it unknown when the time is over."""
    async with raw(answer=answer) as (port, came):
        result = await done(edge(port), action(timeout="500ms"))
        await came.left()
    assert (result.outcome, "did not answer within 0.5 s; it may have been done" in result.reason) == ("unknown", True)
    assert len(came.bodies) == 1


async def test_never_sent() -> None:
    """Nobody listens, nobody knows the name, the certificate is none: nothing was done, and that is known."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    async def nobody(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(-2, "Name or service not known")

    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    named = HttpEdge(url="http://lb.example")
    quick = action(timeout="100ms")
    async with far() as there:
        secure = edge(there.port, url=f"https://127.0.0.1:{there.port}")
        results = [
            await done(edge(port), quick),
            await done(named, quick, resolve=nobody),
            await done(named, quick, resolve=never),
            await done(secure, action()),
        ]
    assert [(one.outcome, "nothing was sent" in one.reason) for one in results] == [("failed", True)] * 4
    assert not there.asked
    for resolve in (nobody, never):
        with pytest.raises(NotNow, match=r"lb\.example"):
            await HttpDoer({"lb": named}, resolve=resolve).look(quick, ABOUT)


async def test_cancelled() -> None:
    """Whoever cancels a step ends its connection."""
    async with raw() as (port, came):
        task = asyncio.create_task(done(edge(port), action()))
        await came.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await came.left()


@pytest.mark.parametrize(
    ("status", "method", "target", "reached"),
    [
        (307, "POST", "/200", True),
        (308, "POST", "{url}/200", True),
        (302, "GET", "/200", True),
        (302, "POST", "/200", False),
        (307, "POST", "http://localhost:{port}/200", False),
        (307, "POST", "http://127.0.0.1:{other}/200", False),
        (307, "POST", "https://127.0.0.1:{port}/200", False),
        (307, "POST", "http://user@127.0.0.1:{port}/200", False),
        (307, "POST", "//evil.example/200", False),
        (307, "POST", "http://[", False),
    ],
)
async def test_redirects(status: int, method: str, target: str, reached: bool) -> None:
    """Where an endpoint follows redirects, it stays on its host, and asks for the same."""
    async with far() as there, far() as other:
        where = target.format(url=there.url, port=there.port, other=other.port)
        what = action(method=method, path="/points", query={f"{status},{where}": ""})
        came = await asked(there, what, follow_redirects=True)
    assert [one.method for one in there.asked] == [method] * (1 + reached)
    assert (came.outcome == "succeeded", not other.asked) == (reached, True)
    assert came.reason.startswith(f"HTTP {200 if reached else status}")


async def test_redirects_without_end() -> None:
    """A far side that points from page to page is asked a few times, not for ever."""
    async with far() as there:
        came = await asked(there, action(path="/around/1"), follow_redirects=True)
    assert (came.outcome, len(there.asked)) == ("failed", MOST_HOPS)


async def test_output_is_bounded() -> None:
    """Of a long answer the beginning and the end are kept."""
    async with far() as there:
        there.body = "begin" + "x" * 30_000 + "end"
        came = await asked(there, action())
    assert came.output == bounded(f"HTTP 200\n{there.body}")
    assert (came.output.startswith("HTTP 200\nbegin"), came.output.endswith("end")) == (True, True)
