"""What is held back, in memory and between bodies: the part that the store's rows play while a receiver runs."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from datetime import datetime

from receiver.engine.held import HeldChanges, Hold, Shelf, Suppression
from receiver.engine.maintenance import Agenda, Window
from receiver.engine.occurrence import Occurrence


class Shelves:
    """Everything that is held back, with an index by what holds it and one by when it must be looked at."""

    def __init__(self, windows: tuple[Window, ...]) -> None:
        self._agenda = Agenda(windows)
        self._kept = Shelf()
        self._by: dict[str, set[str]] = {}
        self._times: list[tuple[datetime, str]] = []
        self._ready: set[str] = set()  # whose time has come
        self._flapping: set[str] = set()

    @property
    def suppressions(self) -> Mapping[str, Suppression]:
        """By occurrence: what is held back, and what had ended before it was let go."""
        return self._kept.suppressions

    def shelf(self, now: datetime) -> Shelf:
        """What a batch must know; nothing is looked at again. What the batch changes is known to the next one."""
        kept = self._kept
        return Shelf(self._agenda.at(now), kept.suppressions, kept.histories, kept.causes)

    def look(self, by: str, occurrences: Mapping[str, Occurrence], now: datetime) -> Shelf:
        """What a marker asks to look at again, all of it at once, in the order of ids (store/holding.py `_due`)."""
        shelf = self.shelf(now)
        while self._times and self._times[0][0] <= now:
            self._ready.add(heapq.heappop(self._times)[1])
        of_by = self._by.get(by, set()) if by else set()
        for occurrence in sorted(self._ready | of_by):
            held = self._still_held(occurrence, occurrences)
            ripe = held is not None and held.look_at is not None and held.look_at <= now
            if held is not None and (ripe or held.by == by):
                shelf.due.append(occurrence)
            if not ripe:
                self._ready.discard(occurrence)
            if held is None or held.by != by:
                of_by.discard(occurrence)
        calm = [(shelf.histories[identity].look_at, identity) for identity in sorted(self._flapping)]
        shelf.calm = [identity for look_at, identity in calm if look_at is not None and look_at <= now]
        return shelf

    def _still_held(self, occurrence: str, occurrences: Mapping[str, Occurrence]) -> Hold | None:
        suppression = self.suppressions.get(occurrence)
        latest = None if suppression is None else occurrences.get(suppression.identity)
        if suppression is None or latest is None or latest.id != occurrence or latest.ends_at is not None:
            return None
        return suppression.hold

    def changed(self, changes: HeldChanges) -> None:
        """Keeps the indexes in step with what a batch has changed; what has left is seen when it is asked for."""
        for occurrence, suppression in changes.suppressions.items():
            if suppression is not None:
                self._by.setdefault(suppression.hold.by, set()).add(occurrence)
                if suppression.hold.look_at is not None:
                    heapq.heappush(self._times, (suppression.hold.look_at, occurrence))
        for identity, history in changes.histories.items():
            if history is not None and history.look_at is not None:
                self._flapping.add(identity)
            else:
                self._flapping.discard(identity)
