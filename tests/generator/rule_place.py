"""The destination `kubernetes` before a cluster: the real client, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from generator.delivery.apply import Progress, apply
from generator.delivery.kubernetes import Access, Kubernetes
from generator.delivery.kubernetes_asking import Asking
from generator.delivery.kubernetes_objects import MANAGED_BY, SET, Ownership
from generator.delivery.plan import Plan, make
from generator.emit import File
from generator.pipeline import compile_packs
from generator.targets import prometheusrule
from tests.generator.packs import alert, pack
from tests.generator.rule_cluster import RuleCluster
from tests.kubernetes import TOKEN, kubeconfig, running
from tocsin.kubernetes.reach import reached

OURS = {MANAGED_BY: "tocsin", SET: "shop"}
OWNERSHIP = Ownership("monitoring", "shop")


@dataclass
class Place:
    """The destination before a cluster; `slept` is how long it waited between requests."""

    cluster: RuleCluster
    destination: Kubernetes
    ownership: Ownership
    slept: list[float] = field(default_factory=list)

    async def plan(self, *files: File, prune: bool = True) -> Plan:
        return make(self.ownership.wanted(files), await self.destination.held(), prune=prune)

    async def apply(self, *files: File, meanwhile: Callable[[], object] | None = None) -> Progress:
        progress = Progress(await self.plan(*files))
        if meanwhile:
            meanwhile()
        await apply(progress.plan, self.destination, progress)
        return progress


@asynccontextmanager
async def place(
    folder: Path, cluster: RuleCluster | None = None, ownership: Ownership = OWNERSHIP, **given: Any
) -> AsyncIterator[Place]:
    cluster = cluster or RuleCluster()
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with running(cluster) as url:
        timeout = timedelta(milliseconds=given.get("milliseconds", 5000))
        file = kubeconfig(folder, given.get("server", url), given.get("token", TOKEN))
        async with reached(Access(file, None, False, timeout)) as reach:
            asking = Asking(reach, ownership.namespace, timeout, sleep)
            yield Place(cluster, Kubernetes(asking, ownership, reach.url), ownership, slept)


def built(folder: Path, name: str = "node", rules: str = "", above: int = 3) -> File:
    """A pack of that name as the target writes it."""
    file = folder / f"{name}.yml"
    text = pack(rules or alert(f"threshold: {{expr: sum(up), above: {above}}}", for_="5m"))
    file.write_text(text.replace("name: test,", f"name: {name},"))
    compiled = compile_packs([file], prometheusrule.render)
    assert len(compiled.files) == 1, compiled.problems
    return compiled.files[0]


def steps(plan: Plan) -> list[tuple[str, str]]:
    return [(step.action, step.piece.name.removeprefix("monitoring/")) for step in plan.steps]


def failures(progress: Progress) -> dict[str, str]:
    return {step.piece.name.removeprefix("monitoring/"): why for step, state, why in progress.rows() if why}
