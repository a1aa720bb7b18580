"""The payments service's Java virtual machine, as client_java (1.0 and newer) tells of it."""

from __future__ import annotations

import numpy as np

from demo.shop.rhythm import Floats
from demo.shop.series import Made, counter, gauge, summary
from demo.shop.simulation import Stretch

MIB = 2.0**20
HEAP_BYTES = 768 * MIB
EDEN_BYTES = 224 * MIB  # at most: it takes what the old generation leaves
EDEN_FILLS_SECONDS = 47.0  # a young collection then empties it
STARTED = 1_790_000_000.0


def leaked(stretch: Stretch) -> Floats:
    """The share of the heap that no collection frees."""
    return 0.27 + 0.015 * (stretch.busy - 1) + 0.7 * stretch.wrong("memory-leak")


def moving(stretch: Stretch) -> Made:
    """Heap, collections, threads and the process."""
    old = np.minimum(stretch.noisy(leaked(stretch), 0.004), 0.99) * HEAP_BYTES
    eden = (stretch.times / EDEN_FILLS_SECONDS % 1) * np.minimum(EDEN_BYTES, 0.98 * (HEAP_BYTES - old))
    used = gauge("jvm_memory_used_bytes", "Used bytes of a given JVM memory area.")
    yield used(area="heap"), np.round(old + eden)
    yield used(area="nonheap"), np.round(stretch.noisy(96 * MIB, 0.002))
    pool = gauge("jvm_memory_pool_used_bytes", "Used bytes of a given JVM memory pool.")
    yield pool(pool="G1 Old Gen"), np.round(old)
    yield pool(pool="G1 Eden Space"), np.round(eden)
    yield from _collections(stretch)
    yield from _process(stretch)


def _collections(stretch: Stretch) -> Made:
    gc = summary("jvm_gc_collection_seconds", "Time spent in a given JVM garbage collector in seconds.")
    tight = np.clip((leaked(stretch) - 0.85) / 0.12, 0, 1)  # nearly full: it collects all the time, in vain
    for name, per_second, each in (
        ("G1 Young Generation", 1 / EDEN_FILLS_SECONDS + 0.3 * tight, 0.012),
        ("G1 Old Generation", 2e-4 + 0.5 * tight, 0.25),
    ):
        count = stretch.poisson(per_second)
        yield gc.part("_count", gc=name), count
        yield gc.part("_sum", gc=name), np.round(count * each, 3)


def _process(stretch: Stretch) -> Made:
    yield gauge("jvm_threads_current", "Current thread count of a JVM.")(), np.round(48 + 6 * stretch.busy)
    busy = 0.12 * stretch.busy + 0.8 * np.clip((leaked(stretch) - 0.85) / 0.12, 0, 1)
    cpu = counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.")
    yield cpu(), np.round(stretch.noisy(busy, 0.05) * stretch.seconds, 3)
    yield gauge("process_open_fds", "Number of open file descriptors.")(), np.round(180 + 20 * stretch.busy)


def still(stretch: Stretch) -> Made:
    """Limits."""
    most = gauge("jvm_memory_max_bytes", "Max (bytes) of a given JVM memory area.")
    yield most(area="heap"), HEAP_BYTES
    yield most(area="nonheap"), -1
    pool = gauge("jvm_memory_pool_max_bytes", "Max bytes of a given JVM memory pool.")
    yield pool(pool="G1 Old Gen"), HEAP_BYTES
    yield pool(pool="G1 Eden Space"), -1
    yield gauge("jvm_threads_deadlocked", "Cycles of JVM-threads that are in deadlock waiting.")(), 0
    yield gauge("jvm_threads_state", "Current count of threads by state.")(state="BLOCKED"), 0
    yield gauge("process_max_fds", "Maximum number of open file descriptors.")(), 65_536
    yield gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.")(), STARTED
