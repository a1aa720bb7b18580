"""Waits for heartbeats: too long a silence opens an incident, the next sign of life ends it.

A start begins to wait anew, so that a restart of ours pages nobody; of which silences people know is read from the
store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from prometheus_client import CollectorRegistry, Gauge

from receiver.engine.heartbeat import Heartbeat
from receiver.engine.notification import Body
from receiver.heartbeats import notices
from receiver.heartbeats.judging import Finding, judge
from receiver.store.open_alerts import OpenAlerts
from receiver.store.probe import Probe
from tocsin.clock import Clock
from tocsin.errors import StoreUnavailable

log = structlog.get_logger("receiver.heartbeats")

CHECK_SECONDS = 1.0

Take = Callable[[Body, int], Awaitable[None]]  # commits a body, with the number of its alerts, to the inbox


class HeartbeatMetrics:
    """What is known of each expected heartbeat."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.heard = Gauge(
            "tocsin_receiver_heartbeat_last_timestamp_seconds",
            "When an expected heartbeat was last heard, as Unix time; 0: not since the start.",
            ["heartbeat"],
            registry=registry,
        )
        self.silent = Gauge(
            "tocsin_receiver_heartbeat_silent",
            "1 while an expected heartbeat has not been heard for too long, and people have been told.",
            ["heartbeat"],
            registry=registry,
        )


class HeartbeatWatch:
    """Compares what is heard with what is expected."""

    def __init__(
        self,
        *,
        heartbeats: Sequence[Heartbeat],
        open_alerts: OpenAlerts,
        probe: Probe,
        take: Take,
        metrics: HeartbeatMetrics,
        clock: Clock,
    ) -> None:
        self._heartbeats = heartbeats
        self._open = open_alerts
        self._probe = probe
        self._take = take
        self._metrics = metrics
        self._clock = clock
        self._heard: dict[str, datetime] = {}
        self._silent: set[str] = set()
        self._started_at: datetime | None = None
        for heartbeat in heartbeats:
            metrics.heard.labels(heartbeat.name)

    def processed(self, signs: Mapping[str, datetime]) -> None:
        """Takes in the signs of life that the engine has come upon, with the times when they were received."""
        for name, at in signs.items():
            self._heard[name] = max(at, self._heard.get(name, at))
            self._metrics.heard.labels(name).set(self._heard[name].timestamp())

    async def run(self) -> None:
        """Checks every second until cancelled."""
        waits = ""
        while self._heartbeats or self._started_at is None:  # without heartbeats there is only the beginning
            try:
                await self.check()
                waits = ""
            except StoreUnavailable as error:
                if str(error) != waits:
                    log.warning("heartbeats wait for the store", reason=str(error))
                waits = str(error)
            await asyncio.sleep(CHECK_SECONDS)

    async def check(self) -> None:
        """Tells of what has changed; the first check of all begins to wait.

        Raises:
            StoreUnavailable: nothing is known for now; what could not be told is told by a later check.
        """
        now = self._clock.now()
        started_at = self._started_at or await self._begin(now)
        waiting_since = await self._probe.waiting_since()
        settled_until = now if waiting_since is None else min(now, waiting_since)
        silent = frozenset(self._silent)
        for finding in judge(self._heartbeats, self._heard, silent, started_at=started_at, settled_until=settled_until):
            await self._tell(finding, now)
        for heartbeat in self._heartbeats:
            self._metrics.silent.labels(heartbeat.name).set(heartbeat.name in self._silent)

    async def _begin(self, now: datetime) -> datetime:
        """Learns of which silences people know; of one that is no longer configured they hear that it is over."""
        known = {heartbeat.name for heartbeat in self._heartbeats}
        for labels in await self._open.named(notices.SOURCE, notices.ALERT):
            name = labels.get("heartbeat", "")
            self._silent.add(name)
            if name not in known:
                gone = Heartbeat(name, labels.get("source", ""), {}, timedelta())
                await self._tell(Finding(gone, silent=False, heard_at=None), now)
        self._started_at = now
        return now

    async def _tell(self, finding: Finding, now: datetime) -> None:
        name = finding.heartbeat.name
        if finding.silent:
            await self._take(notices.silence(finding.heartbeat, finding.heard_at, now), 1)
            self._silent.add(name)
            log.error("a heartbeat is silent", heartbeat=name, source=finding.heartbeat.source)
        else:
            await self._take(notices.back(finding.heartbeat, now), 1)
            self._silent.discard(name)
            log.info("a heartbeat is back, or no longer expected", heartbeat=name, source=finding.heartbeat.source)
