"""Runs one program to its end, within bounds: clean environment, time, output, and nothing of it left behind."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from receiver.remediate.output import Output

LAUNCHER = Path(__file__).with_name("launcher.py")
GRACE_SECONDS = 5.0  # between asking a program to end and ending it
SPARE_SECONDS = 5.0  # beyond time limit and grace for the launcher itself
CHUNK = 65_536
AT_FULL_SPEED = 1_000_000  # bytes; whoever prints more is read with pauses, so that it takes no processor from others
PAUSE_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Program:
    """What is started. `arguments` begins with the name that it is called by; `limits` are of setrlimit(2)."""

    path: Path
    arguments: Sequence[str]
    environment: Mapping[str, str]
    seconds: float
    directory: Path = Path("/")
    umask: int = 0o077
    limits: Mapping[str, int] = field(default_factory=dict)
    grace_seconds: float = GRACE_SECONDS


class Ending(msgspec.Struct, frozen=True):
    """What the launcher tells of a program's end: its exit code, or the signal that ended it."""

    exit: int | None = None
    signal: int | None = None
    cut: str = ""  # why it was ended before its time: "time", "called off"
    left: int = 0  # processes that it left behind, which were ended
    stuck: int = 0  # processes that could not be ended
    error: str = ""  # it could not be started: nothing was done


@dataclass(frozen=True, slots=True)
class Ran:
    """How it ended, None where nobody can tell; and what it printed, errors among it, without secrets."""

    ending: Ending | None
    output: str


async def run(program: Program, secrets: Iterable[str] = ()) -> Ran:
    """Runs it. Cancelled, it ends the program first, and whatever that has started.

    A worker that dies takes the program with it: the launcher sees its standard input end.
    """
    launcher = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-S",
        str(LAUNCHER),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env={},
        cwd="/",
        start_new_session=True,  # an interrupt from the keyboard is the worker's to pass on
    )
    output = Output()
    ends = asyncio.ensure_future(_to_the_end(launcher, program, output))
    bound = program.seconds + program.grace_seconds + SPARE_SECONDS
    try:
        await asyncio.wait([ends], timeout=bound)
    finally:
        _close(launcher)  # which calls the program off, if it still runs
        with suppress(asyncio.CancelledError):  # cancelled again, the launcher ends it by itself
            await asyncio.wait([ends], timeout=program.grace_seconds + SPARE_SECONDS)
            if not ends.done():
                with suppress(ProcessLookupError):
                    launcher.kill()
        ends.cancel()
        await asyncio.wait([ends])
    ending = None if ends.cancelled() else ends.result()
    return Ran(ending, output.text(secrets))


async def _to_the_end(launcher: Process, program: Program, output: Output) -> Ending | None:
    assert launcher.stdin is not None
    assert launcher.stdout is not None
    assert launcher.stderr is not None
    with suppress(ConnectionError):
        launcher.stdin.write(_line(program))
        await launcher.stdin.drain()
    printing = asyncio.ensure_future(_read(launcher.stdout, output))
    try:
        said = await launcher.stderr.read()
        await launcher.wait()
        await asyncio.wait([printing], timeout=1)  # one that could not be ended may hold it open
    finally:
        printing.cancel()
    with suppress(msgspec.DecodeError):
        return msgspec.json.decode(said, type=Ending)
    return None


async def _read(stream: asyncio.StreamReader, output: Output) -> None:
    while chunk := await stream.read(CHUNK):
        output.add(chunk)
        if output.size > AT_FULL_SPEED:
            await asyncio.sleep(PAUSE_SECONDS)


def _line(program: Program) -> bytes:
    spec = {
        "program": str(program.path),
        "arguments": list(program.arguments),
        "environment": dict(program.environment),
        "directory": str(program.directory),
        "seconds": program.seconds,
        "grace": program.grace_seconds,
        "umask": program.umask,
        "limits": dict(program.limits),
    }
    return json.dumps(spec).encode() + b"\n"


def _close(launcher: Process) -> None:
    if launcher.stdin is not None:
        launcher.stdin.close()
