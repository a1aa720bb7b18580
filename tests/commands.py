"""Commands, run here as a process would run them: starting Python and importing is most of what a command costs.

What only a process shows stays with those: servers and signals, logs, exit through a broken pipe.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from unittest.mock import patch

from tocsin import cli

WIDTH = {"COLUMNS": "80", "LINES": "24"}  # what a process without a terminal takes


def tocsin(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What `tocsin WORDS` prints and how it ends, with these environment variables beside those that there are."""
    with ExitStack() as stack:
        stack.enter_context(_environment(WIDTH | environment))
        stack.enter_context(patch.object(sys, "argv", ["tocsin", *words]))
        stack.enter_context(patch.object(sys, "stdin", io.StringIO("")))
        out, error = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(error))
        code = _ended()
    said, complained = (stream.buffer.getvalue().decode() for stream in (out, error))
    return subprocess.CompletedProcess(["tocsin", *words], code, said, complained)


def _ended() -> int:
    """The exit code."""
    try:
        cli.main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception:  # noqa: BLE001 - as Python itself does at the end of a process
        traceback.print_exc()
        return 1


@contextmanager
def _environment(changed: dict[str, str]) -> Iterator[None]:
    with patch.dict(os.environ, changed):
        time.tzset()
        yield
    time.tzset()
