"""Commits that fail on purpose: before they are durable, or after, so that nobody who asked can know."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from sqlalchemy.exc import OperationalError

from tests.receiver.harness import Harness

SAYS = "a fault of this test"
When = Literal["before", "after"]


class Faults:
    """The next commit of a store, or one of those that follow, fails while it is `armed`."""

    def __init__(self) -> None:
        self._when: When | None = None
        self._skip = 0
        self.bit: When | None = None

    def watch(self, tocsin: Harness) -> None:
        """Stands between a receiver and every commit of its store, and of its inbox, from now on."""
        dialect: Any = tocsin.database._writer.sync_engine.dialect
        dialect.do_commit = self._biting(dialect.do_commit, OperationalError("COMMIT", None, OSError(SAYS)))
        if tocsin.receiver.inbox._file is not None:
            file: Any = tocsin.inbox_file
            file._append = self._biting(file._append, sqlite3.OperationalError(SAYS))

    def _biting(self, commit: Callable[..., None], error: Exception) -> Callable[..., None]:
        def may_fail(*arguments: Any) -> None:
            bites = self._when is not None and self._skip == 0
            self._skip -= 1
            if not bites or self._when == "after":
                commit(*arguments)
            if bites:
                self.bit, self._when = self._when, None
                raise error

        return may_fail

    @contextmanager
    def armed(self, when: When | None, skip: int = 0) -> Iterator[Faults]:
        """One commit within the block fails, after `skip` that do not; `bit` tells whether one did, and when."""
        self._when, self._skip, self.bit = when, skip, None
        try:
            yield self
        finally:
            self._when = None
