"""`wait_ready`: a step ends when what it changed has become what it should."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kubernetes import no_authorities
from tests.receiver.remediate.fake_kubernetes import FakeKubernetes
from tests.receiver.remediate.kubernetes_bench import bench
from tests.receiver.remediate.test_kubernetes_faults import STEPS, shop

__all__ = ["no_authorities"]
pytestmark = pytest.mark.usefixtures("no_authorities")


def ready(fake: FakeKubernetes) -> None:
    fake.roll_out(fake.things["deployments", "shop", "checkout"])


def stuck(fake: FakeKubernetes) -> None:
    thing = fake.things["deployments", "shop", "checkout"]
    ready(fake)
    words = 'ReplicaSet "checkout-6b3" has timed out progressing.'
    reason = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": words}
    thing["status"] |= {"availableReplicas": 2, "conditions": [reason]}


def short(fake: FakeKubernetes) -> None:
    ready(fake)
    words = "Deployment does not have minimum availability."
    available = {"type": "Available", "status": "False", "message": words}
    status = fake.things["deployments", "shop", "checkout"]["status"]
    status |= {"availableReplicas": status["replicas"] - 1, "conditions": [available]}


@pytest.mark.parametrize("name", ["restart", "scale", "undo"])
@pytest.mark.parametrize(
    ("happens", "outcome", "words"),
    [
        (ready, "succeeded", "replicas are available"),
        (short, "failed", "replicas are available; Deployment does not have minimum availability."),
        (lambda _: None, "failed", "its controller has not seen the change yet"),
        (lambda fake: fake.things.clear(), "failed", "it is gone"),
    ],
)
async def test_waiting_until_it_is_ready(
    tmp_path: Path, name: str, happens: Callable[[FakeKubernetes], None], outcome: str, words: str
) -> None:
    """With `wait_ready` a step ends when the rollout is complete; else it fails, and says how far it came."""
    fake = shop()
    async with bench(tmp_path, fake) as cluster:
        cluster.patience.meanwhile.append(lambda: happens(fake))
        done = await cluster.does(**STEPS[name], wait_ready=True, timeout="20s")
        assert done.outcome == outcome, done
        assert words in (done.reason or done.output)
        assert done.output


@pytest.mark.parametrize(("name", "outcome"), [("restart", "failed"), ("undo", "failed")])
async def test_a_rollout_that_is_stuck(tmp_path: Path, name: str, outcome: str) -> None:
    """A rollout beyond its progress deadline has failed at once."""
    fake = shop()
    async with bench(tmp_path, fake) as cluster:
        cluster.patience.meanwhile.append(lambda: stuck(fake))
        done = await cluster.does(**STEPS[name], wait_ready=True)
        assert (done.outcome, "has timed out progressing" in done.reason) == (outcome, True)
        assert len(cluster.patience.slept) == 1


async def test_a_scale_of_what_was_stuck(tmp_path: Path) -> None:
    """A deployment whose last rollout had failed can be scaled, and gets ready."""
    fake = shop()
    thing = fake.things["deployments", "shop", "checkout"]
    stuck(fake)

    def later() -> None:
        kept = thing["status"]["conditions"]
        ready(fake)
        thing["status"]["conditions"] = kept

    async with bench(tmp_path, fake) as cluster:
        cluster.patience.meanwhile.append(later)
        assert (await cluster.does(action="scale", to=5, wait_ready=True)).outcome == "succeeded"


@pytest.mark.parametrize("anew", [False, True])
async def test_waiting_until_a_pod_is_gone(tmp_path: Path, *, anew: bool) -> None:
    """A pod is gone when there is none of its name, or another one."""
    fake = shop()

    def happens() -> None:
        fake.things.pop(("pods", "shop", "checkout-abc"))
        if anew:
            fake.add("pods", "shop", "checkout-abc", spec={}, status={})

    async with bench(tmp_path, fake) as cluster:
        cluster.patience.meanwhile.append(happens)
        done = await cluster.does(**STEPS["evict"], wait_ready=True)
        assert (done.outcome, done.output) == ("succeeded", "pod shop/checkout-abc: evicted; it is gone")
        assert len(cluster.patience.slept) == 1
