"""Answers from Slack over Socket Mode."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.web.slack_socket import SlackSockets
from tests.receiver.notify.cases.case import secret_file
from tests.receiver.notify.slack_far import Slack
from tests.receiver.notify.slack_world import paged


async def test_socket_mode(tmp_path: Path) -> None:
    """Over Socket Mode a press counts the same, and Slack hears that it was taken."""
    async with paged(tmp_path, app_token_file=secret_file(tmp_path, "app", "xapp-1")) as world:
        sockets = asyncio.create_task(world.harness.receiver.doors.slack.sockets.run())
        await until_so(world.slack, lambda: bool(world.slack.sockets))
        envelope = {"envelope_id": "e1", "type": "interactive", "payload": world.slack.click(world.page, "acknowledge")}
        await world.slack.sockets[0].send_json(envelope)
        await until_so(world.slack, lambda: bool(world.slack.answers and world.slack.acknowledged))
        assert world.slack.acknowledged == ["e1"]
        assert (await world.incident())["acknowledged_by"] == "alice"
        await stopped(sockets)


async def test_socket_mode_of_another_configuration(tmp_path: Path) -> None:
    """A reload connects what is new and lets go of what is gone."""
    async with paged(tmp_path, app_token_file=secret_file(tmp_path, "app", "xapp-1")) as world:
        part: SlackSockets = world.harness.receiver.doors.slack.sockets
        running = asyncio.create_task(part.run())
        await until_so(world.slack, lambda: len(world.slack.sockets) == 1)
        part.configure({})
        await until_so(world.slack, lambda: world.slack.sockets[0].closed)
        part.configure(world.harness.receiver.telling.handlers.channels)
        await until_so(world.slack, lambda: len(world.slack.sockets) == 2)
        await stopped(running)


async def test_refused_app_token(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An app-level token that does not count is told in the log with Slack's own word, and the receiver goes on."""
    async with paged(tmp_path, app_token_file=secret_file(tmp_path, "app", "xapp-1")) as world:
        world.slack.fails = [(200, "invalid_auth")] * 2
        running = asyncio.create_task(world.harness.receiver.doors.slack.sockets.run())
        await until_so(world.slack, lambda: "apps.connections.open" in world.slack.methods)
        await asyncio.wait([running], timeout=0.1)
        assert not running.done()
        await stopped(running)
    assert "invalid_auth" in capsys.readouterr().out


async def until_so(slack: Slack, so: Callable[[], bool]) -> None:
    """Waits for the far side to have heard something."""
    async with asyncio.timeout(10):
        while not so():
            slack.heard.clear()
            try:
                async with asyncio.timeout(0.05):
                    await slack.heard.wait()
            except TimeoutError:
                continue


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
