"""Programs that steps run in the tests, and what they are run with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from receiver.engine.runs_planned import Action
from receiver.remediate.step import About
from receiver.remediate.steps.exec import ExecEdge, ExecStep
from receiver.remediate.values import Values

ABOUT = About("INC-1", "Disk is full", "run-1", "run-1/step/1", {"alertname": "DiskFull", "instance": "web-1"})


class Folder:
    """A folder from which programs may be started."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(mode=0o755, exist_ok=True)

    def program(self, text: str, name: str = "program", mode: int = 0o755) -> Path:
        """A shell script."""
        file = self.path / name
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(mode)
        return file

    def edge(self, **settings: object) -> ExecEdge:
        """What the worker knows."""
        return ExecEdge.model_validate({"allow": [str(self.path)], **settings})


def step(*command: object, **settings: object) -> ExecStep:
    """A step as a runbook has it."""
    return ExecStep.model_validate({"command": [str(part) for part in command], **settings})


def action(*command: object, values: dict[str, str] | None = None, seconds: float = 10.0, **settings: object) -> Action:
    """A planned step."""
    one = step(*command, **settings).model_copy(update={"timeout": timedelta(seconds=seconds)})
    return one.action(Values(values or {}))


def alive(process: str) -> bool:
    """Whether a process of this id runs."""
    try:
        return "Z" not in Path(f"/proc/{process.strip()}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


async def until(what: Callable[[], bool]) -> None:
    """Returns when it is so; fails when it never is."""
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
