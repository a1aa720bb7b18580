"""Maintenance windows that Alertmanager is silent for, too: `maintenance[].silence`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from receiver.engine.ingest import DEFAULT_TENANT
from receiver.engine.maintenance import MaintenanceSettings, configured_id
from receiver.engine.schedule import span_at
from receiver.reconcile.settings import ReconcileSettings
from receiver.silences.wire import (
    AUTHOR,
    Peers,
    Wanted,
    about_window,
    comment,
    first_answer,
    on_the_wire,
    ours,
    real_peers,
)
from receiver.store.windows import StoredWindow
from tocsin.clock import Clock
from tocsin.errors import TocsinError
from tocsin.labels import Matcher, parse_all

log = structlog.get_logger("receiver.silences")

EVERY_SECONDS = 15.0
LOOK_ANYWAY = timedelta(minutes=10)  # after that long Alertmanager is asked even if nothing has changed here
ABOUT = about_window("").removesuffix(": ")

Stored = Callable[[], Awaitable[list[StoredWindow]]]


class WindowSilences:
    """Sees that each source's Alertmanager has a silence for each window that is on, and none for one that is not.

    `configured` and `sources` are replaced when the configuration is read again.
    """

    def __init__(
        self,
        *,
        configured: Sequence[MaintenanceSettings],
        stored: Stored,
        sources: Mapping[str, ReconcileSettings],
        tenant_label: str,
        clock: Clock,
        peers: Peers = real_peers,
    ) -> None:
        self.configured = configured
        self.sources = sources
        self._stored = stored
        self._tenant_label = tenant_label
        self._clock = clock
        self._peers = peers
        self._done: dict[str, object] = {}
        self._failing: dict[str, str] = {}

    async def run(self) -> None:
        """Looks every so often; until cancelled."""
        while True:
            try:
                await self.look()
            except TocsinError as error:
                self._say("", str(error))
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """Writes and ends what has to be, where something can have changed.

        Raises:
            StoreUnavailable: nobody knows which windows there are.
        """
        if not self.sources:
            return
        now = self._clock.now()
        wanted = await self._wanted(now)
        if wanted is None:
            return
        stretch = int(now.timestamp() // LOOK_ANYWAY.total_seconds()) if wanted else 0
        state = (sorted((name, one.until, one.matchers) for name, one in wanted.items()), stretch)
        for source, settings in self.sources.items():
            if self._done.get(source) == state:
                continue
            try:
                await self._sync(settings, wanted, now)
            except TocsinError as error:
                self._say(source, str(error))
            else:
                self._done[source] = state
                self._say(source, "")

    async def _wanted(self, now: datetime) -> dict[str, Wanted] | None:
        """By window, the silences of those that are on; None: no window has ever asked for one."""
        asking = [(configured_id(settings), settings, "maintenance") for settings in self.configured]
        over = []
        for one in await self._stored():
            if one.ended_at is None:
                asking.append((one.id, one.settings, one.created_by))
            elif one.settings.silence:
                over.append(one)
        asking = [one for one in asking if one[1].silence]
        if not asking and not over and not self._done:
            return None
        found = {}
        for name, settings, by in asking:
            span = span_at(settings.schedule(), now)
            if span is not None:
                text = comment(about_window(name), settings.name, f"until {span.end:%Y-%m-%d %H:%M} UTC")
                matchers = parse_all(settings.matchers) + self._of_tenant(settings.tenant)
                found[name] = Wanted(on_the_wire(matchers), span.end, AUTHOR + by, text)
        return found

    def _of_tenant(self, tenant: str) -> tuple[Matcher, ...]:
        """An alert without the label is the default tenant's."""
        if not tenant:
            return ()
        if tenant == DEFAULT_TENANT:
            return (Matcher(self._tenant_label, "=~", f"|{DEFAULT_TENANT}"),)
        return (Matcher(self._tenant_label, "=", tenant),)

    async def _sync(self, settings: ReconcileSettings, wanted: Mapping[str, Wanted], now: datetime) -> None:
        async with self._peers(settings) as peers:
            peer, known = await first_answer(peers)
            standing = [one for one in ours(known, ABOUT) if one.holds]
            kept = set()
            for name, one in wanted.items():
                same = [s for s in ours(standing, about_window(name)) if set(s.matchers) == set(one.matchers)]
                before = same[0] if same else None
                if before is None or not one.suffices(before, now):
                    kept.add(await peer.write_silence(one.as_written(before, now)))
                    log.info("a maintenance window is silent in Alertmanager", window=name, at=peer.url)
                kept |= {before.id} if before else set()
            for silence in standing:
                if silence.id not in kept:
                    await peer.end_silence(silence.id)
                    log.info("a maintenance window's silence is over", silence=silence.id, at=peer.url)

    def _say(self, source: str, failure: str) -> None:
        """An unchanged obstacle is told once."""
        if failure and failure != self._failing.get(source):
            log.warning("maintenance windows cannot be silenced in Alertmanager", source=source, reason=failure)
        self._failing[source] = failure
