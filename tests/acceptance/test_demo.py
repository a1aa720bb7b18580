"""`python -m demo` as a command: what it prints, how it ends, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from demo.measuring import page
from tests import real


@asynccontextmanager
async def demo(folder: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command, with a folder of its own for temporary files."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "demo", *arguments,
        cwd=real.ROOT,
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def _said_until(process: asyncio.subprocess.Process, text: str) -> str:
    assert process.stdout is not None
    said = ""
    async for line in process.stdout:
        said += line.decode()
        if text in said:
            return said
    raise AssertionError(f"it never said {text!r}:\n{said}")


def _running(folder: Path) -> list[str]:
    """The command lines of running processes that name a folder."""
    lines = [_command_line(process) for process in Path("/proc").iterdir() if process.name.isdecimal()]
    return [line for line in lines if str(folder) in line]


def _left_behind(folder: Path) -> list[str]:
    """Processes and files that should be gone."""
    return _running(folder) + [str(path) for path in folder.iterdir()]


def _command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_text(encoding="utf-8", errors="replace").replace("\0", " ")
    except OSError:
        return ""


async def test_no_binaries(tmp_path: Path) -> None:
    """Without the binaries it says what is missing and how to get it."""
    async with demo(tmp_path, "--once", "--binaries", str(tmp_path)) as process:
        said = (await process.communicate())[0].decode()
    assert process.returncode == 1
    missing = "no prometheus and no promtool and no alertmanager"
    assert said == f"{tmp_path} has {missing}: make tools, or --binaries DIR\n"


@pytest.mark.slow
async def test_program_that_dies(tmp_path: Path) -> None:
    """A server that does not start is named, with the end of its log, and nothing is left behind."""
    (tmp_path / "tmp").mkdir()
    for name, script in (
        ("prometheus", "exec sleep 60"), ("promtool", "exit 0"), ("alertmanager", "echo no space left; exit 3")
    ):  # fmt: skip
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    async with demo(tmp_path / "tmp", "--once", "--quick", "--binaries", str(tmp_path)) as process:
        said = (await process.communicate())[0].decode()
    assert process.returncode == 1
    assert "alertmanager ended (exit code 3); the last lines of its log:\n    no space left\n" in said
    assert "Traceback" not in said
    assert _left_behind(tmp_path / "tmp") == []


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize(
    ("story", "moment", "number"),
    [(["--quick"], "All of it is ready", signal.SIGINT), ([], "samples of", signal.SIGTERM)],
    ids=["the story", "the set-up"],
)
async def test_interrupted(tmp_path: Path, story: list[str], moment: str, number: signal.Signals) -> None:
    """Ctrl-C in the middle of the set-up or of the story ends everything cleanly."""
    binaries = real.pair("current").prometheus.parent
    async with demo(tmp_path, *story, "--binaries", str(binaries)) as process:
        said = await _said_until(process, moment)
        process.send_signal(number)
        said += (await process.communicate())[0].decode()
    assert process.returncode == 130
    assert said.endswith("stopped; nothing is left running\n")
    assert "Traceback" not in said
    assert said.replace("\n", "").isprintable(), "control characters, and no terminal"
    assert _left_behind(tmp_path) == []


@pytest.mark.slow(seconds=200)
@pytest.mark.real
@pytest.mark.timeout(900)
async def test_fault(tmp_path: Path) -> None:
    """A fault of the packs is told from the alert to the person who is paged; then it is mended, and it ends."""
    binaries = real.pair("current").prometheus.parent
    async with demo(tmp_path, "--fault", "login-brute-force", "--once", "--binaries", str(binaries)) as process:
        said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
    stated = page.stated(page.PAGE.read_text(encoding="utf-8"))["login-brute-force", "exporter"]
    assert f"As measured, {stated.alert} tells of it first" in said
    assert re.search(rf"\+\d+:\d\d  {stated.alert} fires \(\w+, listen\)\n", said), said
    assert "login-brute-force is mended." in said
    assert "Traceback" not in said
    assert _left_behind(tmp_path) == []
