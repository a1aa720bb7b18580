"""The watchers beside the engine, wired: reconcilers, heartbeats, the ping, the rules API. They run where it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, Self

import structlog
from prometheus_client import CollectorRegistry

from receiver.config import ReceiverConfig
from receiver.engine.heartbeat import Heartbeat
from receiver.engine.notification import Body
from receiver.engine.onset import Holds
from receiver.engine.pipeline import Read
from receiver.engine.working_set import Outcome
from receiver.heartbeats.ping import Alive, Ping, PingMetrics
from receiver.heartbeats.watch import HeartbeatMetrics, HeartbeatWatch
from receiver.loop import EngineLoop
from receiver.onsets.api import ServedHolds
from receiver.reconcile.reconciler import ReconcileMetrics, Reconciler, Saw
from receiver.reconcile.truncation import Truncation
from receiver.silences.windows import WindowSilences
from receiver.store.database import Database
from receiver.store.inbox import Inbox
from receiver.store.open_alerts import OpenAlerts
from receiver.store.probe import Probe
from tocsin.clock import Clock
from tocsin.model import Labels

log = structlog.get_logger("receiver.watching")


class Part(Protocol):
    """What runs until it is cancelled."""

    async def run(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Lasting:
    """A watcher that fails unexpectedly begins again after a while: it must not take the receiver with it."""

    part: Part
    wait_seconds: float = 60.0

    async def run(self) -> None:
        """Runs until the watcher ends by itself, or is cancelled."""
        while True:
            try:
                return await self.part.run()
            except Exception:
                log.exception("a watcher failed unexpectedly and will begin again", watcher=type(self.part).__name__)
                await asyncio.sleep(self.wait_seconds)


@dataclass(frozen=True, slots=True)
class Watching:
    """What watches others, and what tells others of us."""

    reconcilers: tuple[Reconciler, ...]
    truncation: Truncation
    heartbeats: HeartbeatWatch
    ping: Ping | None
    probe: Probe
    served: ServedHolds | None
    windows: WindowSilences

    @classmethod
    def build(
        cls,
        config: ReceiverConfig,
        *,
        database: Database,
        inbox: Inbox,
        take: Callable[[Body, int], Awaitable[None]],
        take_holds: Callable[[Holds], None],
        engine_failing: Callable[[], str],
        registry: CollectorRegistry,
        clock: Clock,
        saw: Saw,
        windows: WindowSilences,
    ) -> Self:
        """Wires the configured watchers.

        Args:
            take: commits a body, with the number of its alerts, to the inbox.
            take_holds: is given each alert's `for`, as the rules API tells it.
            saw: is told what the peers of a source answered to its reconciler.
            engine_failing: why the engine waits, an empty text if it does not.
        """
        open_alerts, probe = OpenAlerts(database), Probe(database, inbox)
        reconcile_metrics = ReconcileMetrics(registry)
        reconcilers = tuple(
            Reconciler(
                source=name,
                settings=source.reconcile,
                tenant_label=config.tenant_label,
                ours=partial(_is_no_heartbeat, config.expected_heartbeats, name),
                open_alerts=open_alerts,
                take=take,
                metrics=reconcile_metrics,
                clock=clock,
                saw=saw,
            )
            for name, source in config.sources.items()
            if source.reconcile is not None
        )
        heartbeats = HeartbeatWatch(
            heartbeats=config.expected_heartbeats,
            open_alerts=open_alerts,
            probe=probe,
            take=take,
            metrics=HeartbeatMetrics(registry),
            clock=clock,
        )
        alive = Alive(probe, engine_failing, clock)
        ping = Ping(config.ping, alive.ails, PingMetrics(registry)) if config.ping else None
        truncation = Truncation({reconciler.source for reconciler in reconcilers}, registry)
        served = ServedHolds(config.rules_api, take_holds) if config.rules_api else None
        return cls(reconcilers, truncation, heartbeats, ping, probe, served, windows)

    def begin(self, epoch: int) -> None:
        """Begins a turn of the engine."""
        self.probe.epoch = epoch

    def listen_to(self, loop: EngineLoop) -> None:
        """Lets the engine tell what it has taken in."""
        loop.listeners.append(self.processed)

    def processed(self, reads: Sequence[Read], outcome: Outcome) -> None:
        """Tells every watcher what it must know of a batch that has been committed."""
        self.heartbeats.processed(outcome.signs)
        self.truncation.processed(read.notification for read in reads)
        for reconciler in self.reconcilers:
            reconciler.processed(read.notification for read in reads)

    @property
    def parts(self) -> tuple[Part, ...]:
        """What must run."""
        perhaps: tuple[Part | None, ...] = (
            *self.reconcilers,
            self.heartbeats,
            self.ping,
            self.served,
            self.windows if self.windows.sources else None,
        )
        return tuple(Lasting(watcher) for watcher in perhaps if watcher is not None)


def _is_no_heartbeat(heartbeats: Sequence[Heartbeat], source: str, labels: Labels) -> bool:
    """A heartbeat counts only if it came the whole way: Alertmanager's own word for it is no sign of life."""
    return not any(heartbeat.beats(source, labels) for heartbeat in heartbeats)
