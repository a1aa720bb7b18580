"""Wrong proofs, counted by where they come from: a few at once, then one now and then. Memory is bounded."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

AT_ONCE = 10
EVERY_SECONDS = 6.0  # one more, when they are used up
MOST_PLACES = 1024
QUIET_SECONDS = 600.0  # after so long a place is told of again


@dataclass(slots=True)
class _Place:
    free_at: float  # when all of its attempts are there again
    latest: float


class Attempts:
    """How long somebody who was wrong too often must wait.

    A place is an address, of IPv6 a network of 64 bits: whoever has one address there has them all.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._places: OrderedDict[str, _Place] = OrderedDict()

    def wait_seconds(self, remote: str | None) -> float:
        """Until a place may try again; 0: at once."""
        place = self._places.get(_place(remote))
        return 0.0 if place is None else max(0.0, place.free_at - self._now() - (AT_ONCE - 1) * EVERY_SECONDS)

    def failed(self, remote: str | None) -> bool:
        """Notes a wrong proof; whether it is the first of its place for a while, and so worth a line in the log."""
        now, key = self._now(), _place(remote)
        place = self._places.pop(key, None)
        full = len(self._places) >= MOST_PLACES
        if full:
            self._places.popitem(last=False)
        free_at = max(now, place.free_at if place else now) + EVERY_SECONDS
        self._places[key] = _Place(min(free_at, now + AT_ONCE * EVERY_SECONDS), now)
        return (place is None and not full) or (place is not None and now - place.latest >= QUIET_SECONDS)


def _place(remote: str | None) -> str:
    try:
        address = ipaddress.ip_address((remote or "").partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False)) if address.ipv4_mapped is None else str(address)
    return str(address)
