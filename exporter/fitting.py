"""Where expensive work is done: here and now, in processes of our own, or on dask."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import Any, Protocol, TypeVar

import structlog

from tocsin.errors import MissingExtra

log = structlog.get_logger("exporter.fitting")

A = TypeVar("A")
B = TypeVar("B")

EACH_IN_FLIGHT = 8  # pieces of work that wait at each worker; the rest waits where it is cheap
CONNECT_SECONDS, AGAIN_SECONDS = 5.0, 60.0  # for reaching a scheduler, and from attempt to attempt
NICER = 10  # than the exporter itself: scoring comes first


class Workers(Protocol):
    """Does pure functions of plain data elsewhere."""

    def room(self) -> int:
        """How many more pieces of work may be given now."""

    def submit(self, work: Callable[[A], B], on: A) -> Future[B]:
        """The result, later; what the function raises, and a worker that died, is the future's exception."""

    def close(self) -> None:
        """Ends without waiting for what has not begun."""


class Here:
    """Does the work at once: for tests and replay, where nothing may depend on how quick a machine is."""

    def room(self) -> int:
        return 1_000_000

    def submit(self, work: Callable[[A], B], on: A) -> Future[B]:
        done: Future[B] = Future()
        try:
            done.set_result(work(on))
        except Exception as error:  # noqa: BLE001 - the boundary of a task: whoever collects it judges
            done.set_exception(error)
        return done

    def close(self) -> None:
        """Nothing is left to end."""


class Processes:
    """A pool of processes that begins with the first piece of work, and anew after one of them has died."""

    def __init__(self, workers: int = 0) -> None:
        """`workers`: how many; 0: one for each core but one, at least one."""
        self._workers = workers or max(1, (os.cpu_count() or 2) - 1)
        self._pool: ProcessPoolExecutor | None = None
        self._closed = False
        self._in_flight = 0
        self._lock = threading.Lock()

    def room(self) -> int:
        return 0 if self._closed else max(0, self._workers * EACH_IN_FLIGHT - self._in_flight)

    def submit(self, work: Callable[[A], B], on: A) -> Future[B]:
        with self._lock:
            if self._closed:
                refused: Future[B] = Future()
                refused.set_exception(RuntimeError("the exporter is about to stop"))
                return refused
            self._in_flight += 1
            try:
                future = self._started().submit(work, on)
            except BrokenProcessPool:
                self._pool = None
                future = self._started().submit(work, on)
        future.add_done_callback(self._done)
        return future

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._pool is not None:
                processes = list((self._pool._processes or {}).values())  # gone after shutdown
                self._pool.shutdown(wait=False, cancel_futures=True)
                for process in processes:
                    process.terminate()
                self._pool = None

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Not fork: this process has threads and an event loop.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._workers, mp_context=context, initializer=_begin)
        return self._pool

    def _done(self, future: Future[Any]) -> None:
        with self._lock:
            self._in_flight -= 1


def _begin() -> None:
    """What each process does first: it steps back behind the exporter, and leaves Ctrl-C to it."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError):
        os.nice(NICER)


class Dask:
    """A cluster of dask.distributed: work goes to its workers, which need the same version of Tocsin."""

    def __init__(self, scheduler: str, otherwise: Workers) -> None:
        """`scheduler`: its address. While it cannot be reached, `otherwise` does the work."""
        self._scheduler = scheduler
        self._otherwise = otherwise
        self._client: Any = None
        self._in_flight = 0
        self._again_at = 0.0
        self._lock = threading.Lock()

    def room(self) -> int:
        client = self._connected()
        if client is None:
            return self._otherwise.room()
        threads = sum(client.nthreads().values()) or 1
        return max(0, threads * EACH_IN_FLIGHT - self._in_flight)

    def submit(self, work: Callable[[A], B], on: A) -> Future[B]:
        client = self._connected()
        if client is None:
            return self._otherwise.submit(work, on)
        outcome: Future[B] = Future()
        with self._lock:
            self._in_flight += 1
        elsewhere = client.submit(work, on, pure=False, retries=1)
        elsewhere.add_done_callback(lambda done: self._take(done, outcome))
        return outcome

    def close(self) -> None:
        if self._client is not None:
            self._client.close(timeout=2)
        self._otherwise.close()

    def _take(self, done: Any, outcome: Future[Any]) -> None:
        with self._lock:
            self._in_flight -= 1
        if done.cancelled():
            outcome.set_exception(ConnectionError("the cluster gave the work up"))
        elif done.status == "error":
            outcome.set_exception(done.exception())
        else:
            outcome.set_result(done.result())

    def _connected(self) -> Any:
        """The client, or None while the scheduler cannot be reached."""
        with self._lock:
            if self._client is not None and self._client.status == "running":
                return self._client
            if time.monotonic() >= self._again_at:
                if self._client is not None:
                    self._client.close(timeout=0)
                self._client = self._connect()
                self._again_at = time.monotonic() + AGAIN_SECONDS
                return self._client
            return None

    def _connect(self) -> Any:
        from distributed import Client

        try:
            return Client(self._scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
        except OSError as error:
            log.warning("the dask scheduler cannot be reached", scheduler=self._scheduler, message=str(error),
                        consequence="work is done in processes here; it is tried again")  # fmt: skip
            return None


def need_distributed() -> None:
    """Raises MissingExtra where dask.distributed is not installed."""
    try:
        import distributed  # noqa: F401 - whether it is there is the question
    except ImportError as error:
        raise MissingExtra("distributed", "dask") from error
