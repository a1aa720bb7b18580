"""Range queries: windows, fail-over, retries, and what is said of every bad answer."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
import tenacity

from tests.exporter.fake import BAD_QUERY, DOWN, HTML, Fake, prometheus
from tocsin.errors import ApiUnavailable
from tocsin.promanswer import PARTIAL
from tocsin.promapi import (
    ATTEMPTS,
    NoAnswer,
    NothingToRead,
    NotPrometheus,
    Prometheus,
    QueryError,
    QueryRefused,
    Sample,
    TooMuch,
    TooSlow,
    decode,
)

ONE: dict[str, list[Any]] = {"up": [({"job": "a"}, lambda when: when)]}


async def test_series_are_read() -> None:
    """Labels and points come as the server has them."""
    async with prometheus(Fake(ONE)) as api:
        (series,) = await api.query_range("up", 60, 120, 60)
    assert json.loads(bytes(series.metric)) == {"job": "a"}
    assert json.loads(bytes(series.values)) == [[60, "60.0"], [120, "120.0"]]


async def test_a_moment_is_read() -> None:
    """An instant query gives each series' labels and its number now; several servers take each other's place."""
    async with prometheus(Fake(broken={"": DOWN}), Fake(ONE)) as api:
        assert await api.query("up") == [Sample({"job": "a"}, 0.0)]
        assert await api.query("down") == []


@pytest.mark.parametrize("failure", [DOWN, HTML, (429, "slow down"), (502, ""), (200, '{"status":'), (500, "<html>")])
async def test_fail_over(failure: tuple[int, str]) -> None:
    """When a server does not answer as Prometheus does, the next one is asked, and first the next time."""
    sick, well = Fake(broken={"": failure}), Fake(ONE)
    async with prometheus(sick, well) as api:
        for _ in range(3):
            assert await api.query_range("up", 60, 60, 60)
    assert (len(sick.asked), len(well.asked)) == (1, 3)


@pytest.mark.parametrize(
    ("failure", "kind", "said"),
    [
        (DOWN, NoAnswer, "answered HTTP 503 with 'upstream is away' instead of Prometheus's JSON"),
        (HTML, NotPrometheus, "answered HTTP 200 with an HTML page instead of Prometheus's JSON"),
        ((404, ""), NotPrometheus, "answered HTTP 404 with nothing"),
        ((503, '{"status":"error","error":"query timed out"}'), TooSlow, "says: query timed out"),
        ((500, '{"status":"error","error":"context deadline exceeded"}'), TooSlow, "deadline exceeded"),
        ((504, "<html>"), TooSlow, "answered HTTP 504 with an HTML page"),
    ],
)
async def test_tried_again(failure: tuple[int, str], kind: type[QueryError], said: str) -> None:
    """What may pass is tried several times; the error says who answered what."""
    fake = Fake(broken={"": failure})
    async with prometheus(fake) as api:
        with pytest.raises(kind, match=said) as raised:
            await api.query_range("up", 60, 60, 60)
    assert isinstance(raised.value, ApiUnavailable)
    assert len(fake.asked) == ATTEMPTS


async def test_refused_once() -> None:
    """A bad query is not tried again; Prometheus's own message is passed on."""
    fake = Fake(broken={"": BAD_QUERY})
    async with prometheus(fake) as api:
        with pytest.raises(QueryRefused, match="1:6: parse error: unclosed left parenthesis"):
            await api.query_range("rate(", 60, 60, 60)
    assert len(fake.asked) == 1


async def test_slow_once() -> None:
    """Where the caller asks for less then, what is too slow is not tried again as it is; anything else is."""
    slow, sick = Fake(broken={"": (504, "")}), Fake(broken={"": DOWN})
    for fake, times in ((slow, 1), (sick, ATTEMPTS)):
        async with prometheus(fake, slow_again=False) as api:
            with pytest.raises(NoAnswer):
                await api.query_range("up", 60, 60, 60)
        assert len(fake.asked) == times


@pytest.mark.parametrize(
    "error",
    [
        "exceeded maximum resolution of 11,000 points per timeseries",
        "query processing would load too many samples into memory in query execution",
        "the query time range exceeds the limit (query length: 768h0m0s, limit: 721h0m0s)",
        "the query exceeded the maximum number of chunks (err-mimir-max-chunks-per-query)",
        "cannot select more than -search.maxSamplesPerQuery=1000000000 samples",
    ],
)
async def test_too_much(error: str) -> None:
    """What is too much for a server, in the words of several, may be asked for in parts."""
    async with prometheus(Fake(broken={"": (422, json.dumps({"status": "error", "error": error}))})) as api:
        with pytest.raises(TooMuch, match="says: "):
            await api.query_range("up", 60, 60, 60)


@pytest.mark.parametrize(
    ("beside", "told"),
    [
        ({}, []),
        ({"warnings": None, "infos": ["PromQL info: metric might not be a counter"]}, []),
        ({"warnings": ["store-1 is away", "store-2 is away"]}, ["store-1 is away", "store-2 is away"]),
        ({"isPartial": True}, [PARTIAL]),
        ({"isPartial": False, "warnings": []}, []),
    ],
)
def test_said_beside(beside: dict[str, Any], told: list[str]) -> None:
    """What the server says beside its answer can be heard: that it is a part of one, above all."""
    heard: list[str] = []
    body = {"status": "success", "data": {"resultType": "matrix", "result": []}, **beside}
    assert decode("http://prometheus", 200, json.dumps(body).encode(), heard.append) == []
    assert heard == told


async def test_nobody_there() -> None:
    """A port that nobody listens on is named."""
    async with aiohttp.ClientSession() as session:
        api = Prometheus(session, ["http://127.0.0.1:1"], wait=tenacity.wait_none())
        with pytest.raises(NoAnswer, match=r"http://127\.0\.0\.1:1 cannot be reached"):
            await api.query_range("up", 60, 60, 60)


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (401, b"", QueryRefused, "does not let us in"),
        (200, b'{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}', NothingToRead, "a scalar"),
        (200, b'{"status":"success","data":{"resultType":"string","result":[1,"x"]}}', NothingToRead, "a string"),
        (200, b'{"status":"success"}', NothingToRead, "with a nothing"),
        (200, b'{"status":"success","data":{"resultType":"matrix","result":[{"labels":3}]}}', NotPrometheus, "read"),
        (200, b"\xff\xfe", NotPrometheus, "instead of Prometheus's JSON"),
    ],
)
def test_other_answers(status: int, body: bytes, kind: type[QueryError], said: str) -> None:
    """Every other answer has its own error with a word for metrics."""
    with pytest.raises(kind, match=said) as raised:
        decode("http://prometheus", status, body)
    assert raised.value.reason
