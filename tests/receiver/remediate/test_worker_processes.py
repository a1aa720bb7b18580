"""Worker processes that are killed, or stand still, in the midst of a step."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from demo.processes import Process
from tests.receiver.bodies import START, alert, body
from tests.receiver.remediate.healing import runbook, step
from tests.receiver.remediate.programs import Folder
from tests.receiver.remediate.workshop import Workshop, workshop

pytestmark = pytest.mark.slow(seconds=35)

WITHIN_SECONDS = 90.0
LONG = 40  # seconds of a step, so that it is under way when its worker goes
STORY = ["run_proposed", "run_started", "run_step_began", "run_step_ended", "run_verified", "run_ended"]


async def until(made: Workshop, kind: str) -> dict[str, object]:
    """The event of that kind, as soon as it is there."""
    async with asyncio.timeout(WITHIN_SECONDS):
        while True:
            for event in await made.timeline():
                if event["kind"] == kind:
                    return event
            await asyncio.sleep(0.1)


def lines(file: Path) -> list[str]:
    """What the step wrote."""
    return file.read_text().splitlines() if file.exists() else []


async def in_mid_step(made: Workshop, file: Path) -> Process:
    """The worker that has begun the step, as soon as that has written."""
    began = await until(made, "run_step_began")
    one = next(one for one in made.workers.values() if str(began["worker"]).endswith(f":{one.pid}"))
    async with asyncio.timeout(WITHIN_SECONDS):
        while True:
            if lines(file):
                return one
            one.check()
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("how", ["killed", "paused"])
async def test_a_worker_goes_in_mid_step(tmp_path: Path, empty_postgres_url: str, how: str) -> None:
    """The other one does not do the step again: it is unknown, verified, and all is well; the line stands there once.

    One that was paused and wakes up after its claim has lapsed completes nothing.
    """
    done = tmp_path / "done"
    program = Folder(tmp_path / "programs").program(f"echo done >>{done}; exec sleep {LONG}")
    book = runbook(step("mend", command=[str(program)], timeout="2m"))
    async with workshop(tmp_path, empty_postgres_url, [book], {}, "first", "second") as made:
        since = (datetime.now(UTC) - START).total_seconds()
        await made.post(body(alert(service="player", start=since)))
        one = await in_mid_step(made, done)
        if how == "killed":
            await one.kill()
        else:
            one.pause()
        ended = await until(made, "run_step_ended")
        assert ended["outcome"] == "unknown"
        assert (await until(made, "run_ended"))["outcome"] == "succeeded"
        if how == "paused":
            one.wake()
            await said(one, "a run goes on elsewhere", "claim", "taken over")
        told = [event["kind"] for event in await made.timeline() if str(event["kind"]).startswith("run_")]
        assert told == STORY
        assert lines(done) == ["done"]


async def said(one: Process, *words: str) -> None:
    """Returns when one of these stands in the log of a process."""
    async with asyncio.timeout(WITHIN_SECONDS):
        while not any(word in one.log.read_text(encoding="utf-8") for word in words):
            one.check()
            await asyncio.sleep(0.1)
