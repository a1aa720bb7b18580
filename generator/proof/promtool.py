"""promtool, found and run: many test files a process, bounded in the time for each and in what is said.

What it says of a file ends up with that file by order: promtool 3.5 does not name the file that it is about.
"""

from __future__ import annotations

import os
import re
import selectors
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from generator import version
from generator.version import Version
from tocsin import duration
from tocsin.errors import UsageError

# Most of a short run is the start of the process and its garbage collector, and there is memory enough.
ENVIRONMENT = {"GOGC": "400", "GOMAXPROCS": "1"}
VERSION = re.compile(r"promtool, version (\S+)")
EXPERIMENTAL: Version = (2, 49)  # the first that has experimental functions, and a flag for them
MOST_OUTPUT = 32 * 2**20  # bytes that one process may say
PIECE = 64 * 1024
HOW_TO_GET = "it is part of Prometheus: prometheus.io/download, or your system's package prometheus"


@dataclass(frozen=True, slots=True)
class Ran:
    """What promtool said of one file; `broken` is why it said nothing, or not all."""

    passed: bool
    said: str
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Promtool:
    """A promtool of a version; a test file may take `limit`."""

    binary: str
    version: Version
    limit: timedelta

    def test(self, files: Sequence[str], folder: Path, *, experimental: bool = False) -> list[Ran]:
        """Runs the test files in the folder, and tells of each; one that breaks the process does not take others along.

        `experimental`: functions that need a flag are known.
        """
        flags = ["--enable-feature=promql-experimental-functions"]
        options = flags if experimental and self.version >= EXPERIMENTAL else []
        ran: list[Ran] = []
        alone = 0  # how many of the next ones get a process of their own
        while len(ran) < len(files):
            next_ones = files[len(ran) :][: 1 if alone else None]
            told, broken = self._test(next_ones, folder, options)
            alone = max(alone - 1, 0)
            if broken and len(next_ones) > 1 and told and not told[-1].passed:
                ran += told[:-1]  # whose words the last ones were cannot be told
                alone = 2
            else:
                ran += [*told, Ran(False, "", broken)][: len(next_ones)] if broken else told
        return ran

    def _test(self, files: Sequence[str], folder: Path, options: Sequence[str]) -> tuple[list[Ran], str]:
        """What one process says of each file, and why not of all if it does not."""
        process = _start([self.binary, "test", "rules", *options, *files], folder)
        said = _Said(process, self.limit)
        told = _by_file(said.text)
        if not said.cut and process.returncode in (0, 1) and len(told) == len(files):
            return told, ""
        why = {"time": f"took longer than {duration.show(self.limit)}", "output": "said more than anybody reads"}
        broken = why.get(said.cut) or f"promtool ended with exit code {process.returncode}: {_tail(said.text)}"
        return (told if len(files) > 1 else []), broken


class _Said:
    """What a process says until it ends, or is ended because it falls silent or says too much."""

    def __init__(self, process: subprocess.Popen[bytes], limit: timedelta) -> None:
        self.cut = ""
        assert process.stdout is not None, "it was asked for"
        try:
            with process.stdout as stream:
                self.text = b"".join(self._pieces(stream.fileno(), limit)).decode("utf-8", "replace")
        finally:
            process.kill()
            process.wait()

    def _pieces(self, file: int, limit: timedelta) -> Iterator[bytes]:
        size = 0
        with selectors.DefaultSelector() as selector:
            selector.register(file, selectors.EVENT_READ)
            while size <= MOST_OUTPUT:
                if not selector.select(limit.total_seconds()):
                    self.cut = "time"
                    return
                piece = os.read(file, PIECE)
                if not piece:
                    return
                size += len(piece)
                yield piece
        self.cut = "output"


def find(given: str, limit: timedelta) -> Promtool:
    """The promtool that was given, or PATH's.

    Raises:
        UsageError: there is none, or it is something else.
    """
    binary = shutil.which(given or "promtool")
    if binary is None and given:
        raise UsageError(f"{given}: there is no such program; {HOW_TO_GET}")
    if binary is None:
        raise UsageError(f"promtool is not in PATH; {HOW_TO_GET}; or name it: --promtool PATH")
    process = _start([os.path.abspath(binary), "--version"], None)
    said = _Said(process, timedelta(seconds=30))
    found = VERSION.search(said.text)
    try:
        known = version.parse(re.split("[-+~]", found[1])[0]) if found else None
    except ValueError:
        known = None
    if known is None:
        raise UsageError(f"{binary}: is no promtool: --version says {_tail(said.text) or 'nothing'!r}")
    return Promtool(os.path.abspath(binary), known, limit)


def _start(command: Sequence[str], folder: Path | None) -> subprocess.Popen[bytes]:
    environment = {**os.environ, **ENVIRONMENT}
    try:
        return subprocess.Popen(  # noqa: S603 - a list of arguments, and no shell
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except OSError as error:
        raise UsageError(f"{command[0]}: cannot be run: {error.strerror}; {HOW_TO_GET}") from error


def _by_file(said: str) -> list[Ran]:
    """One for each file of which the verdict was said, in order."""
    told: list[tuple[bool, list[str]]] = []
    for line in said.split("\n"):
        if line in ("  SUCCESS", "  FAILED:"):
            told.append((line == "  SUCCESS", []))
        elif told:
            told[-1][1].append(line)
    return [Ran(passed, "\n".join(lines)) for passed, lines in told]


def _tail(said: str) -> str:
    lines = [line.strip() for line in said.strip().splitlines()]
    return lines[-1][:200] if lines else ""
