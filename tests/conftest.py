"""What tests of several floors ask for."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests import postgres, real

MEMORY = Path("/dev/shm")
MOST_BYTES = 4 * 2**30  # what the folders of a whole run fit into, generously
SLOW_SECONDS = 5.0  # what a slow test lasts that does not say so itself


@pytest.fixture(params=real.FOLDERS)
def binaries(request: pytest.FixtureRequest) -> real.Binaries:
    """A pair of real binaries; the test runs on the current pair and on the oldest supported one."""
    return real.pair(request.param)


@pytest.fixture
def promtool(binaries: real.Binaries) -> Path:
    """The promtool of each pair."""
    return binaries.promtool


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL that this worker has for itself, or of the one that the environment names."""
    given = os.environ.get(postgres.ENVIRONMENT)
    if given:
        yield given
    else:
        with postgres.server() as server:
            asyncio.run(postgres.prepare(server.url))
            yield server.url


@pytest.fixture
async def postgres_url(postgres_server: str) -> AsyncIterator[str]:
    """A new database of PostgreSQL, as a rule with the store's tables."""
    async with postgres.database(postgres_server) as url:
        yield url


@pytest.fixture
async def empty_postgres_url(postgres_server: str) -> AsyncIterator[str]:
    """A new database of PostgreSQL in which nothing is: whoever connects first makes the tables."""
    async with postgres.database(postgres_server, template="template0") as url:
        yield url


def pytest_configure() -> None:
    """Byte code is kept: hundreds of processes start in these tests, and each would compile every library anew.

    Folders are made in memory where that has room: stores commit ten thousands of times, and no test cuts the power.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if "TMPDIR" not in os.environ and _is_roomy(MEMORY):
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None  # asked for anew


def pytest_xdist_auto_num_workers() -> int:
    """Two workers a core: the long tests wait for servers most of their time."""
    return 2 * len(os.sched_getaffinity(0))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, and dealt out: each worker begins with an even part of the list and later takes from others.

    A worker that begins with two that last for minutes would be the last one at work.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    slow = sorted((item for item in items if _seconds(item)), key=_seconds, reverse=True)
    quick = [item for item in items if not _seconds(item)]
    items[:] = [item for worker in range(workers) for item in (*slow[worker::workers], *quick[worker::workers])]


def _is_roomy(folder: Path) -> bool:
    """Whether a folder has room for everything, and programs in it may run."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    may_write = os.access(folder, os.W_OK) and not found.f_flag & os.ST_NOEXEC
    return may_write and found.f_bavail * found.f_frsize >= MOST_BYTES


def _seconds(item: pytest.Item) -> float:
    """About how long a slow test lasts, 0 for one that is quick."""
    marker = item.get_closest_marker("slow")
    return marker.kwargs.get("seconds", SLOW_SECONDS) if marker else 0.0
