"""Which heartbeats have fallen silent, and which are back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from receiver.engine.heartbeat import Heartbeat


@dataclass(frozen=True, slots=True)
class Finding:
    """A heartbeat that has fallen silent, or that is back."""

    heartbeat: Heartbeat
    silent: bool
    heard_at: datetime | None


def judge(
    heartbeats: Sequence[Heartbeat],
    heard: Mapping[str, datetime],
    silent: Collection[str],
    *,
    started_at: datetime,
    settled_until: datetime,
) -> Iterator[Finding]:
    """What has changed since people were told last.

    Args:
        heard: the last sign of life of each heartbeat since our start.
        silent: the heartbeats of whose silence people know.
        settled_until: until when everything that was received has been processed: now, unless bodies wait.
    """
    for heartbeat in heartbeats:
        heard_at = heard.get(heartbeat.name)
        overdue = settled_until - (heard_at or started_at) >= heartbeat.within
        if heartbeat.name not in silent and overdue:
            yield Finding(heartbeat, silent=True, heard_at=heard_at)
        elif heartbeat.name in silent and heard_at is not None and not overdue:
            yield Finding(heartbeat, silent=False, heard_at=heard_at)
