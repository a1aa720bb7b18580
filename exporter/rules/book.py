"""The alert rules as they are now: read again and again, so that watches come and go with them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import structlog

from exporter.config import RuleSettings
from exporter.metrics import Metrics
from exporter.rules import api, files
from exporter.rules.alertrule import Rules
from exporter.rules.derive import Derived, RuleQuery, derive
from exporter.rules.parsing import REASONS
from tocsin.problem import Problem, as_text
from tocsin.promapi import Prometheus, QueryError

log = structlog.get_logger("exporter.rules")

Take = Callable[[Sequence[RuleQuery]], None]

IDLE_SECONDS = 3600.0  # between two looks while no rules are asked for


async def read(settings: RuleSettings, prometheus: Prometheus) -> tuple[Rules, list[Problem]]:
    """The rules that the settings ask for, from files and from the rules API; what is wrong with files beside them.

    Raises:
        QueryError: the rules API does not answer.
    """
    rules, problems = await asyncio.to_thread(files.read, settings.files)
    served = await api.read(prometheus) if settings.prometheus else Rules()
    return Rules.together([served, rules]), problems


class RuleBook:
    """The rules, read every now and then; what was read stays while reading fails."""

    def __init__(self, metrics: Metrics) -> None:
        self._take: Take = lambda queries: None
        self._metrics = metrics
        self._settings: RuleSettings | None = None
        self._prometheus: Prometheus | None = None
        self._changed = asyncio.Event()
        self._failing = ""
        self._told: frozenset[str] = frozenset()
        self.derived = Derived()

    def configure(self, settings: RuleSettings | None, prometheus: Prometheus, take: Take) -> None:
        """Reads these rules from now on, soon; none: what was watched of rules is watched no longer.

        `take` watches the queries that it is given, and no others of rules.
        """
        self._settings, self._prometheus, self._take = settings, prometheus, take
        if settings is None:
            self._use(Derived())
        take(self.derived.queries)
        self._changed.set()

    async def run(self) -> None:
        """Reads until cancelled."""
        while True:
            self._changed.clear()
            await self.refresh()
            wait = self._settings.refresh.total_seconds() if self._settings else IDLE_SECONDS
            try:
                await asyncio.wait_for(self._changed.wait(), wait)
            except TimeoutError:
                continue

    async def refresh(self) -> None:
        """Reads the rules once; what fails is logged once and counted, and the rules stay as they were."""
        settings, prometheus = self._settings, self._prometheus
        if settings is None or prometheus is None:
            return
        try:
            rules, problems = await read(settings, prometheus)
        except QueryError as error:
            self._failed(error.reason, str(error))
            return
        if settings is not self._settings:
            return  # configured anew meanwhile
        if problems:
            self._failed("file", as_text(problems))
            return
        if self._failing:
            log.info("the alert rules can be read again")
        self._failing = ""
        derived = await asyncio.to_thread(derive, rules, settings)
        if settings is self._settings:
            self._use(derived)

    def _use(self, derived: Derived) -> None:
        counts = Counter(left.reason for left in derived.left_out)
        for reason in REASONS:
            self._metrics.rules.labels(reason).set(counts[reason])
        self._metrics.rules.labels("").set(len(derived.simulated))
        told = frozenset(f"{left.rule.group}/{left.rule.name}: {left.reason}" for left in derived.left_out)
        if told - self._told:
            log.info(
                "alert rules are not simulated; tocsin exporter rules lists them with their reasons",
                simulated=len(derived.simulated),
                **counts,
            )
        self._told = told
        changed = derived.queries != self.derived.queries
        self.derived = derived
        if changed:
            self._take(derived.queries)

    def _failed(self, reason: str, message: str) -> None:
        self._metrics.rule_failures.labels(reason).inc()
        if message != self._failing:
            log.error("alert rules cannot be read; those that were read stay", reason=reason, message=message)
        self._failing = message
