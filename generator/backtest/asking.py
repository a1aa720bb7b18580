"""An expression asked of a server at every evaluation of a long time: in stretches, as long as the server can bear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from generator.backtest.presence import present
from generator.backtest.runs import Run, joined
from tocsin.http_client import session
from tocsin.http_config import HttpConfig
from tocsin.promanswer import Series
from tocsin.promapi import MOST_POINTS, Prometheus, QueryError, QueryRefused, TooMuch, TooSlow

AT_ONCE = 4  # queries on their way to a server
MOST_BYTES = 64 * 2**20  # of one answer: a stretch with a larger one is asked in halves
MOST_SERIES = 10_000  # of one rule, label sets that Alertmanager would get
SMALLEST = 100  # evaluations: what is not answered for so few is not for so many either
MOST_SLOW = 3  # times that a stretch is halved because it is too slow: then it is not its length
MOST_FAILED = 3  # stretches, then the rest of the rule is not asked

# What Prometheus (promql/engine.go) says of moments at which series do not go together; of others it says nothing.
OF_A_MOMENT = ("many-to-many", "duplicate series", "same labelset", "multiple matches for labels")


class TooManySeriesError(ValueError):
    """The expression gives more series than alerts that anybody could want."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A stretch of evaluations that the server does not answer for, and why."""

    run: Run
    why: QueryError


@dataclass(slots=True)
class Answers:
    """When each series was there, by its labels as the server writes them; and what is not known."""

    series: dict[bytes, list[Run]] = field(default_factory=dict)
    unanswered: list[Unanswered] = field(default_factory=list)
    warnings: dict[str, None] = field(default_factory=dict)

    def warned(self, text: str) -> None:
        self.warnings[text] = None

    def take(self, answer: Sequence[Series], times: range, first: int) -> None:
        """Adds an answer about the stretch `times`, which begins at the evaluation `first`."""
        for series in answer:
            runs = self.series.setdefault(bytes(series.metric), [])
            runs += [(first + begin, first + end) for begin, end in present(series, times)]
        if len(self.series) > MOST_SERIES:
            raise TooManySeriesError(f"it gives more than {MOST_SERIES:,} series")

    def ended(self) -> Answers:
        """The same, runs joined."""
        return Answers({key: joined(runs) for key, runs in self.series.items()}, self.unanswered, self.warnings)


@asynccontextmanager
async def connected(url: str, http: HttpConfig | None, timeout_seconds: float) -> AsyncIterator[Prometheus]:
    """A server as a backtest asks it: what is too slow is not tried again but halved."""
    http = http or HttpConfig()
    async with session(http) as opened:
        yield Prometheus(
            opened,
            [url.rstrip("/")],
            timeout_seconds=timeout_seconds,
            http=http,
            most_bytes=MOST_BYTES,
            at_once=AT_ONCE,
            slow_again=False,
        )


async def ask(server: Prometheus, expr: str, times: range) -> Answers:
    """The series of an expression at `times`, Unix milliseconds.

    Raises:
        QueryError: the server does not answer at all, or refuses the expression whatever the time.
        TooManySeriesError: there are too many series.
    """
    asking = _Asking(server, expr, times, [(0, len(times) - 1)])
    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(AT_ONCE, -(-len(times) // MOST_POINTS))):
                tasks.create_task(asking.work())
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return asking.answers.ended()


@dataclass(slots=True)
class _Asking:
    """The stretches that wait, the earliest last; no stretch is longer than `size`."""

    server: Prometheus
    expr: str
    times: range
    waiting: list[Run]
    size: int = MOST_POINTS
    answers: Answers = field(default_factory=Answers)

    async def work(self) -> None:
        """Asks for one stretch after another until none waits."""
        while self.waiting:
            await self._next()

    async def _next(self) -> None:
        first, last = self.waiting.pop()
        if last - first >= self.size:
            self.waiting.append((first + self.size, last))
            last = first + self.size - 1
        times = self.times[first : last + 1]
        try:
            answer = await self.server.query_range(
                self.expr, times[0] / 1000, times[-1] / 1000, times.step / 1000, warned=self.answers.warned
            )
        except (TooMuch, TooSlow, QueryRefused) as error:
            if not _is_of_a_stretch(error):
                raise
            self._halve((first, last), error)
        else:
            await asyncio.to_thread(self.answers.take, answer, times, first)

    def _halve(self, run: Run, error: QueryError) -> None:
        first, last = run
        half = (last - first + 1) // 2
        least = min(len(self.times), MOST_POINTS) >> MOST_SLOW if isinstance(error, TooSlow) else SMALLEST
        if half < max(least, SMALLEST):
            self._give_up(run, error)
            return
        if isinstance(error, TooMuch | TooSlow):
            self.size = min(self.size, half)
        self.waiting += [(first + half, last), (first, first + half - 1)]

    def _give_up(self, run: Run, error: QueryError) -> None:
        self.answers.unanswered.append(Unanswered(run, error))
        if len(self.answers.unanswered) >= MOST_FAILED:
            self.answers.unanswered += [Unanswered(rest, error) for rest in reversed(self.waiting)]
            self.waiting.clear()


def _is_of_a_stretch(error: QueryError) -> bool:
    """Whether a shorter stretch, or another one, may be answered."""
    return isinstance(error, TooMuch | TooSlow) or any(words in str(error) for words in OF_A_MOMENT)
