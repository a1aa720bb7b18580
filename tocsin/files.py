"""Files that appear whole or not at all: whoever reads meanwhile sees the old one or the new one.

A link stays one: the file that it leads to is replaced. What is no file, as a pipe or `/dev/stdout`, is written to.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO


def replacing(file: Path) -> AbstractContextManager[TextIO]:
    """A stream whose content takes the file's place when the block has ended well.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    return _replacing(file, "w", encoding="utf-8", newline="")


def replacing_bytes(file: Path) -> AbstractContextManager[BinaryIO]:
    """The same for what is no text.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    return _replacing(file, "wb")


@contextmanager
def _replacing(file: Path, mode: str, **how: Any) -> Iterator[Any]:
    if file.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    if _is_stream(file):
        with file.open(mode, **how) as stream:
            yield stream
        return
    file = file.resolve()
    draft = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        with draft.open(mode, **how) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _is_stream(file: Path) -> bool:
    """Whether it is a device, a pipe, or one of the names that stand for an open file."""
    return (file.exists() and not file.is_file()) or str(file.absolute().parent) in ("/dev", "/dev/fd")
