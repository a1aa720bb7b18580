"""An Alertmanager's silences in memory, by the rules of the real one (silence/silence.go), for tests of decisions."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from msgspec.structs import replace

from receiver.reconcile.settings import ReconcileSettings
from receiver.silences.wire import Peer
from tocsin.amapi import GettableAlert, GettableSilence, NoAnswer, PostableSilence, Refused, SilenceState
from tocsin.clock import Clock


@dataclass
class FakeAlertmanager:
    """What it keeps, and what was asked of it: `writes` and `ends` in order."""

    clock: Clock
    kept: dict[str, GettableSilence] = field(default_factory=dict)
    firing: list[GettableAlert] = field(default_factory=list)
    failure: Exception | None = None
    dies_after_write: bool = False
    writes: list[PostableSilence] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    url: str = "http://am"
    _names: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def _answer(self) -> None:
        if self.failure is not None:
            raise self.failure

    async def silences(self) -> list[GettableSilence]:
        self._answer()
        now = self.clock.now()
        return [
            replace(one, status=SilenceState("expired" if one.ends_at <= now else "active"))
            for one in self.kept.values()
        ]

    @property
    def active(self) -> list[GettableSilence]:
        return [one for one in self.kept.values() if one.ends_at > self.clock.now()]

    async def visit_alerts(self, visit: Callable[[GettableAlert], None]) -> None:
        self._answer()
        for one in self.firing:
            visit(one)

    async def write_silence(self, silence: PostableSilence) -> str:
        self._answer()
        now = self.clock.now()
        assert silence.ends_at > now, "Alertmanager refuses an end in the past"
        before = self.kept.get(silence.id)
        if silence.id and before is None:
            raise Refused("there is no such silence")
        self.writes.append(silence)
        name, start = f"s{next(self._names)}", max(now, silence.starts_at)
        if before is not None and before.ends_at > now:
            if (before.matchers, before.starts_at) == (silence.matchers, silence.starts_at):
                name, start = before.id, before.starts_at
            else:
                self.expire(before.id)
        new = GettableSilence(name, silence.matchers, start, silence.ends_at, silence.created_by, silence.comment)
        self.kept[name] = replace(new, updated_at=now)
        if self.dies_after_write:
            self.dies_after_write = False
            raise NoAnswer("the answer got lost")
        return name

    async def end_silence(self, silence: str) -> None:
        self._answer()
        self.expire(silence)
        self.ends.append(silence)

    def expire(self, silence: str) -> None:
        """As a person does it in the web interface."""
        now = self.clock.now()
        assert self.kept[silence].ends_at > now, "already expired"
        self.kept[silence] = replace(self.kept[silence], ends_at=now, updated_at=now)

    @asynccontextmanager
    async def peers(self, _settings: ReconcileSettings) -> AsyncIterator[Sequence[Peer]]:
        """In place of the real ones of a source."""
        yield [self]
