"""Which sightings tell nobody anything, each with its reason. Nothing suppressed is lost: it is counted, and kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from receiver.engine.ingest import Change, Sighting

REASONS = {
    Change.REPEATED: "repeat",
    Change.MOVED: "repeat",
    Change.LATE: "late",
    Change.NEVER_FIRED: "never fired",
    Change.CONFIRMED: "repeat",
}


def suppress(sightings: Iterable[Sighting]) -> tuple[list[Sighting], Counter[str]]:
    """The sightings that go on, and how many were held back for which reason."""
    passed: list[Sighting] = []
    held: Counter[str] = Counter()
    for sighting in sightings:
        reason = REASONS.get(sighting.change)
        if reason is None:
            passed.append(sighting)
        else:
            held[reason] += 1
    return passed, held
