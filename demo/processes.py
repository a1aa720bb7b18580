"""Programs that run beside us: started, watched, stopped whatever happens; and commands that run once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import aiohttp

TOCSIN = str(Path(sys.executable).with_name("tocsin"))
LOG_LINES = 15


class Died(Exception):
    """A program ended that should have gone on; the message holds the last lines of its log."""


class CommandFailed(Exception):
    """A command did not exit with 0; the message holds what it said."""


class Process:
    """One running program; all it says goes to a file."""

    def __init__(self, name: str, log: Path, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.log = log
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    @classmethod
    async def start(
        cls, name: str, command: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None
    ) -> Self:
        """Starts a program in a process group of its own, so that Ctrl-C in the terminal reaches only us."""
        with log.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                process_group=0,
                env={**os.environ, **(environment or {})},
            )
        return cls(name, log, process)

    def check(self) -> None:
        """Raises Died if it no longer runs."""
        code = self._process.returncode
        if code is not None:
            ended = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
            raise Died(f"{self.name} ended ({ended}); the last lines of its log:\n{self.tail()}")

    def tail(self) -> str:
        """The last lines of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-LOG_LINES:]) or "    (it said nothing)"

    async def ready(self, http: aiohttp.ClientSession, url: str, *, within_seconds: float = 60) -> None:
        """Returns when the program answers 200 at a URL.

        Raises:
            Died: it ended, or was not ready in time.
        """
        try:
            async with asyncio.timeout(within_seconds):
                while not await _answers(http, url):
                    self.check()
                    await asyncio.sleep(0.05)
        except TimeoutError as error:
            late = f"{self.name} is not ready after {within_seconds:.0f} s; the last lines of its log:\n{self.tail()}"
            raise Died(late) from error

    async def stop(self, *, within_seconds: float = 15) -> int:
        """Asks it to end, and kills it if it does not; returns its exit code."""
        try:
            self._signal(signal.SIGTERM)
            async with asyncio.timeout(within_seconds):
                return await self._process.wait()
        except TimeoutError:
            return await self.kill()
        except asyncio.CancelledError:
            await self.kill()
            raise

    async def kill(self) -> int:
        """SIGKILL: no chance to tidy up."""
        self._signal(signal.SIGKILL)
        return await self._process.wait()

    def pause(self) -> None:
        """SIGSTOP: it stands still where it is, its connections open."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        """SIGCONT: it goes on where it stood, and knows nothing of the time between."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            self._process.send_signal(number)


async def _answers(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url) as response:
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


@asynccontextmanager
async def running(
    name: str, command: Sequence[str | Path], logs: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Process]:
    """A program that runs for the length of a block."""
    process = await Process.start(name, command, logs / f"{name}.log", environment)
    try:
        yield process
    finally:
        await process.stop()


async def run(*command: str | Path, environment: Mapping[str, str] | None = None) -> str:
    """Runs a command to its end and returns what it printed.

    Raises:
        CommandFailed: its exit code is not 0.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        process_group=0,
        env={**os.environ, **(environment or {})},
    )
    try:
        said = (await process.communicate())[0].decode(errors="replace").strip()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        words = " ".join(str(word) for word in command)
        raise CommandFailed(f"{words}: exit code {process.returncode}\n{said}")
    return said


def free_port() -> int:
    """A free loopback port below the range from which the kernel takes ports of outgoing connections.

    Within that range a client that waits for its server could take the very port it waits for.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
