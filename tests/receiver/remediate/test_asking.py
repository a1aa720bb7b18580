"""Conditions asked of Prometheus: whatever does not come as wanted means no, and the reason tells why."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
import tenacity

from receiver.engine.run_events import Observed
from receiver.engine.runs_planned import Condition
from receiver.remediate.asking import NOT_CONFIGURED, Asking, asking
from receiver.remediate.planning import planned
from tests import real
from tests.exporter.fake import BAD_QUERY, DOWN, HTML, Answer, Fake, prometheus, reset, silent
from tests.exporter.test_end_to_end import eventually, free_port, get, running
from tests.receiver.remediate.books import alert, runbook
from tocsin.promapi import Prometheus
from tocsin.promconfig import ServerSettings

Value = Callable[[float], float | None]


def serving(*values: float) -> Fake:
    """A server on which the expression `x` gives these values."""
    return Fake({"x": [({"n": str(number)}, _always(value)) for number, value in enumerate(values)]})


def _always(value: float) -> Value:
    return lambda _: value


@pytest.mark.parametrize(
    ("values", "bounds", "told"),
    [
        ([3.0], {}, (True, 3.0, "", True)),
        ([0.0], {}, (True, 0.0, "", True)),
        ([3.0], {"above": 2}, (True, 3.0, "", True)),
        ([3.0], {"above": 3}, (False, 3.0, "not above 3", True)),
        ([3.0], {"at_least": 3, "at_most": 3, "equals": 3}, (True, 3.0, "", True)),
        ([3.0], {"below": 3}, (False, 3.0, "not below 3", True)),
        ([3.0], {"at_most": 2.5, "equals": 2}, (False, 3.0, "not at most 2.5, not equal to 2", True)),
        ([3.0], {"at_least": 0.1, "below": 2}, (False, 3.0, "not below 2", True)),
        ([float("inf")], {"above": 2}, (True, None, "+inf", True)),
        ([float("-inf")], {"above": 2}, (False, None, "-inf, not above 2", True)),
        ([float("nan")], {}, (False, None, "it gives NaN", False)),
        ([], {}, (False, None, "it gives no value", True)),
        ([1.0, 1.0], {}, (False, None, "it gives 2 values, and must give one: aggregate them", False)),
    ],
)
async def test_a_condition_holds(
    values: list[float], bounds: dict[str, float], told: tuple[bool, float | None, str, bool]
) -> None:
    """It gives one number within the bounds; no value says no, and several or NaN say nothing."""
    async with prometheus(serving(*values)) as api:
        (found,) = await Asking(api).observe([Condition("c", "x", **bounds)])
    assert found == Observed("c", "x", *told)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (DOWN, r"does not answer: http://\S+ answered HTTP 503 with 'upstream is away'"),
        (HTML, "an HTML page instead of Prometheus's JSON"),
        (BAD_QUERY, "says: 1:6: parse error"),
        ((401, ""), "does not let us in"),
        (reset, "cannot be reached"),
        (silent, "does not answer within 0.2 s"),
        ((200, '{"status":"success","data":{"resultType":"matrix","result":[]}}'), "answered with a matrix"),
        ((200, '{"status":"success","data":{"resultType":"string","result":[0,"1"]}}'), "answered with a string"),
        ((200, '{"status":"success","data":{"resultType":"vector","result":[{"value":[0,"one"]}]}}'), "cannot be read"),
        ((200, '{"status":"success","data":{"resultType":"vector","result":[{"histogram":[0,{}]}]}}'), "a histogram"),
        ((200, "x" * 2_000_000), "more than 1048576 bytes"),
    ],
)
async def test_without_an_answer_nothing_is_done(broken: Answer, why: str) -> None:
    """A server that does not answer as Prometheus does answers no, within the time that there is."""
    fake = serving(1.0)
    fake.broken["x"] = broken
    async with prometheus(fake, most_bytes=2**20) as api:
        (found,) = await Asking(api, 0.2).observe([Condition("c", "x")])
    assert not found.holds
    assert not found.answered
    assert found.value is None
    assert re.search(why, found.reason)


async def test_nobody_to_ask() -> None:
    """Without a server, or with one that nobody runs, no guard holds; the reason says what to set."""
    (found,) = await Asking.none().observe([Condition("c", "x")])
    assert found == Observed("c", "x", holds=False, reason=NOT_CONFIGURED, answered=False)
    assert "remediation.prometheus.url" in found.reason
    async with asking(None) as nobody:
        assert await nobody.size("x") is None
    async with aiohttp.ClientSession() as session:
        away = Asking(Prometheus(session, ["http://127.0.0.1:1"], wait=tenacity.wait_none()))
        (found,) = await away.observe([Condition("c", "x")])
        assert await away.size("x") is None
    assert found.reason.startswith("Prometheus does not answer: http://127.0.0.1:1 cannot be reached")
    assert found.reason.endswith("; nothing is done")


async def test_whatever_breaks_means_no() -> None:
    """A session that was closed under it, for one: observing never raises."""
    async with prometheus(serving(1.0)) as api:
        closed = api
    (found,) = await Asking(closed).observe([Condition("c", "x")])
    assert found == Observed(
        "c", "x", holds=False, reason="Prometheus could not be asked: RuntimeError; nothing is done", answered=False
    )


async def test_all_are_asked_at_the_same_time() -> None:
    """As many servers' answers as there are conditions are waited for together, and come in the conditions' order."""
    together = asyncio.Barrier(4)

    async def when_all_are_there(request: aiohttp.web.Request) -> aiohttp.web.Response:
        await together.wait()
        form = await request.post()
        result = [{"metric": {}, "value": [0, str(form["query"])]}]
        return aiohttp.web.json_response({"status": "success", "data": {"resultType": "vector", "result": result}})

    async with prometheus(Fake(broken={"": when_all_are_there})) as api:
        found = await Asking(api, 5).observe([Condition(str(n), str(n), below=3) for n in range(4)])
    assert [(one.value, one.holds) for one in found] == [(0, True), (1, True), (2, True), (3, False)]


@pytest.mark.parametrize(
    ("values", "size"),
    [([12.0], 12), ([12.9], 12), ([], None), ([1.0, 2.0], None), ([float("inf")], None), ([-1.0], None)],
)
async def test_the_size_of_a_fleet(values: list[float], size: int | None) -> None:
    """It is a number of things, or it cannot be known."""
    async with prometheus(serving(*values)) as api:
        assert await Asking(api).size("x") == size


HOSTILE = 'a"} or vector(1) \\ #'


@pytest.fixture(scope="module", params=real.FOLDERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prometheus of each pair, which has a deployment in two namespaces."""
    pair, folder, port = real.pair(request.param), tmp_path_factory.mktemp("prometheus"), free_port()
    now = int(time.time())
    escaped = HOSTILE.replace("\\", "\\\\").replace('"', '\\"')
    lines = [
        f'ready{{namespace="{namespace}",pod="{pod}"}} {value} {when}'
        for namespace, pod, value in (("shop", "a", 1), ("shop", "b", 1), (escaped, "a", 7))
        for when in range(now - 120, now + 240, 60)
    ]
    (folder / "samples.om").write_text("\n".join([*lines, "# EOF\n"]))
    command: list[str | Path] = [pair.promtool, "tsdb", "create-blocks-from", "openmetrics", "samples.om", "data"]
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    (folder / "prometheus.yml").write_text("{}")
    start = [pair.prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
    with running(folder, "prometheus", *start, f"--web.listen-address=127.0.0.1:{port}"):
        eventually("Prometheus", lambda: "Ready" in get(port, "/-/ready"))
        yield f"http://127.0.0.1:{port}"


@pytest.mark.real
@pytest.mark.slow
class TestPrometheus:
    """A real one, of each pair."""

    async def test_what_it_answers(self, server: str) -> None:
        """Vectors, scalars, nothing, several, NaN and what it refuses."""
        expressions = {
            "sum(ready)": (True, 9.0, ""),
            "scalar(sum(ready))": (True, 9.0, ""),
            "1 + 1": (True, 2.0, ""),
            "sum(ready) > 9": (False, None, "it gives no value"),
            "ready": (False, None, "it gives 3 values, and must give one: aggregate them"),
            "absent(nothing)": (True, 1.0, ""),
            "vector(0) / 0": (False, None, "it gives NaN"),
            "vector(1) / 0": (True, None, "+inf"),
        }
        async with asking(ServerSettings(url=(server,))) as prometheus:
            found = await prometheus.observe([Condition("c", expr) for expr in (*expressions, "ready[5m]", "sum(")])
            assert await prometheus.size("count(ready)") == 3
        assert [(one.holds, one.value, one.reason) for one in found[:-2]] == list(expressions.values())
        assert "answered with a matrix" in found[-2].reason
        assert "parse error" in found[-1].reason
        assert [one.answered for one in found[-2:]] == [False, False]

    @pytest.mark.parametrize(("namespace", "value"), [("shop", 2.0), (HOSTILE, 7.0), ("sho", None), (".*", None)])
    async def test_a_value_chooses_its_own_series(self, server: str, namespace: str, value: float | None) -> None:
        """A guard about an alert's label sees the series with exactly that label, whatever stands in it."""
        book = runbook(
            values={"namespace": {"label": "namespace", "pattern": ".*"}},
            target={"is": "it", "allow": ["it"]},
            guards=[{"expr": "sum(ready)", "where": {"namespace": "$(namespace)"}}],
            steps=[{"wait": {"for": "1s"}}],
        )
        plan = planned(book, alert({"namespace": namespace}))
        async with asking(ServerSettings(url=(server,))) as prometheus:
            (found,) = await prometheus.observe(plan.guards)
        assert found.value == value
