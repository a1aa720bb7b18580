"""The queries that are watched. A reload keeps what was learned of each query that has not changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from exporter.config import QuerySettings
from exporter.metrics import Metrics
from exporter.sharding import Shard
from exporter.watch import Watch
from tocsin.promapi import Prometheus

WHOLE = Shard()

Make = Callable[[QuerySettings, Prometheus], Watch[Any]]


class Roster:
    """One watch a query, in the configuration's order; each runs in a task of its own once there is a group for it."""

    def __init__(self, make: Make, metrics: Metrics, shard: Shard = WHOLE) -> None:
        self._make = make
        self._metrics = metrics
        self._shard = shard
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self.watches: list[Watch[Any]] = []

    def take(self, queries: Sequence[QuerySettings], prometheus: Prometheus) -> None:
        """Watches what belongs to our shard of these queries from now on, and asks this server."""
        queries = list(self._shard.part_of(queries))
        known = {watch.query: watch for watch in self.watches}
        kept = set(queries) & set(known)
        for watch in self.watches:
            if watch.query not in kept:
                self._end(watch.query.name)
        for query in kept:
            known[query].prometheus = prometheus
        self.watches[:] = [known.get(query) or self._make(query, prometheus) for query in queries]
        for name in {query.name for query in known} - {query.name for query in queries}:
            self._metrics.forget(name)
        self._start()

    def run(self, group: asyncio.TaskGroup) -> None:
        """Starts what is there; what comes later starts by itself."""
        self._group = group
        self._start()

    def stop(self) -> None:
        for name in list(self._tasks):
            self._end(name)

    async def save(self) -> None:
        """Keeps what every query has learned, once nothing runs any more."""
        for watch in self.watches:
            await watch.end()

    def _start(self) -> None:
        for watch in self.watches:
            if self._group is not None and watch.query.name not in self._tasks:
                self._tasks[watch.query.name] = self._group.create_task(watch.run())

    def _end(self, name: str) -> None:
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
