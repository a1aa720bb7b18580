"""The book of verdicts: one line of JSON for each thing said, only ever added to.

Several processes may write: each line is appended under a lock and synced before it counts. A line that cannot be read
is told once and left where it is.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import structlog

from exporter.feedback.verdict import Removal, Verdict
from tocsin.errors import TocsinError, UsageError

log = structlog.get_logger("exporter.feedback")

FILE = "feedback.jsonl"
MOST_VERDICTS = 10_000  # in force at once; each is heard at every step

Line = Verdict | Removal
Stamp = tuple[int, int, int] | None


class NoSuchVerdict(UsageError):
    """Nobody said this, or it was taken back."""


class Book:
    """The verdicts in a folder; the file is read again when it has changed."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / FILE
        self._stamp: Stamp = None
        self._verdicts: tuple[Verdict, ...] = ()
        self._told: set[int] = set()

    def verdicts(self) -> tuple[Verdict, ...]:
        """Those in force, in the order in which they were said; the same object as long as nothing changes.

        A file that cannot be read just now changes nothing.
        """
        stamp = _stamp(self.file)
        if stamp != self._stamp:
            try:
                self._verdicts = self._read()
                self._stamp = stamp
            except OSError as error:
                if 0 not in self._told:
                    self._told.add(0)
                    log.error("feedback cannot be read", file=str(self.file), reason=error.strerror)
        return self._verdicts

    def add(self, verdict: Verdict) -> None:
        """Writes a verdict down.

        Raises:
            TocsinError: it cannot be written, or there are too many.
        """

        def line() -> Line:
            if len(self._read()) >= MOST_VERDICTS:
                raise UsageError(f"{MOST_VERDICTS} verdicts are in force: take some back first")
            return verdict

        self._append(line)

    def remove(self, verdict: str, *, by: str, said_at: float) -> Verdict:
        """Takes a verdict back and returns it; the beginning of its id is enough.

        Raises:
            NoSuchVerdict: there is none, or more than one begins so.
            TocsinError: it cannot be written.
        """
        found: list[Verdict] = []

        def line() -> Line:
            found.extend(one for one in self._read() if verdict and one.id.startswith(verdict))
            if len(found) != 1:
                what = "there is no verdict" if not found else "more than one verdict begins with"
                raise NoSuchVerdict(f"{what} {verdict!r}; `tocsin exporter feedback list` shows those in force")
            return Removal(removed=found[0].id, by=by, said_at=said_at)

        self._append(line)
        return found[0]

    def _append(self, line: Callable[[], Line]) -> None:
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self._locked() as descriptor:
                content = msgspec.json.encode(line()) + b"\n"
                os.write(descriptor, content if self._whole() else b"\n" + content)
                os.fsync(descriptor)
        except OSError as error:
            raise TocsinError(f"{self.file}: cannot be written: {error.strerror}") from error

    @contextmanager
    def _locked(self) -> Iterator[int]:
        descriptor = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)

    def _whole(self) -> bool:
        """Whether the last line is ended: a write that was cut off must not spoil the next one."""
        content = self.file.read_bytes()[-1:]
        return content in (b"", b"\n")

    def _read(self) -> tuple[Verdict, ...]:
        found: dict[str, Verdict] = {}
        try:
            content = self.file.read_bytes()
        except FileNotFoundError:
            return ()
        for number, text in enumerate(content.splitlines(), start=1):
            line = self._line(number, text)
            if isinstance(line, Verdict):
                found[line.id] = line
            elif line is not None:
                found.pop(line.removed, None)
        return tuple(found.values())

    def _line(self, number: int, text: bytes) -> Line | None:
        if not text.strip():
            return None
        try:
            removal = b'"removed"' in text and b'"verdict"' not in text
            return msgspec.json.decode(text, type=Removal) if removal else msgspec.json.decode(text, type=Verdict)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if number not in self._told:
                self._told.add(number)
                log.warning("a line of feedback is passed over", file=str(self.file), line=number, reason=str(error))
            return None


def _stamp(file: Path) -> Stamp:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
