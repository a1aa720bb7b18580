"""Whether a run may begin: its limits, counted and taken in one transaction, so that they hold whoever else begins one.

A run counts from its admission on, whatever becomes of it. On PostgreSQL one admission follows the other (an advisory
lock until the commit); SQLite has one writer anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from receiver.store.dialect import is_postgresql, now
from receiver.store.schema import EPOCH, MICROSECOND, remediations, stops
from tocsin import duration
from tocsin.errors import TocsinError

LOCK = 0x746F63_03  # as MIGRATION_LOCK


class Full(TocsinError):
    """A limit stands against it; the message tells which."""


class Stopped(TocsinError):
    """All remediation has been stopped; the message tells by whom and why."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most so many within a time."""

    most: int
    within: timedelta


@dataclass(frozen=True, slots=True)
class Fleet:
    """At most so many runs within a time on what the target is one of many of."""

    name: str
    most: int
    within: timedelta
    words: str  # 10 % of 40


@dataclass(frozen=True, slots=True)
class Limits:
    """What stands against a run; `cool_down` is of its target, whichever the runbook."""

    per_target: Rate
    per_runbook: Rate
    at_once: int
    cool_down: timedelta
    everything: Rate
    budget: Rate | None = None  # of its tenant
    fleet: Fleet | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """A run that would begin."""

    run: str
    runbook: str
    target: str
    tenant: str
    limits: Limits


class Admission:
    """Asks and takes, within the transaction that says that the run begins."""

    def __init__(self, wish: Wish, at: datetime, *, shared: bool) -> None:
        """`at` is now by this process's clock; where several share the database, its clock counts."""
        self.wish = wish
        self.moment: sa.ColumnElement[datetime] = now() if shared else sa.literal(at, remediations.c.admitted_at.type)
        # as numbers, to reckon with: a value that is only coerced would be sent as it is
        self._since_epoch: sa.ColumnElement[int] = (
            sa.type_coerce(now(), sa.BigInteger) if shared else sa.literal((at - EPOCH) // MICROSECOND, sa.BigInteger)
        )

    async def take(self, connection: AsyncConnection) -> None:
        """Takes a place for the run, whose row there is already.

        Raises:
            Full: there is none.
            Stopped: nothing begins now.
        """
        if is_postgresql(connection):
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        await refuse_if_stopped(connection)
        await self.ask(connection)
        taken = sa.update(remediations).where(remediations.c.id == self.wish.run).values(admitted_at=self.moment)
        await connection.execute(taken)

    async def ask(self, connection: AsyncConnection) -> None:
        """Whether there is a place now; it may be gone a moment later.

        Raises:
            Full: there is none.
        """
        questions = list(self._questions())
        row = (await connection.execute(sa.select(*(count for _, _, count in questions)))).one()
        for (most, reason, _), found in zip(questions, row, strict=True):
            if found >= most:
                raise Full(reason)

    def _questions(self) -> Iterator[tuple[int, str, sa.ScalarSelect[int]]]:
        """How many there may be, what is said where there are as many, and the count."""
        wish, limits, row = self.wish, self.wish.limits, remediations.c
        under_way = row.admitted_at.is_not(None) & row.ended_at.is_(None)
        yield 1, f"another run is at work on {wish.target}", _count((row.target == wish.target) & under_way)
        if limits.cool_down:
            ended = (row.target == wish.target) & row.admitted_at.is_not(None)
            recent = ended & (row.ended_at > self._before(limits.cool_down))
            pause = duration.show(limits.cool_down)
            yield 1, f"a run on {wish.target} ended less than {pause} ago (limits.cool_down)", _count(recent)
        of_runbook = row.runbook == wish.runbook
        yield (
            limits.at_once,
            f"{limits.at_once} runs of {wish.runbook} are under way (limits.at_once)",
            _count(of_runbook & under_way),
        )
        yield self._rate(limits.per_target, f"on {wish.target} (limits.per_target)", row.target == wish.target)
        yield self._rate(limits.per_runbook, f"of {wish.runbook} (limits.per_runbook)", of_runbook)
        yield self._rate(limits.everything, "in all (remediation.everything)", sa.true())
        if limits.budget is not None:
            yield self._rate(limits.budget, f"of tenant {wish.tenant} (remediation.budgets)", row.tenant == wish.tenant)
        if limits.fleet is not None:
            rate = Rate(limits.fleet.most, limits.fleet.within)
            name = f"on {limits.fleet.name} (target.fleet: {limits.fleet.words})"
            yield self._rate(rate, name, row.fleet == limits.fleet.name)

    def _rate(self, rate: Rate, of: str, which: sa.ColumnElement[bool]) -> tuple[int, str, sa.ScalarSelect[int]]:
        lately = remediations.c.admitted_at > self._before(rate.within)
        words = f"{rate.most} run{'' if rate.most == 1 else 's'} within {duration.show(rate.within)} {of}"
        return rate.most, f"there may be {words}, and there have been as many", _count(which & lately)

    def _before(self, ago: timedelta) -> sa.ColumnElement[int]:
        return self._since_epoch - sa.literal(ago // MICROSECOND, sa.BigInteger)


def _count(which: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(remediations).where(which).scalar_subquery()


async def refuse_if_stopped(connection: AsyncConnection) -> None:
    """Nothing begins while all is stopped.

    Raises:
        Stopped: it is.
    """
    found = (await connection.execute(sa.select(stops).where(stops.c.started_at.is_(None)).limit(1))).first()
    if found is not None:
        why = f": {found.reason}" if found.reason else ""
        raise Stopped(f"all remediation was stopped by {found.stopped_by}{why}")
