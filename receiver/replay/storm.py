"""Reading a recorded storm, as often as it is asked for: a file, compressed or not, or standard input."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedIOBase, BytesIO
from pathlib import Path

from receiver.engine.notification import Body
from receiver.replay.lines import SHOULD_BE, NotALine, parse
from tocsin.errors import InputError
from tocsin.problem import Level, Position, Problem

GZIP = b"\x1f\x8b"
STANDARD_INPUT = "-"


class Storm:
    """The bodies of a file; what is wrong with its lines is in `problems` once all were read."""

    def __init__(self, file: Path, longest_line: int) -> None:
        """`file` may be `-`, standard input; what can be read only once is kept in memory. `longest_line` is in bytes.

        Raises:
            InputError: there is no such file.
        """
        self.name = "standard input" if str(file) == STANDARD_INPUT else str(file)
        self._file = file
        self._input = _kept(file)
        self._longest = longest_line
        self.problems: list[Problem] = []
        with self._open():
            pass

    def bodies(self) -> Iterator[Body]:
        """The bodies in the order of the file, on a clock that never goes back."""
        self.problems = []
        now, backwards = None, 0
        for number, raw in self._lines():
            try:
                line = parse(raw)
            except NotALine as error:
                self._tell(number, str(error), SHOULD_BE)
                continue
            if now is not None and line.at < now:
                backwards = backwards or number
            now = line.at if now is None else max(now, line.at)
            yield line.body(number, now)
        if backwards:
            said = "times go back, here for the first time; bodies are played in the order of the file"
            self._tell(backwards, said, "sort the lines by their times, if that is not how they came", "warning")

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """The lines that say something, counted from 1."""
        number = 0
        with self._open() as stream:
            try:
                while raw := stream.readline(self._longest + 1):
                    number += 1
                    if len(raw) > self._longest:
                        self._tell(number, f"is longer than {self._longest:,} bytes", "raise max_body_bytes")
                        while raw and not raw.endswith(b"\n"):
                            raw = stream.readline(self._longest)
                    elif raw.strip():
                        yield number, raw
            except (EOFError, zlib.error, OSError) as error:
                self._tell(number + 1, f"cannot be read on: {error}", "what stands before it was played")

    @contextmanager
    def _open(self) -> Iterator[BufferedIOBase]:
        with ExitStack() as stack:
            try:
                raw = BytesIO(self._input) if self._input is not None else self._file.open("rb")
            except OSError as error:
                problem = Problem("read", f"cannot be read: {error.strerror}", Position(self.name), "check the path")
                raise InputError([problem]) from error
            stack.enter_context(raw)
            packed = raw.read(len(GZIP)) == GZIP
            raw.seek(0)
            yield stack.enter_context(gzip.open(raw)) if packed else raw

    def _tell(self, number: int, message: str, hint: str, severity: Level = "error") -> None:
        self.problems.append(Problem("line", message, Position(self.name, number), hint, severity=severity))


def _kept(file: Path) -> bytes | None:
    """What cannot be opened a second time."""
    if str(file) == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    return file.read_bytes() if file.is_fifo() else None
