"""What goes now, what waits, and what goes together. Nothing is lost: what waits is a row like any other."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from receiver.engine.incident import Incident
from receiver.engine.plan import Message
from receiver.notify.pacing import PacingSettings
from receiver.store.endings import GivenBack
from receiver.store.jobs import Deliver, Job
from receiver.store.outbox import Outbox
from tocsin import duration
from tocsin.model import Severity

ALONE: frozenset[Message] = frozenset({"approval", "remediation"})  # each is about one run of a runbook
URGENT: frozenset[Message] = frozenset({"page", "reopened", "handover", "sla", "approval"})


class Waiting(Protocol):
    """A message whose time has come, with its incident."""

    @property
    def job(self) -> Job: ...
    @property
    def incident(self) -> Incident | None: ...


@dataclass(frozen=True, slots=True)
class Known:
    """What plans rest on, by address: when messages were sent within the limit's time, and until when some are held."""

    told: Mapping[str, Sequence[datetime]] = field(default_factory=dict)
    held: Mapping[str, datetime] = field(default_factory=dict)


W = TypeVar("W", bound=Waiting)


@dataclass
class Plan(Generic[W]):
    """`together`: each goes as one message now; `back` waits."""

    together: list[list[W]] = field(default_factory=list)
    back: list[GivenBack] = field(default_factory=list)


def plan(ready: Sequence[W], settings: PacingSettings, known: Known, now: datetime, *, alone: bool) -> Plan[W]:
    """Who waits and who goes. `alone`: the channel shows each incident in a place of its own."""
    made: Plan[W] = Plan()
    room = {one.job.address: _room(settings, known.told.get(one.job.address, ())) for one in ready}
    for group in _groups(ready, alone=alone):
        first = group[0]
        where = first.job.address
        fresh = first.job.held_until is None
        if _message(first) == "update" or _urgent(first, settings):
            made.together.append(group)
        elif settings.bundle and fresh and not alone and _message(first) not in ALONE:
            until = known.held.get(where, now + settings.bundle)
            made.back += _held(group, until, "waits for others to the same person")
            continue
        elif room[where] <= 0 and settings.limit is not None:
            made.back += _held(group, _free_at(settings, known.told.get(where, ()), now), _full(settings))
            continue
        else:
            made.together.append(group)
        room[where] -= 1
    return made


def _groups(ready: Sequence[W], *, alone: bool) -> Iterable[list[W]]:
    """What was held for one address and says the same kind of thing goes together; the rest one by one."""
    groups: defaultdict[tuple[str, str], list[W]] = defaultdict(list)
    for one in ready:
        own = alone or one.job.held_until is None or _message(one) in ALONE
        groups[one.job.address, one.job.key if own else _message(one)].append(one)
    return groups.values()


def _message(one: Waiting) -> Message:
    assert isinstance(one.job.payload, Deliver)
    return one.job.payload.message


def _urgent(one: Waiting, settings: PacingSettings) -> bool:
    if one.incident is None or (settings.limit is not None and settings.limit.hard):
        return False
    return one.incident.severity is Severity.CRITICAL and _message(one) in URGENT


def _room(settings: PacingSettings, told: Sequence[datetime]) -> int:
    return settings.limit.messages - len(told) if settings.limit is not None else 1


def _free_at(settings: PacingSettings, told: Sequence[datetime], now: datetime) -> datetime:
    """When the oldest of those that count no longer does."""
    assert settings.limit is not None
    counting = sorted(told)[-settings.limit.messages :]
    return max((counting[0] if counting else now) + settings.limit.within, now)


def _full(settings: PacingSettings) -> str:
    assert settings.limit is not None
    return f"waits: {settings.limit.messages} messages within {duration.show(settings.limit.within)} have been sent"


def _held(group: Sequence[Waiting], until: datetime, reason: str) -> list[GivenBack]:
    return [GivenBack(one.job, until, reason, tried=False, held=True) for one in group]


class Pacer:
    """Plans with what the store knows, and with what this process is sending just now."""

    def __init__(self, outbox: Outbox, settings: Mapping[str, PacingSettings]) -> None:
        """`settings` by channel; they are replaced when the configuration is read again."""
        self.settings = settings
        self._outbox = outbox
        self._under_way: Counter[str] = Counter()

    async def plan(self, channel: str, ready: Sequence[W], now: datetime, *, alone: bool) -> Plan[W]:
        """What of a batch goes now.

        Raises:
            StoreUnavailable: not now.
        """
        settings = self.settings.get(channel)
        if settings is None:
            return Plan([[one] for one in ready])
        addresses = {one.job.address for one in ready}
        told: dict[str, list[datetime]] = {}
        if settings.limit is not None:
            told = await self._outbox.told(addresses, now - settings.limit.within)
            for where in addresses:
                told[where] = told.get(where, []) + [now] * self._under_way[where]
        held = await self._outbox.held(addresses, now) if settings.bundle else {}
        made = plan(ready, settings, Known(told, held), now, alone=alone)
        self._under_way.update(group[0].job.address for group in made.together)
        return made

    def ended(self, channel: str, address: str) -> None:
        """A message is recorded: from now on the store knows."""
        if channel in self.settings and self._under_way[address]:
            self._under_way[address] -= 1
