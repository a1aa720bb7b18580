"""Alerts of packs and rule files replayed over what a server has stored, as Prometheus would have evaluated them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from generator.backtest import telling
from generator.backtest.asking import AT_ONCE, TooManySeriesError, ask
from generator.backtest.evaluations import milliseconds
from generator.backtest.firings import fired
from generator.backtest.labelling import alerts
from generator.backtest.outcome import Replayed, RuleOutcome
from generator.backtest.replayable import Replayable, replayable
from generator.backtest.rhythm import Rhythm, of_server
from generator.backtest.stored import Stored
from generator.inlining import Inlining, TooLongError, recorded
from generator.rule import Pack, Rule
from tocsin.promapi import NoAnswer, NotLetIn, NotPrometheus, Prometheus, QueryError
from tocsin.promql import PromQLError

DEFAULT_INTERVAL = timedelta(minutes=1)  # prometheus: config/config.go, DefaultGlobalConfig


class ServerLostError(Exception):
    """The server answers nothing any more; the message is the last that was heard of it."""


async def replay(
    packs: Sequence[Pack],
    server: Prometheus,
    start: datetime,
    end: datetime,
    *,
    step: timedelta | None = None,
    default_interval: timedelta | None = None,
    rules: Callable[[Rule], bool] = lambda rule: True,
    told: Callable[[int, int], None] = lambda done, of: None,
    stored_records: bool = False,
) -> Replayed:
    """What became of each alert of the packs from start to end; a server is best `asking.connected`.

    `step` takes the place of every interval; `default_interval` that of the server's own, for groups without one.
    `stored_records` reads records as they are stored instead of what makes them. `told` hears how many are done.
    """
    try:
        await server.query("vector(1)")
        server_told = await of_server(server)
    except QueryError as error:
        return Replayed(start, end, (), (telling.unreachable(server, error),))
    rhythm = Rhythm(server_told, default_interval or server_told.interval or DEFAULT_INTERVAL, step)
    records = {} if stored_records else recorded(packs, rhythm.default, rhythm.written)
    wanted = [one for pack in packs for one in replayable(pack, rules, rhythm)]
    least = min((milliseconds(one.interval) for one in wanted), default=1)
    inlining, stored = Inlining(records, rhythm.default), Stored.between(server, start, end, least)
    replaying = _Replaying(server, start, end, inlining, stored)
    outcomes, lost = await replaying.all(wanted, told)
    return Replayed(start, end, outcomes, (telling.unreachable(server, lost),) if lost else ())


@dataclass(frozen=True, slots=True)
class _Replaying:
    """One backtest on its way."""

    server: Prometheus
    start: datetime
    end: datetime
    inlining: Inlining
    stored: Stored

    async def all(
        self, wanted: Sequence[Replayable], told: Callable[[int, int], None]
    ) -> tuple[tuple[RuleOutcome, ...], ServerLostError | None]:
        """The outcomes in the order of the rules, and what ended it before all had one."""
        outcomes: dict[int, RuleOutcome] = {}
        waiting = list(enumerate(wanted))[::-1]
        lost: list[ServerLostError] = []

        async def work() -> None:
            while waiting and not lost:
                place, one = waiting.pop()
                try:
                    outcomes[place] = await self._one(one)
                except ServerLostError as error:
                    lost.append(error)
                told(len(outcomes), len(wanted))

        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(AT_ONCE, len(wanted))):
                tasks.create_task(work())
        return tuple(outcomes[place] for place in sorted(outcomes)), lost[0] if lost else None

    async def _one(self, one: Replayable) -> RuleOutcome:
        """The outcome of one alert.

        Raises:
            ServerLostError: the server answers nothing any more.
        """
        expr = None
        try:
            expr = self.inlining.inlined(one.rule.expr, one.moments)
            if reason := telling.not_replayable(expr):
                return one.outcome(problems=[telling.not_asked(one.rule, reason)], asked=expr)
            times = one.times(self.start, self.end)
            answers = await ask(self.server, expr.text, one.queried(times))
            if answers.unanswered:
                await self._probe(answers.unanswered[-1].why)
            found = alerts(one.rule, one.labels, answers.series)
        except QueryError as error:
            await self._probe(error)
            return one.outcome(problems=[telling.not_asked(one.rule, str(error))], asked=expr)
        except (TooLongError, PromQLError, TooManySeriesError) as error:
            return one.outcome(problems=[telling.not_asked(one.rule, str(error))], asked=expr)
        stored = await self.stored.of(expr)
        unknown = [part.run for part in answers.unanswered]
        seen = await asyncio.to_thread(fired, one.rule, found.found, times, self.start, [*unknown, *found.clashing])
        problems = telling.told(one, answers, found, times, stored, self.start, self.end)
        return one.outcome(seen, stored.data if stored else None, problems, expr)

    async def _probe(self, error: QueryError) -> None:
        """Raises: ServerLostError: it is not the rule, the server answers nothing."""
        if isinstance(error, NoAnswer | NotPrometheus | NotLetIn):
            try:
                await self.server.query("vector(1)")
            except QueryError as again:
                raise ServerLostError(str(again)) from again
