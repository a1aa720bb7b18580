"""`tocsin receiver record`: what a running receiver takes in, into a file that `tocsin incidents replay` plays."""

from __future__ import annotations

import gzip
import os
import signal
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, BinaryIO, Protocol

import typer

from receiver.cli import Url, client
from tocsin import duration
from tocsin.errors import TocsinError, UsageError

PATH = "/api/v1/record"
DROPPED = b'{"dropped":'


class Sink(Protocol):
    """Where lines go."""

    def write(self, line: bytes, /) -> object: ...
    def flush(self) -> object: ...


def record(
    to: Annotated[Path, typer.Option("--to", help="The file; compressed if its name ends in .gz.")],
    lasting: Annotated[str | None, typer.Option("--for", help="Ends after so long: 30m, 1h.")] = None,
    most_bytes: Annotated[
        int | None, typer.Option("--max-bytes", min=1, help="Ends before more than so many bytes of lines.")
    ] = None,
    url: Url = None,
) -> None:
    """Records webhook bodies as a running receiver takes them in, from now on until Ctrl-C.

    The file holds every label and annotation in plain, and nothing of the requests' headers.

    \b
    Example:
      tocsin receiver record --to storm.jsonl.gz --for 1h
    """
    wanted = _duration(lasting)
    asked = client(url)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _new(to) as sink:
        taken = Taken(sink, None if wanted is None else time.monotonic() + wanted.total_seconds(), most_bytes)
        try:
            why = taken.all(asked.lines(PATH))
        except KeyboardInterrupt:
            why = ""
        except TocsinError:
            if not taken.begun:
                to.unlink()
            raise
        finally:
            taken.show(end=True)
    dropped = (
        f"; {taken.dropped} were DROPPED, because they came quicker than they were written" if taken.dropped else ""
    )
    typer.echo(f"{to}: {taken.bodies} bodies, {taken.size:,} bytes{dropped}", err=True)
    if why:
        raise TocsinError(why)


@dataclass(slots=True)
class Taken:
    """What was recorded so far."""

    sink: Sink
    until: float | None = None
    most_bytes: int | None = None
    bodies: int = 0
    size: int = 0
    dropped: int = 0
    begun: bool = False
    _shown_at: float = field(default_factory=time.monotonic)

    def all(self, lines: Iterator[bytes]) -> str:
        """Writes lines until one is beyond what was asked for; why it ended early, or an empty text."""
        for line in lines:
            self.begun = True
            if line.startswith(DROPPED):
                self.dropped += int(line.removeprefix(DROPPED).rstrip(b"}\r\n"))
            elif line.strip():
                if self.most_bytes is not None and self.size + len(line) > self.most_bytes:
                    return ""
                self.sink.write(line)
                self.bodies += 1
                self.size += len(line)
            now = time.monotonic()
            if now - self._shown_at >= 1:
                self._shown_at = now
                self.sink.flush()
                self.show()
            if self.until is not None and now >= self.until:
                return ""
        return "the receiver ended the recording: is it stopping? What came until then is in the file"

    def show(self, *, end: bool = False) -> None:
        """On a terminal, one line that is written anew."""
        if sys.stderr.isatty():
            text = "" if end else f"recorded {self.bodies} bodies, {self.size:,} bytes; Ctrl-C ends"
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)  # noqa: T201  a terminal's line


def _duration(text: str | None) -> timedelta | None:
    if text is None:
        return None
    try:
        return duration.parse(text)
    except ValueError as error:
        raise UsageError(f"--for: {error}") from error


@contextmanager
def _new(file: Path) -> Iterator[Sink]:
    """A file that only its owner may read and that was not there before."""
    try:
        raw: BinaryIO = os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
    except FileExistsError as error:
        raise TocsinError(f"{file} is there already: name another file, or remove it") from error
    except OSError as error:
        raise TocsinError(f"{file}: cannot be written: {error.strerror}") from error
    with raw:
        if file.suffix != ".gz":
            yield raw
            return
        with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=6, mtime=0) as packed:
            yield Packed(packed, raw)


@dataclass(frozen=True, slots=True)
class Packed:
    """A compressed file that can be read up to its last flush, whatever happens after it."""

    packed: gzip.GzipFile
    raw: BinaryIO

    def write(self, line: bytes) -> object:
        return self.packed.write(line)

    def flush(self) -> None:
        self.packed.flush(zlib.Z_SYNC_FLUSH)
        self.raw.flush()
