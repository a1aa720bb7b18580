"""Each alert's `for`, from Prometheus's rules API, asked again and again.

Source: prometheus web/api/v1/api.go, `/api/v1/rules`: durations are seconds there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta

import msgspec
import structlog

from receiver.engine.onset import Holds, Waiting
from receiver.onsets.files import fixed
from receiver.onsets.settings import RulesApiSettings
from tocsin.errors import TocsinError
from tocsin.http_client import session
from tocsin.promapi import NoAnswer, NotPrometheus, Prometheus, QueryError, QueryRefused

log = structlog.get_logger("receiver.onsets")

PATH = "/api/v1/rules"
ASKED = f"{PATH}?type=alert"


class _Rule(msgspec.Struct, frozen=True):
    name: str = ""
    type: str = ""
    duration: float = 0.0
    labels: dict[str, str] | None = None


class _Group(msgspec.Struct, frozen=True):
    rules: list[_Rule] = []


class _Data(msgspec.Struct, frozen=True):
    groups: list[_Group] | None = None


class _Answer(msgspec.Struct, frozen=True):
    status: str = ""
    data: _Data = _Data()
    error: str = ""


_ANSWER = msgspec.json.Decoder(_Answer)


def decode(url: str, status: int, body: bytes) -> list[Waiting]:
    """The alert rules in an answer's body.

    Raises:
        QueryError: there are none in it.
    """
    if status in (401, 403):
        raise QueryRefused(f"{url} does not let us in (HTTP {status})")
    try:
        answer = _ANSWER.decode(body)
        rules = list(_rules(answer))
    except (msgspec.DecodeError, UnicodeDecodeError, OverflowError, ValueError) as error:
        kind: type[QueryError] = NoAnswer if status >= 500 else NotPrometheus
        raise kind(f"{url} answered HTTP {status} to {PATH} with something else than rules") from error
    if answer.status != "success":
        kind = NoAnswer if status >= 500 else QueryRefused
        raise kind(f"{url} says: {answer.error or f'HTTP {status}'}")
    return rules


def _rules(answer: _Answer) -> Iterator[Waiting]:
    for group in answer.data.groups or ():
        for rule in group.rules:
            if rule.type == "alerting":
                yield Waiting(rule.name, timedelta(seconds=rule.duration), fixed(rule.labels or {}))


class ServedHolds:
    """What a server tells of its rules; what it told last stays while it does not answer."""

    def __init__(self, settings: RulesApiSettings, take: Callable[[Holds], None]) -> None:
        """`take` is given what the server tells, each time that it is something else."""
        self._settings = settings
        self._take = take
        self._failing = ""
        self._known: list[Waiting] | None = None

    async def run(self) -> None:
        """Asks until cancelled."""
        while True:
            await self.ask()
            await asyncio.sleep(self._settings.every.total_seconds())

    async def ask(self) -> None:
        """Asks once; a failure is told once, until it is another one or over."""
        settings = self._settings
        try:
            async with session(settings, settings.timeout.total_seconds()) as opened:
                asking = Prometheus(
                    opened, settings.url, timeout_seconds=settings.timeout.total_seconds(), http=settings
                )
                rules = await asking.get(ASKED, decode)
        except TocsinError as error:
            if str(error) != self._failing:
                log.warning(
                    "the rules API does not tell each alert's for; what it told before stays", reason=str(error)
                )
            self._failing = str(error)
            return
        if self._failing:
            log.info("the rules API answers again")
        self._failing = ""
        if rules != self._known:
            self._known = rules
            self._take(Holds.of(rules))
