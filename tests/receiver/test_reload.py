"""Reading the configuration again: a good one takes over between two requests, a bad one changes nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from receiver.config import ReceiverConfig
from receiver.prepared import Prepared
from receiver.web.operations import Lifecycle
from tests.receiver.bodies import alert, body
from tests.receiver.harness import HOOK, Harness, Phone, escalation, receiver
from tocsin.config import load
from tocsin.errors import StoreUnavailable
from tocsin.reload import Reloader

PATH = "/-/reload"


def write(file: Path, **config: Any) -> None:
    file.write_text(json.dumps(config))


def enable(tocsin: Harness, file: Path) -> None:
    """Lets a harness reload a file, as `serve.run` does, but for the channels: phones stay phones."""

    async def take(prepared: Prepared) -> None:
        phones = {name: tocsin.phones.get(name, Phone()) for name in prepared.channels}
        await tocsin.receiver.take(replace(prepared, channels=phones, directory=prepared.config.directory(phones)))

    reloader = Reloader(
        lambda: Prepared.of(load(file, ReceiverConfig), again=True),
        take,
        registry=tocsin.receiver.metrics.registry,
        clock=tocsin.clock,
    )
    tocsin.receiver.doors.lifecycle.reload = reloader.reload


async def metric(tocsin: Harness, name: str) -> float:
    text = await (await tocsin.client.get("/metrics")).text()
    (value,) = [line.split()[1] for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(value)


async def test_not_enabled(tmp_path: Path) -> None:
    """Without --web.enable-lifecycle nobody can reload over HTTP, and the answer names the flag."""
    async with receiver(tmp_path) as tocsin:
        answer = await tocsin.client.post(PATH)
        assert answer.status == 403
        assert "--web.enable-lifecycle" in await answer.text()
        assert (await tocsin.client.get(PATH)).status == 405


async def test_a_bad_configuration(tmp_path: Path) -> None:
    """Every problem stands in the answer, the log tells them once, the metric says so, and the old one stays."""
    file = tmp_path / "receiver.yml"
    async with receiver(tmp_path, ReceiverConfig(inbox_limit=1)) as tocsin:
        enable(tocsin, file)
        write(file, inbox_limit=0, chanels={})
        with capture_logs() as logs:
            for _ in range(2):
                tocsin.clock.advance(hours=1)
                answer = await tocsin.client.post(PATH)
                assert answer.status == 500
                text = await answer.text()
                assert f"{file}:1:" in text
                assert "did you mean 'channels'" in text
                assert "inbox_limit" in text
        assert len(logs) == 1
        assert await metric(tocsin, "tocsin_config_last_reload_successful") == 0
        assert tocsin.receiver.inbox.limit == 1
        before = await metric(tocsin, "tocsin_config_last_reload_success_timestamp_seconds")
        write(file, inbox_limit=2)
        assert (await tocsin.client.post(PATH)).status == 200
        assert await metric(tocsin, "tocsin_config_last_reload_successful") == 1
        assert await metric(tocsin, "tocsin_config_last_reload_success_timestamp_seconds") == before + 7200
        assert tocsin.receiver.inbox.limit == 2


async def test_a_secret_that_cannot_be_read(tmp_path: Path) -> None:
    """A configuration whose secrets are not there is refused as a whole."""
    file = tmp_path / "receiver.yml"
    async with receiver(tmp_path) as tocsin:
        enable(tocsin, file)
        write(file, inbox_limit=5, sources={"a": {"bearer_token_files": ["nosuch"]}})
        answer = await tocsin.client.post(PATH)
        assert answer.status == 500
        assert "nosuch: the secret cannot be read" in await answer.text()
        assert tocsin.receiver.inbox.limit == 100_000


async def test_tokens_are_read_again(tmp_path: Path) -> None:
    """A token is rotated by writing its file and reloading, with nothing lost in between."""
    file = tmp_path / "receiver.yml"
    (tmp_path / "token").write_text("old")
    write(file, sources={"alertmanager": {"bearer_token_files": ["token"]}})
    async with receiver(tmp_path / "store", load(file, ReceiverConfig)) as tocsin:
        enable(tocsin, file)
        statuses = []
        for step in ("", "new", "reload"):
            if step == "new":
                (tmp_path / "token").write_text("new")
            elif step:
                assert (await tocsin.client.post(PATH)).status == 200
            for token in ("old", "new"):
                headers = {"Authorization": f"Bearer {token}"}
                statuses.append((await tocsin.client.post(HOOK, data=body(alert()), headers=headers)).status)
        assert statuses == [200, 401, 200, 401, 401, 200]


async def test_incidents_keep_their_escalation(tmp_path: Path) -> None:
    """An incident goes on with the steps it was opened under; a channel that is gone is told of, and skipped over."""
    file = tmp_path / "receiver.yml"
    hook = {"webhook": {"url": "http://127.0.0.1:1/never-called"}}
    before = escalation(("0s", ("alice",)), ("10m", ("bob",)))
    async with receiver(tmp_path, before) as tocsin:
        enable(tocsin, file)
        await tocsin.post(body(alert()))
        write(file, channels={"alice": hook, "bob": hook}, escalation={"steps": [{"after": "1h", "notify": ["alice"]}]})
        assert (await tocsin.client.post(PATH)).status == 200
        await tocsin.post(body(alert("Other"), group="Other"))
        await tocsin.advance(minutes=10)
        assert tocsin.phones["alice"].keys == ["page/0/alice"]
        assert tocsin.phones["bob"].keys == ["page/1/bob"]
        await tocsin.advance(minutes=50)
        assert tocsin.phones["alice"].keys == ["page/0/alice", "page/0/alice"]


async def test_a_channel_that_was_taken_away(tmp_path: Path) -> None:
    """A page for a channel that is configured no more fails for good, and the next step comes forward."""
    file = tmp_path / "receiver.yml"
    hook = {"webhook": {"url": "http://127.0.0.1:1/never-called"}}
    async with receiver(tmp_path, escalation(("1m", ("alice",)), ("10m", ("bob",)))) as tocsin:
        enable(tocsin, file)
        await tocsin.post(body(alert()))
        write(file, channels={"bob": hook})
        assert (await tocsin.client.post(PATH)).status == 200
        await tocsin.advance(minutes=1)
        assert tocsin.phones["alice"].keys == []
        assert tocsin.phones["bob"].keys == ["page/1/bob"]


async def test_limits(tmp_path: Path) -> None:
    """Bounds of bodies change with the configuration."""
    file = tmp_path / "receiver.yml"
    async with receiver(tmp_path) as tocsin:
        enable(tocsin, file)
        write(file, max_body_bytes=1024)
        assert (await tocsin.client.post(PATH)).status == 200
        assert (await tocsin.client.post(HOOK, data=body(alert()).ljust(2000))).status == 413
        assert (await tocsin.client.post(HOOK, data=body(alert()).ljust(1000))).status == 200


@pytest.mark.parametrize(("stopping", "status"), [(False, 200), (True, 503)])
async def test_ready_while_stopping(tmp_path: Path, stopping: bool, status: int) -> None:
    """A receiver that stops is not ready, but still alive."""
    async with receiver(tmp_path) as tocsin:
        tocsin.receiver.doors.lifecycle.stopping = stopping
        assert isinstance(tocsin.receiver.doors.lifecycle, Lifecycle)
        assert (await tocsin.client.get("/-/ready")).status == status
        assert (await tocsin.client.get("/-/healthy")).status == 200


async def test_a_store_that_stays_away_is_told_once(tmp_path: Path) -> None:
    """However often jobs find the store away, the log says so once, and again only after it had answered."""
    error = StoreUnavailable("the store cannot be read: away")
    async with receiver(tmp_path) as tocsin:
        with capture_logs() as logs:
            for _ in range(3):
                tocsin.receiver.runner._wait_for_store(error)
            await tocsin.receiver.runner._start_lanes()
            tocsin.receiver.runner._wait_for_store(error)
        assert [line["event"] for line in logs] == ["jobs wait for the store"] * 2


async def test_rule_files(tmp_path: Path) -> None:
    """A reload reads rule files anew; one that cannot be read is told, and what was read before stays."""
    file, rules = tmp_path / "receiver.yml", tmp_path / "rules.yml"
    write(file, rule_files=["rules.yml"], inbox_limit=5)
    async with receiver(tmp_path) as tocsin:
        enable(tocsin, file)
        with capture_logs() as logs:
            for text, minutes in [("5m", 5), ("9m", 9), ("soon", 9), ("1m", 1)]:
                rules.write_text(f"groups: [{{name: g, rules: [{{alert: A, expr: up, for: {text}}}]}}]")
                assert (await tocsin.client.post(PATH)).status == 200
                known = tocsin.receiver.loop.rules.holds.hold({"alertname": "A"})
                assert known == timedelta(minutes=minutes)
        (warning,) = [log for log in logs if log["log_level"] == "warning"]
        assert f"{rules}:1:" in warning["problems"]
        assert tocsin.receiver.inbox.limit == 5
