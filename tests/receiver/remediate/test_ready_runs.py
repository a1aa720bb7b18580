"""The runbooks that ship from alert to end: the real doers, before targets that stand for the real ones."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from demo.serving import serving
from receiver.access.principal import anybody
from receiver.engine.run import Run
from receiver.engine.runs_planned import Condition
from receiver.remediate.kubernetes.doer import KubernetesDoer
from receiver.respond import Answer
from tests.kubernetes import kubeconfig, no_authorities, running
from tests.receiver.bodies import alert, body
from tests.receiver.harness import receiver
from tests.receiver.remediate.cases import CASES, PROGRAMS, plan
from tests.receiver.remediate.fake_kubernetes import FakeKubernetes
from tests.receiver.remediate.healing import Hand, Healing, Numbers, configured
from tests.receiver.remediate.kubernetes_bench import Quick
from tests.receiver.remediate.shipped import FOLDER, SCRIPTS, program

__all__ = ["no_authorities"]
pytestmark = pytest.mark.usefixtures("no_authorities")


@asynccontextmanager
async def ready(
    folder: Path,
    name: str,
    remediation: Mapping[str, Any],
    *,
    helps: bool = True,
    params: Mapping[str, Any] | None = None,
    fake: FakeKubernetes | None = None,
) -> AsyncIterator[Healing]:
    """A receiver with one runbook that ships, switched on; Prometheus lets it begin, and says whether it helped."""
    text = (FOLDER / f"{name}.yml").read_text(encoding="utf-8").replace(PROGRAMS, str(folder / "programs"))
    document = yaml.safe_load(text)
    own = {"mode": "apply", "allow_matching": [".*"], "params": params or {}}
    config = configured(folder, [document], {"remediation": {**remediation, "runbooks": {name: own}}})
    assert config.remediation is not None
    made = plan(name)
    assert made.verification is not None
    numbers = {one.expr: fitting(one) for one in (*made.verification.conditions, *made.guards)}
    first = made.verification.conditions[0]
    numbers |= {} if helps else {first.expr: fitting(first) + 99}
    async with receiver(folder / "store", config) as harness:
        remediating = harness.receiver.remediating
        remediating.proposing.asking = asking = Numbers(numbers)
        assert remediating.acting is not None
        if fake is not None:
            at_once = Quick(meanwhile=[lambda: fake.roll_out(fake.things["deployments", "shop", "checkout"])])
            doer = KubernetesDoer(config.remediation.kubernetes, harness.clock, at_once)
            remediating.acting.doers = {"kubernetes": doer}
        yield Healing(harness, Hand(folder / "did"), asking)


def fitting(condition: Condition) -> float:
    """A number that the condition holds for."""
    bounds = (condition.equals, condition.at_least, condition.at_most)
    plain = [bound for bound in bounds if bound is not None]
    if plain:
        return plain[0]
    return condition.below - 1 if condition.below is not None else (condition.above or 0.0) + 1


async def fires(heals: Healing, name: str, **labels: str) -> Run:
    """Its alert; the run as it is then."""
    typical: dict[str, Any] = {**CASES[name].labels, **labels}
    await heals.harness.post(body(alert(typical.pop("alertname"), **typical)))
    return await heals.run()


async def approves(heals: Healing, *people: str) -> Run:
    """They agree with the plan as it is, one after the other."""
    (incident,) = await heals.harness.incidents()
    for who in people:
        run = await heals.run()
        answer = Answer("approve", run=run.id, plan_hash=run.plan.hash)
        await heals.harness.receiver.telling.responder.respond(incident["id"], answer, anybody(who))
        await heals.harness.settle()
    return await heals.run()


async def later(heals: Healing) -> Run:
    """When it is over: no verification takes longer than a quarter of an hour."""
    for _ in range(36):
        if (await heals.run()).over:
            break
        await heals.harness.advance(seconds=30)
    return await heals.run()


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[tuple[FakeKubernetes, dict[str, Any]]]:
    """A cluster with shop/checkout on three pods, and the settings that reach it."""
    fake = FakeKubernetes()
    fake.deployment("checkout", 3)
    async with running(fake) as server:
        edge = {"kubeconfig_file": str(kubeconfig(folder, server)), "namespaces": ["shop"]}
        yield fake, {"kubernetes": {"prod": edge}}


def pods(fake: FakeKubernetes) -> int:
    """How many are wanted."""
    return int(fake.things["deployments", "shop", "checkout"]["spec"]["replicas"])


async def test_restart(tmp_path: Path) -> None:
    """The deployment is restarted once, and the run succeeds when its pods have been well for a while."""
    name = "restart-crash-looping-deployment"
    async with cluster(tmp_path) as (fake, edge), ready(tmp_path, name, edge, fake=fake) as heals:
        assert (await fires(heals, name)).outcome is None
        assert (await later(heals)).outcome == "succeeded"
        assert len([one for one in fake.asked if one[0] == "patch"]) == 1
        template = fake.things["deployments", "shop", "checkout"]["spec"]["template"]
        assert "kubectl.kubernetes.io/restartedAt" in template["metadata"]["annotations"]


@pytest.mark.parametrize(("helps", "outcome", "wanted"), [(True, "succeeded", 5), (False, "rolled_back", 3)])
async def test_scale_out(tmp_path: Path, helps: bool, outcome: str, wanted: int) -> None:
    """Two pods come; if that was in vain, they go again."""
    name = "scale-out-on-saturation"
    async with cluster(tmp_path) as (fake, edge), ready(tmp_path, name, edge, helps=helps, fake=fake) as heals:
        await fires(heals, name)
        assert pods(fake) == 5
        assert (await later(heals)).outcome == outcome
        assert pods(fake) == wanted


def installed(folder: Path, script: str, **instead: str) -> dict[str, Any]:
    """The script on a machine whose files lie elsewhere, and the settings that let it be started."""
    programs = folder / "programs"
    programs.mkdir()
    text = (SCRIPTS / script).read_text(encoding="utf-8")
    for path, other in instead.items():
        known = {"allowed": "/etc/tocsin/rotate-logs.allow", "never": "/etc/tocsin/never-block", "nft": "/usr/sbin/nft"}
        assert known[path] in text
        text = text.replace(known[path], other)
    (programs / script).write_text(text, encoding="utf-8")
    (programs / script).chmod(0o755)
    return {"exec": {"allow": [str(programs)], "path": os.environ["PATH"]}}


@pytest.mark.parametrize(("until_free", "outcome", "left"), [(0, "succeeded", 50_000), (101, "failed", 0)])
async def test_rotate_logs(tmp_path: Path, until_free: int, outcome: str, left: int) -> None:
    """Where enough is free nothing is touched; where rotating every log does not suffice, that is a failure."""
    name, logs = "rotate-logs-to-free-disk", tmp_path / "logs"
    logs.mkdir()
    (logs / "app.log").write_bytes(b"x" * 50_000 if until_free == 0 else b"x" * 11_000_000)
    (tmp_path / "allowed").write_text(f"{logs}\n")
    (tmp_path / "allowed").chmod(0o644)
    disk = mounted_at(logs)
    params = {"directory": str(logs), "until_free": until_free}
    edge = installed(tmp_path, "rotate-logs", allowed=str(tmp_path / "allowed"))
    async with ready(tmp_path, name, edge, params=params) as heals:
        percent_free, read_only, _ = exprs(name, "localhost:9100", disk)
        heals.numbers.values = {percent_free: 13.0, read_only: 0.0}
        await fires(heals, name, instance="localhost:9100", mountpoint=disk)
        assert (await later(heals)).outcome == outcome
    assert (logs / "app.log").stat().st_size == left


def mounted_at(folder: Path) -> str:
    """Where the disk is mounted that a folder lies on."""
    return next(str(one) for one in (folder, *folder.parents) if one.is_mount())


def exprs(name: str, instance: str, mountpoint: str) -> list[str]:
    """What is asked about another machine than the typical one."""
    target = f"{instance} {mountpoint}"
    made = plan(name, target, instance=instance, mountpoint=mountpoint)
    assert made.verification is not None
    return [one.expr for one in (*made.guards, *made.verification.conditions)]


@pytest.mark.parametrize(
    ("helps", "outcome", "words"),
    [(True, "succeeded", ["add"]), (False, "rolled_back", ["add", "delete"])],
)
async def test_block_address(tmp_path: Path, helps: bool, outcome: str, words: list[str]) -> None:
    """Nothing is blocked before somebody agrees; then once, and it is free again where that was in vain."""
    name, heard = "block-address", tmp_path / "heard"
    heard.touch()
    (tmp_path / "never").touch(mode=0o644)
    nft = program(tmp_path / "nft", f'echo "$1" >> {heard}')
    edge = installed(tmp_path, "block-address", never=str(tmp_path / "never"), nft=str(nft))
    async with ready(tmp_path, name, edge, helps=helps) as heals:
        await fires(heals, name)
        assert heard.read_text() == ""
        await approves(heals, "alice")
        assert (await later(heals)).outcome == outcome
    assert heard.read_text().split() == words


def there(folder: Path, name: str) -> bool:
    """Whether there is a file of that name anywhere below."""
    return any(folder.rglob(name))


async def test_a_private_address_is_not_blocked(tmp_path: Path) -> None:
    """Though the target is allowed and somebody agrees, the script refuses, and the run has failed."""
    name = "block-address"
    (tmp_path / "never").touch(mode=0o644)
    edge = installed(
        tmp_path, name, never=str(tmp_path / "never"), nft=str(program(tmp_path / "nft", f"touch {tmp_path}/blocked"))
    )
    async with ready(tmp_path, name, edge) as heals:
        heals.numbers.values = {
            expr.replace("9.9.9.9", "10.0.0.1"): value for expr, value in heals.numbers.values.items()
        }
        await fires(heals, name, address="10.0.0.1")
        await approves(heals, "alice")
        run = await later(heals)
    assert (run.outcome, there(tmp_path, "blocked")) == ("failed", False)


@pytest.mark.parametrize(("status", "outcome"), [(200, "succeeded"), (412, "failed"), (503, "succeeded")])
async def test_fail_over(tmp_path: Path, status: int, outcome: str) -> None:
    """Two people must agree. It is asked for once; what an answer that says nothing meant, Prometheus tells."""
    asked: list[Any] = []

    async def fail_over(request: web.Request) -> web.Response:
        asked.append(await request.json())
        return web.Response(status=status, text="Successfully failed over" if status == 200 else "no")

    application = web.Application()
    application.router.add_post("/failover", fail_over)
    name = "fail-over-to-read-replica"
    async with serving(application) as address:
        edge = {"http": {"patroni": {"url": f"http://{address}", "private": True}}}
        async with ready(tmp_path, name, edge) as heals:
            await fires(heals, name)
            assert (await approves(heals, "alice")).started_at is None
            assert asked == []
            await approves(heals, "bob")
            assert (await later(heals)).outcome == outcome
    assert asked == [{"candidate": "pg-2"}]
