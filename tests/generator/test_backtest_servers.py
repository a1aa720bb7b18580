"""Servers that limit, refuse, hang or answer in part: what is not known is told, and the rest goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web

from generator.backtest import asking
from tests.exporter.fake import DOWN, Fake, prometheus
from tests.generator.replaying import (
    START,
    UP,
    Stored,
    always,
    during,
    minutes,
    played,
    rules,
    told,
)


class Limited(Fake):
    """A server that answers at most so many points, with an error of its own for more."""

    points = 16
    error = "exceeded maximum resolution of 11,000 points per timeseries"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        start, end, step = (float(str(form[name])) for name in ("start", "end", "step"))
        if "==" in str(form["query"]) and (end - start) / step + 1 > self.points:
            return web.json_response({"status": "error", "error": self.error}, status=422)
        return await super().answer(request)


LIMITS = (
    "exceeded maximum resolution of 11,000 points per timeseries",
    "query processing would load too many samples into memory in query execution",
    "the query time range exceeds the limit (query length: 1h0m0s, limit: 16m0s)",
    "the query exceeded the maximum number of chunks (limit: 2000000 chunks) (err-mimir-max-chunks-per-query)",
    "cannot select more than -search.maxSamplesPerQuery=1000000000 samples",
)


@pytest.mark.parametrize("error", LIMITS)
async def test_limits(error: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too much for one query is asked in parts, and nothing of it is lost."""
    monkeypatch.setattr(asking, "SMALLEST", 4)
    value = during((-1, 5), (10, 40), (60, 61))
    stored: Stored = {"up == 0": [({"job": "a"}, value)], **UP}
    limited, free = Limited(stored), Fake(stored)
    limited.error = error
    packs = rules({"expr": "up == 0", "for": "2m", "keep_firing_for": "3m"})
    async with prometheus(limited) as narrow, prometheus(free) as wide:
        assert await played(packs, narrow) == (expected := await played(packs, wide))
    assert minutes(expected.rules[0].firings) == [(1, 9), (12, 44)]


async def test_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long range is asked in stretches, several at once, and answers too large for us in parts: nothing is lost."""
    monkeypatch.setattr(asking, "SMALLEST", 4)
    value = during((-1, 5), (10, 40), (60, 61))
    fake = Fake({"up == 0": [({"job": "a"}, value), ({"job": "b"}, always)], **UP})
    packs = rules({"expr": "up == 0", "for": "2m", "keep_firing_for": "3m"})
    async with prometheus(fake) as server, prometheus(fake, most_bytes=700) as narrow:
        expected = await played(packs, server)
        whole = len(fake.asked)
        assert await played(packs, narrow) == expected
        monkeypatch.setattr(asking, "MOST_POINTS", 16)
        assert await played(packs, server) == expected
    assert len(fake.asked) > 3 * whole
    assert minutes(expected.rules[0].firings) == [(0, None), (1, 9), (12, 44)]


async def test_never_small_enough() -> None:
    """Where even a short stretch is too much, nothing is known of that rule, and the others are not touched."""
    fake = Limited({"up == 0": [({}, always)], "up > 3": [({}, during((3, 4)))], **UP})
    fake.points = 2
    async with prometheus(fake) as server:
        replayed = await played(rules({"expr": "up == 0"}, {"expr": "up > 3"}), server)
    assert [minutes(outcome.firings) for outcome in replayed.rules] == [[], [(3, 5)]]
    [(severity, message)] = told(replayed)
    assert severity == "error"
    assert message.startswith("nothing is known of 2026-03-01 11:59:00Z to 2026-03-01 13:00:00Z: ")


async def test_one_stretch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where series do not go together for some minutes, those are not known; what fires before fires after."""
    monkeypatch.setattr(asking, "SMALLEST", 4)

    class Clashing(Fake):
        async def answer(self, request: web.Request) -> web.StreamResponse:
            form = await request.post()
            start, end = (float(str(form[name])) - START.timestamp() for name in ("start", "end"))
            if "==" in str(form["query"]) and start <= 20 * 60 <= end:
                error = "found duplicate series for the match group {} on the right hand-side of the operation"
                return web.json_response({"status": "error", "error": error}, status=422)
            return await super().answer(request)

    fake = Clashing({"up == 0": [({}, during((5, 40)))], **UP})
    async with prometheus(fake) as server:
        replayed = await played(rules({"expr": "up == 0", "for": "10m"}), server)
    assert minutes(replayed.rules[0].firings) == [(15, 41)]
    [(severity, message)] = told(replayed)
    assert (severity, "found duplicate series" in message) == ("error", True)
    assert "nothing is known of 2026-03-01 12:20:00Z to 2026-03-01 12:24:00Z" in message


async def hanging(request: web.Request) -> web.StreamResponse:
    """Answers nobody."""
    await asyncio.Event().wait()
    return web.Response()


async def test_too_slow() -> None:
    """A rule that is too slow is told; the others go on."""
    fake = Fake({"up > 3": [({}, during((3, 4)))], **UP}, broken={"up == 0": hanging})
    async with prometheus(fake, timeout_seconds=0.1) as server:
        replayed = await played(rules({"expr": "up == 0"}, {"expr": "up > 3"}), server)
    assert [minutes(outcome.firings) for outcome in replayed.rules] == [[], [(3, 5)]]
    [(severity, message)] = told(replayed)
    assert (severity, "does not answer within 0.1 s" in message) == ("error", True)
    assert replayed.problems == ()


REFUSED = (400, '{"status":"error","errorType":"bad_data","error":"unknown function with name \\"mad_over_time\\""}')


@pytest.mark.parametrize("broken", [REFUSED, (500, "upstream is sick"), (200, '{"status":"success","data":{}}')])
async def test_one_rule_fails(broken: tuple[int, str]) -> None:
    """A rule that the server refuses, or fails on, is a problem of its own."""
    fake = Fake({"up > 3": [({}, during((3, 4)))], **UP}, broken={"up == 0": broken})
    async with prometheus(fake) as server:
        replayed = await played(rules({"expr": "up == 0"}, {"expr": "up > 3"}), server)
    assert [minutes(outcome.firings) for outcome in replayed.rules] == [[], [(3, 5)]]
    [(severity, message)] = told(replayed)
    assert (severity, message[:26]) == ("error", "cannot be backtested: http")
    assert replayed.rules[0].problems[0].at.line == 1


PARTIAL = [
    ({"warnings": ["receive series from store-1: connection refused"]}, "warning", "may be a part of all: receive"),
    ({"isPartial": True}, "warning", "may be a part of all: some of its storage nodes did not answer"),
    ({"warnings": ["PromQL warning: encountered a mix"]}, "info", "the server says: PromQL warning: encountered"),
]


@pytest.mark.parametrize(("beside", "severity", "said"), PARTIAL)
async def test_partial(beside: Mapping[str, Any], severity: str, said: str) -> None:
    """An answer that the server itself calls a part is used, and told; so is what it says of the query."""

    class Partial(Fake):
        async def answer(self, request: web.Request) -> web.StreamResponse:
            answer = await super().answer(request)
            assert isinstance(answer, web.Response)
            return web.json_response({**json.loads(answer.text or ""), **beside})

    async with prometheus(Partial({"up == 0": [({}, during((3, 4)))], **UP})) as server:
        replayed = await played(rules({"expr": "up == 0"}), server)
    assert minutes(replayed.rules[0].firings) == [(3, 5)]
    [(level, message)] = told(replayed)
    assert (level, said in message) == (severity, True)


async def test_unreachable() -> None:
    """A server that does not answer at all is one problem, and nothing is said of any rule."""
    async with prometheus(Fake(broken={"": DOWN})) as server:
        replayed = await played(rules(*[{"expr": "up == 0"}] * 5), server)
    assert replayed.rules == ()
    [problem] = replayed.problems
    assert "answered HTTP 503" in problem.message
    assert problem.at.file.startswith("http://127.0.0.1")


async def test_lost_in_between() -> None:
    """A server that goes away ends the backtest: one problem, and what was known before stays."""
    fake = Fake({"up == 0": [({}, during((3, 4)))], **UP})

    async def dies(request: web.Request) -> web.StreamResponse:
        fake.broken[""] = DOWN
        return web.Response(status=503)

    fake.broken["up == 40"] = dies
    async with prometheus(fake) as server:
        replayed = await played(rules(*[{"expr": f"up == {number}"} for number in range(60)]), server)
    assert minutes(replayed.rules[0].firings) == [(3, 5)]
    assert 30 <= len(replayed.rules) <= 45
    [problem] = replayed.problems
    assert "answered HTTP 503" in problem.message
