"""The real doer and the real client before a fake cluster."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from receiver.engine.runs_planned import Action
from receiver.remediate.kubernetes.doer import KubernetesDoer
from receiver.remediate.step import About, Done
from receiver.remediate.steps.kubernetes import KubernetesEdge, KubernetesStep
from receiver.remediate.values import Values
from tests.kubernetes import kubeconfig, running
from tests.receiver.remediate.fake_kubernetes import FakeKubernetes
from tocsin.clock import ManualClock

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
ABOUT = About("inc-1", "HighLatency", "run-1", "run-1/0")
BACK = About("inc-1", "HighLatency", "run-1", "run-1/0/undo")


@dataclass
class Quick:
    """Seconds that pass at once; `meanwhile` is what happens in them."""

    skipped: float = 0.0
    slept: list[float] = field(default_factory=list)
    meanwhile: list[Callable[[], object]] = field(default_factory=list)

    def seconds(self) -> float:
        return time.monotonic() + self.skipped

    async def sleep(self, seconds: float) -> None:
        self.skipped += seconds
        self.slept.append(seconds)
        for happens in self.meanwhile:
            happens()
        await asyncio.sleep(0)


@dataclass
class Bench:
    """`step(...)` is one as the runbook has it; it is planned, looked at (with time enough) and done."""

    fake: FakeKubernetes
    looker: KubernetesDoer
    doer: KubernetesDoer
    patience: Quick

    async def look(self, **settings: Any) -> Mapping[str, str]:
        return await self.looker.look(step(**settings), ABOUT)

    async def does(
        self, *, before: Mapping[str, str] | None = None, meanwhile: Callable[[], object] | None = None, **settings: Any
    ) -> Done:
        """Looks, lets something else happen, and does it."""
        action = step(**settings)
        seen = await self.looker.look(action, ABOUT) if before is None else before
        if meanwhile:
            meanwhile()
        return await self.doer.do(action, seen, ABOUT if action.arguments["action"] != "restore" else BACK)


def step(**settings: Any) -> Action:
    """A planned step; where nothing else is said, upon shop/checkout."""
    given = {"namespace": "shop", "object": "checkout"} | settings
    if given["action"].endswith("cordon"):
        given.pop("namespace")
    return KubernetesStep.model_validate(given).action(Values({}))


@asynccontextmanager
async def bench(
    folder: Path, fake: FakeKubernetes | None = None, *, server: str = "", token: str | None = None, **edge: Any
) -> AsyncIterator[Bench]:
    """A doer with one cluster, in which it may do everything in the namespace shop and to nodes."""
    fake = fake or FakeKubernetes()
    async with running(fake) as url:
        file = kubeconfig(folder, server or url, **({"token": token} if token else {}))
        settings = {"kubeconfig_file": file, "namespaces": ["shop"], "nodes": True, "timeout": timedelta(seconds=5)}
        patience = Quick()
        looker, doer = (
            KubernetesDoer({"main": KubernetesEdge.model_validate(one)}, ManualClock(NOW), patience)
            for one in (settings | edge | {"timeout": timedelta(seconds=5)}, settings | edge)
        )
        yield Bench(fake, looker, doer, patience)
