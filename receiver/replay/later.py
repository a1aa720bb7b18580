"""What is to happen later, in memory: the part that the store's jobs play while a receiver runs."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from receiver.engine.effects import CancelTimer, Effect
from receiver.engine.later import Asked, key_of, timer_key, wanted_at


@dataclass(frozen=True, slots=True)
class CheckHeartbeats:
    """See whether a heartbeat has been silent for too long."""


Due = Asked | CheckHeartbeats


class Later:
    """Things by their times. A later word about the same thing replaces an earlier one, as in `jobs.put`."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[int, Due]] = {}
        self._queue: list[tuple[datetime, int, str]] = []
        self._count = 0

    def put(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, CancelTimer):
                self.cancel(timer_key(effect.incident, effect.name))
            else:
                self.set(key_of(effect), wanted_at(effect), effect)

    def set(self, key: str, due_at: datetime, what: Due) -> None:
        self._count += 1
        self._waiting[key] = (self._count, what)
        heapq.heappush(self._queue, (due_at, self._count, key))

    def cancel(self, key: str) -> None:
        self._waiting.pop(key, None)

    def next(self, until: datetime) -> tuple[datetime, Due] | None:
        """Takes out what comes first, if it is due by then; what is due at the same moment, in the order of asking."""
        while self._queue and self._queue[0][0] <= until:
            due_at, number, key = heapq.heappop(self._queue)
            found = self._waiting.get(key)
            if found is not None and found[0] == number:
                del self._waiting[key]
                return due_at, found[1]
        return None
