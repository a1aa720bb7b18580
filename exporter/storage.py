"""Where states lie: one file a query in `--storage.path`, written now and then, between steps."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import quote

import structlog

from exporter import keeping
from exporter.config import QuerySettings
from exporter.keeping import Kept, Unusable
from exporter.metrics import Metrics
from exporter.model import Model

log = structlog.get_logger("exporter.storage")

EVERY_SECONDS = 300.0  # a state is saved,
AT_MOST_SHARE = 0.02  # unless that would hold scoring up for more of the time than this
SUFFIX = ".state"

S = TypeVar("S")


def warn_if_unwritable(folder: Path) -> None:
    """Says so at the start where nothing can be kept, not when the first state is due; scoring goes on."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        log.warning(
            "nothing can be kept",
            storage=str(folder),
            message=error.strerror,
            consequence="a restart will read history again, and no feedback is taken: make --storage.path writable",
        )


class Shelf(Generic[S]):
    """One query's file. Its methods may block: call them in a thread, one at a time."""

    def __init__(self, folder: Path, query: QuerySettings, model: Model[S], metrics: Metrics) -> None:
        self.file = folder / (quote(query.name, safe="") + SUFFIX)
        self._name = query.name
        self._model = model
        self._metrics = metrics
        self._layout = keeping.layout_of(model, query.step.total_seconds())
        settings = query.model_dump(mode="json", exclude_defaults=True)
        self._digest = keeping.digest_of(settings, model, self._layout)
        self._saved = -1.0  # the newest column's time in the file
        self._rest_until = time.monotonic() + EVERY_SECONDS
        self._told = ""
        self._writing = threading.Lock()  # a step that was cancelled leaves its thread behind

    def restore(self, before: float) -> Kept[S] | None:
        """What the file holds, or None; what cannot be used is told once. `before`: no column can be newer."""
        try:
            with self.file.open("rb") as stream:
                kept = keeping.read(stream, self._model, self._layout, self._digest)
            if kept.last > before:
                raise Unusable("future", "its newest column lies in the future: a clock was put back")
        except (FileNotFoundError, NotADirectoryError):  # the latter was told at the start
            return None
        except Unusable as error:
            self._tell(error.reason, str(error))
            return None
        except (OSError, MemoryError) as error:
            self._tell("unreadable", str(error) or type(error).__name__)
            return None
        self._saved = kept.last
        log.info("a state is taken up again", query=self._name, series=len(kept.register.keys), file=str(self.file))
        return kept

    def due(self) -> bool:
        return time.monotonic() >= self._rest_until

    def write(self, kept: Kept[S]) -> Path | None:
        """Writes a draft; nobody may change the state meanwhile. None: there is nothing new, or no way to write."""
        if kept.last == self._saved:
            return None
        began = time.monotonic()
        draft = self.file.with_name(f".{self.file.name}.{os.getpid()}.tmp")
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self._writing, os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
                keeping.write(stream, kept, self._model.arrays(kept.state), self._layout, self._digest)
        except OSError as error:
            self._give_up(draft, error)
            return None
        took = time.monotonic() - began
        self._rest_until = time.monotonic() + max(EVERY_SECONDS, took / AT_MOST_SHARE)
        self._metrics.state_seconds.labels(self._name).observe(took)
        return draft

    def put(self, draft: Path, kept: Kept[S]) -> None:
        """Has the draft take the file's place, once it is safe on the disk; the state may change meanwhile."""
        try:
            with draft.open("rb") as stream:
                os.fsync(stream.fileno())
                size = os.fstat(stream.fileno()).st_size
            draft.replace(self.file)
        except OSError as error:
            self._give_up(draft, error)
            return
        self._saved, self._told = kept.last, ""
        self._metrics.state_bytes.labels(self._name).set(size)
        self._metrics.state_saved.labels(self._name).set(kept.last)

    def _give_up(self, draft: Path, error: OSError) -> None:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        self._rest_until = time.monotonic() + EVERY_SECONDS
        self._tell("unwritable", str(error))

    def _tell(self, reason: str, message: str) -> None:
        self._metrics.state_problems.labels(self._name, reason).inc()
        if reason == self._told:
            return
        self._told = reason
        if reason == "unwritable":
            consequence = "a restart will read history again: make --storage.path writable"
        else:
            consequence = "this query begins from its history"
        say = log.info if reason == "changed" else log.warning
        say("a state is not kept", query=self._name, file=str(self.file), reason=reason, message=message,
            consequence=consequence)  # fmt: skip
