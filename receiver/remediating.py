"""Remediation, wired: runbooks, guards, limits and, where steps are run here, whatever does them."""

from __future__ import annotations

import os
import platform
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

from receiver.config import ReceiverConfig
from receiver.decide import Decider
from receiver.jobs.acting import Acting
from receiver.jobs.escalating import Escalating
from receiver.prepared import Prepared
from receiver.proposing import Proposing
from receiver.reconcile.settings import ReconcileSettings
from receiver.remediate.asking import asking
from receiver.remediate.config import RemediationSettings
from receiver.remediate.step import Doer
from receiver.remediate.steps.exec_doer import ExecDoer
from receiver.remediate.steps.http_doer import HttpDoer
from receiver.silences.runbooks import SilenceDoer
from receiver.store.database import Database
from receiver.store.jobs import Jobs
from receiver.store.queries import Queries
from receiver.store.runs import Runs
from tocsin.clock import Clock


@dataclass(slots=True)
class Remediating:
    """Which runbooks there are and, with `acting`, what runs them."""

    proposing: Proposing
    runs: Runs
    acting: Acting | None
    _made_of: tuple[RemediationSettings, Mapping[str, ReconcileSettings]]
    _clock: Clock
    _closing: AsyncExitStack = field(default_factory=AsyncExitStack)

    @classmethod
    async def build(
        cls,
        database: Database,
        prepared: Prepared,
        *,
        decider: Decider,
        queries: Queries,
        jobs: Jobs,
        escalating: Escalating,
        clock: Clock,
        here: bool,
    ) -> Self:
        """`here`: steps are run in this process, which therefore opens the credentials that they need.

        Raises:
            TocsinError: a credential cannot be read.
            MissingExtra: what a kind of step is made of is not installed.
        """
        settings = prepared.config.remediation or RemediationSettings()
        runs = Runs(database)
        async with AsyncExitStack() as stack:
            proposing = Proposing(
                settings,
                prepared.runbooks,
                decider=decider,
                queries=queries,
                asking=await stack.enter_async_context(asking(settings.prometheus)),
                runs=runs,
                directory=prepared.directory,
                reach=escalating.reach_now,
                clock=clock,
            )
            acting = None
            if here:
                doers = await stack.enter_async_context(doers_of(prepared.config, clock))
                acting = Acting(
                    proposing=proposing,
                    doers=doers,
                    decider=decider,
                    jobs=jobs,
                    runs=runs,
                    reach=escalating.reach_now,
                    clock=clock,
                    worker=f"{platform.node()}:{os.getpid()}",
                    shared=database.shared,
                )
            made_of = (settings, prepared.config.alertmanagers)
            return cls(proposing, runs, acting, made_of, clock, stack.pop_all())

    async def take(self, prepared: Prepared) -> None:
        """Goes on with another configuration, from the next decision on; a step that runs ends as it began.

        Raises:
            TocsinError: a credential cannot be read; nothing is taken.
        """
        settings, proposing = prepared.config.remediation or RemediationSettings(), self.proposing
        made_of = (settings, prepared.config.alertmanagers)
        if made_of != self._made_of:  # what was opened before is let go of at the end: steps may be at work with it
            asks = await self._closing.enter_async_context(asking(settings.prometheus))
            if self.acting is not None:
                self.acting.doers = await self._closing.enter_async_context(doers_of(prepared.config, self._clock))
            proposing.asking, self._made_of = asks, made_of
        proposing.settings, proposing.runbooks = settings, prepared.runbooks
        proposing.directory = prepared.directory

    async def close(self) -> None:
        """Lets go of whatever is kept open."""
        await self._closing.aclose()


@asynccontextmanager
async def doers_of(config: ReceiverConfig, clock: Clock) -> AsyncIterator[Mapping[str, Doer]]:
    """What does the steps of each kind, by kind; closed at the end.

    Raises:
        TocsinError: a credential cannot be read.
        MissingExtra: what a kind of step is made of is not installed.
    """
    settings, alertmanagers = config.remediation or RemediationSettings(), config.alertmanagers
    made: dict[str, Callable[[], Doer]] = {
        "exec": lambda: ExecDoer(settings.exec),
        "http": lambda: HttpDoer(settings.http),
        "kubernetes": lambda: _kubernetes(settings, clock),
        "ansible": lambda: _ansible(settings),
        "silence": lambda: SilenceDoer(alertmanagers, clock, tenant_label=config.tenant_label),
    }
    configured: dict[str, object] = {
        "exec": settings.exec.allow,
        "http": settings.http,
        "kubernetes": settings.kubernetes,
        "ansible": settings.ansible,
        "silence": alertmanagers,
    }
    async with AsyncExitStack() as stack:
        doers = {kind: make() for kind, make in made.items() if configured[kind]}
        for doer in doers.values():
            stack.push_async_callback(doer.close)
        yield doers


def _kubernetes(settings: RemediationSettings, clock: Clock) -> Doer:
    from receiver.remediate.kubernetes.doer import KubernetesDoer

    return KubernetesDoer(settings.kubernetes, clock)


def _ansible(settings: RemediationSettings) -> Doer:
    from receiver.remediate.steps.ansible_doer import AnsibleDoer

    assert settings.ansible is not None  # as configured
    return AnsibleDoer(settings.ansible)
