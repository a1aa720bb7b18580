"""Each alert's `for`, from Prometheus's rules API, asked again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta

import structlog

from receiver.engine.onset import Holds, Waiting
from receiver.onsets.files import fixed
from receiver.onsets.settings import RulesApiSettings
from tocsin import promrules
from tocsin.errors import TocsinError
from tocsin.http_client import session
from tocsin.promapi import Prometheus
from tocsin.promrules import ServedGroup

log = structlog.get_logger("receiver.onsets")

ASKED = "type=alert"


def waiting(groups: Iterable[ServedGroup]) -> list[Waiting]:
    """The `for` of each alert rule."""
    rules = (rule for group in groups for rule in group.rules or () if rule.type == "alerting")
    return [Waiting(rule.name, timedelta(seconds=rule.duration), fixed(rule.labels or {})) for rule in rules]


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
                rules = waiting(await promrules.rules(asking, ASKED))
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
