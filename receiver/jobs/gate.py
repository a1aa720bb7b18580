"""Whether a channel may be tried: a pause that it asked for, and a circuit breaker.

Failures of one message say little; so many in a row, or some over half a minute without a success between them, say
that the channel itself is down. Then it is left alone, for pauses that double; after each, one message is tried.
(The pattern: M. Nygard, Release It!, "Circuit Breaker".)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

FAILURES = 10  # in a row
FEW_FAILURES = 3  # in a row, over
FAILING_FOR = timedelta(seconds=30)
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=5)
LONGEST_ASKED = timedelta(hours=1)  # whatever the far side asks for


@dataclass(frozen=True, slots=True)
class Shut:
    """Nothing is sent until then. `down`: the channel does not work; else it asked for a pause."""

    until: datetime
    reason: str
    down: bool


@dataclass
class Gate:
    """What one process knows of one channel."""

    shut: Shut | None = None
    _failures: int = 0
    _failing_since: datetime | None = None
    _pause: timedelta = FIRST_PAUSE
    _open: bool = False  # the circuit: after the pause one message is tried
    _probing: bool = False

    def room(self, now: datetime, most: int) -> int:
        """How many messages may be looked at now; while it is not known whether the channel works again, one."""
        if not self._open or self.closed_at(now):
            return most
        return 0 if self._probing else 1

    def closed_at(self, now: datetime) -> Shut | None:
        """Why nothing may be sent now."""
        return self.shut if self.shut is not None and now < self.shut.until else None

    def begins(self) -> None:
        """A message is sent."""
        self._probing = self._open

    def let_go(self) -> None:
        """What was sent has ended without an answer."""
        self._probing = False

    def worked(self) -> None:
        """The channel answered, be it that it refused the message."""
        self.shut, self._failing_since, self._pause = None, None, FIRST_PAUSE
        self._failures, self._open, self._probing = 0, False, False

    def failed(self, now: datetime, reason: str, after: timedelta | None) -> None:
        """The channel did not take a message; `after`: it asked not to be tried before."""
        self._probing = False
        if after is not None:
            until = now + min(after, LONGEST_ASKED)
            if self.shut is None or until > self.shut.until:
                self.shut = Shut(until, reason, down=False)
            return
        self._failures += 1
        self._failing_since = self._failing_since or now
        long = self._failures >= FEW_FAILURES and now - self._failing_since >= FAILING_FOR
        if self.closed_at(now) is None and (self._open or long or self._failures >= FAILURES):
            self.shut = Shut(now + self._pause, reason, down=True)
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
            self._open = True
