"""Guards and verifications asked of Prometheus. Whatever does not come as wanted means no."""

from __future__ import annotations

import asyncio
import math
import operator
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Self

import structlog

from receiver.engine.run_events import Observed
from receiver.engine.runs_planned import Condition
from tocsin import http_client
from tocsin.errors import TocsinError
from tocsin.promapi import Prometheus, Sample
from tocsin.promconfig import ServerSettings

log = structlog.get_logger("receiver.remediation")

NOT_CONFIGURED = "no Prometheus is configured: set remediation.prometheus.url; nothing is done"
AT_ONCE = 16
MOST_BYTES = 2**20  # of an answer: a condition gives one number


class Asking:
    """Prometheus as it is now; an instant query looks back 5 minutes for the newest sample."""

    def __init__(self, prometheus: Prometheus | None, timeout_seconds: float = 30.0) -> None:
        """`timeout_seconds` bounds all conditions of one moment together, repeats and fail-over included."""
        self._prometheus = prometheus
        self._timeout_seconds = timeout_seconds

    @classmethod
    def none(cls) -> Self:
        """Where no Prometheus is configured: no condition holds."""
        return cls(None)

    async def observe(self, conditions: Sequence[Condition]) -> tuple[Observed, ...]:
        """What each condition gives now, asked together; never raises: what cannot be known does not hold."""
        return tuple(await asyncio.gather(*(self._observe(one) for one in conditions)))

    async def size(self, expr: str) -> int | None:
        """How many an expression counts; None: it cannot be known."""
        try:
            value = _one_value(await self._ask(expr))
        except _Unknown:
            return None
        return int(value) if math.isfinite(value) and value >= 0 else None

    async def _observe(self, condition: Condition) -> Observed:
        try:
            value = _one_value(await self._ask(condition.expr))
        except _Unknown as error:
            return Observed(condition.name, condition.expr, False, None, str(error), error.answered)
        return judged(condition, value)

    async def _ask(self, expr: str) -> list[Sample]:
        if self._prometheus is None:
            raise _Unknown(NOT_CONFIGURED)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._prometheus.query(expr)
        except TimeoutError:
            raise _Unknown(f"Prometheus does not answer within {self._timeout_seconds:g} s; nothing is done") from None
        except TocsinError as error:
            raise _Unknown(f"Prometheus does not answer: {error}; nothing is done") from error
        except Exception as error:  # whatever broke: without an answer nothing may be done
            log.exception("a question to Prometheus broke", expr=expr)
            raise _Unknown(f"Prometheus could not be asked: {type(error).__name__}; nothing is done") from error


class _Unknown(TocsinError):
    """There is no value, for the reason that the message tells. `answered`: that there is none says something."""

    def __init__(self, reason: str, *, answered: bool = False) -> None:
        super().__init__(reason)
        self.answered = answered


def _one_value(samples: Sequence[Sample]) -> float:
    """The value, where there is one and no more."""
    if not samples:
        raise _Unknown("it gives no value", answered=True)
    if len(samples) > 1:
        raise _Unknown(f"it gives {len(samples)} values, and must give one: aggregate them")
    (sample,) = samples
    if sample.value is None:
        raise _Unknown("it gives a histogram, and must give a number")
    if math.isnan(sample.value):
        raise _Unknown("it gives NaN")
    return sample.value


def judged(condition: Condition, value: float) -> Observed:
    """Whether a value lies within the bounds, and if not why; an infinite one is told by the reason alone."""
    bounds = (
        (condition.above, operator.gt, "above"),
        (condition.below, operator.lt, "below"),
        (condition.at_least, operator.ge, "at least"),
        (condition.at_most, operator.le, "at most"),
        (condition.equals, operator.eq, "equal to"),
    )
    broken = [
        f"not {words} {bound:g}" for bound, holds, words in bounds if bound is not None and not holds(value, bound)
    ]
    told = value if math.isfinite(value) else None
    infinite = [] if told is not None else [f"{value:+g}"]
    return Observed(condition.name, condition.expr, not broken, told, ", ".join([*infinite, *broken]))


@asynccontextmanager
async def asking(settings: ServerSettings | None) -> AsyncIterator[Asking]:
    """A conversation with the configured server.

    Raises:
        TocsinError: a file that says who we are, or whom we trust, cannot be read.
    """
    if settings is None:
        yield Asking.none()
        return
    seconds = settings.timeout.total_seconds()
    async with http_client.session(settings, seconds) as session:
        prometheus = Prometheus(
            session, settings.url, timeout_seconds=seconds, http=settings, most_bytes=MOST_BYTES, at_once=AT_ONCE
        )
        yield Asking(prometheus, seconds)
