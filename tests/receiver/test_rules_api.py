"""Each alert's `for` from Prometheus's rules API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from structlog.testing import capture_logs

from receiver.config import ReceiverConfig
from receiver.engine.onset import Holds
from receiver.onsets.api import ServedHolds, waiting
from receiver.onsets.settings import RulesApiSettings
from tests.receiver.harness import receiver
from tocsin.config import load
from tocsin.errors import InputError, TocsinError
from tocsin.problem import as_text
from tocsin.promrules import RULES, decode_rules

MINUTE = timedelta(minutes=1)


def answer(*rules: dict[str, Any]) -> bytes:
    return json.dumps({"status": "success", "data": {"groups": [{"name": "g", "rules": rules}]}}).encode()


def rule(name: str, seconds: float, **labels: str) -> dict[str, Any]:
    return {"type": "alerting", "name": name, "duration": seconds, "labels": labels, "query": "up", "alerts": []}


@asynccontextmanager
async def server(answers: list[tuple[int, bytes]], asked: list[web.Request]) -> AsyncIterator[str]:
    """A Prometheus that gives these answers in turn, the last one for ever."""

    async def rules(request: web.Request) -> web.Response:
        asked.append(request)
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        return web.Response(status=status, body=body)

    application = web.Application()
    application.router.add_get(RULES, rules)
    async with TestServer(application) as running:
        yield str(running.make_url("/"))


async def test_it_is_asked_again_and_again(tmp_path: Path) -> None:
    """What it tells last counts; while it fails what is known stays, and the failure is told once."""
    (tmp_path / "token").write_text("abc")
    answers = [(200, answer(rule("A", 300))), (403, b""), (403, b""), (200, answer(rule("A", 60)))]
    asked: list[web.Request] = []
    found: list[Holds] = []
    async with server(answers, asked) as url:
        settings = RulesApiSettings.model_validate(
            {"url": url, "authorization": {"credentials_file": str(tmp_path / "token")}}
        )
        served = ServedHolds(settings, found.append)
        with capture_logs() as logs:
            for _ in range(5):
                await served.ask()
    assert [holds.hold({"alertname": "A"}) for holds in found] == [5 * MINUTE, MINUTE]
    assert [log["log_level"] for log in logs] == ["warning", "info"]
    assert {request.headers["Authorization"] for request in asked} == {"Bearer abc"}
    assert {request.query_string for request in asked} == {"type=alert"}


async def test_files_count_before_the_server_also_after_a_reload(tmp_path: Path) -> None:
    """The engine knows both; a reload that cannot read the files keeps both."""
    from receiver.prepared import Prepared

    (tmp_path / "rules.yml").write_text("groups: [{name: g, rules: [{alert: A, expr: up, for: 1m}]}]")
    async with server([(200, answer(rule("A", 300), rule("B", 300)))], []) as url:
        (tmp_path / "receiver.yml").write_text(f"rule_files: [rules.yml]\nrules_api: {{url: '{url}'}}\n")
        config = load(tmp_path / "receiver.yml", ReceiverConfig)
        async with receiver(tmp_path, config) as tocsin:

            def known() -> list[timedelta | None]:
                return [tocsin.receiver.loop.rules.holds.hold({"alertname": name}) for name in "ABC"]

            assert known() == [MINUTE, None, None]
            served = tocsin.receiver.watching.served
            assert served is not None
            await served.ask()
            assert known() == [MINUTE, 5 * MINUTE, None]
            await tocsin.receiver.take(Prepared.of(config, again=True))
            assert known() == [MINUTE, 5 * MINUTE, None]
            (tmp_path / "rules.yml").write_text("no rules")
            await tocsin.receiver.take(Prepared.of(config, again=True))
            assert known() == [MINUTE, 5 * MINUTE, None]


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (403, b"", "does not let us in"),
        (200, b"<html>", "something else"),
        (200, b'{"status": "error", "error": "no"}', "says: no"),
        (200, answer(rule("A", 1e300)), "something else"),
        (503, b"", "something else"),
    ],
)
def test_answers_that_tell_nothing(status: int, body: bytes, said: str) -> None:
    """Each is a failure in words."""
    with pytest.raises(TocsinError, match=said):
        decode_rules("http://x", status, body)


def test_recording_rules_and_templates() -> None:
    """Only alert rules count, and of their labels those that are the same for each alert."""
    served = answer(rule("A", 90, a="b", c="{{ $value }}"), {"type": "recording", "name": "r"})
    found = waiting(decode_rules("http://x", 200, served))
    assert [(one.alert, one.hold, one.labels) for one in found] == [("A", timedelta(seconds=90), (("a", "b"),))]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("{}", "url"),
        ("{url: nowhere}", "is not an http address"),
        ("{url: []}", "is empty"),
        ("{url: 'http://p', every: 0s}", "must be 1s or more"),
        ("{url: 'http://p', basic_auth: {username: a, password: b}}", "stands in the file itself"),
    ],
)
def test_wrong_settings(settings: str, said: str, tmp_path: Path) -> None:
    """Each is told with its place."""
    (tmp_path / "receiver.yml").write_text(f"rules_api: {settings}\n")
    with pytest.raises(InputError) as caught:
        load(tmp_path / "receiver.yml", ReceiverConfig)
    assert said in as_text(caught.value.problems)
    assert caught.value.problems[0].at.line == 1
