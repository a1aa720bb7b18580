"""What an API server, and the way to it, may do wrong: what counts as done, as not done, and as unknown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from receiver.remediate.step import CannotBegin, NotNow
from tests.kubernetes import TOKEN, Fault, no_authorities
from tests.receiver.remediate.fake_kubernetes import FakeKubernetes, template
from tests.receiver.remediate.kubernetes_bench import ABOUT, bench, step

__all__ = ["no_authorities"]
pytestmark = pytest.mark.usefixtures("no_authorities")

HASTY = {"timeout": "300ms"}  # for a request that nobody answers
STEPS: dict[str, dict[str, Any]] = {
    "restart": {"action": "rollout-restart"},
    "scale": {"action": "scale", "to": 5},
    "undo": {"action": "undo"},
    "evict": {"action": "delete-pod", "object": "checkout-abc"},
    "delete": {"action": "delete-pod", "object": "checkout-abc", "evict": False},
    "cordon": {"action": "cordon", "object": "n1"},
}
VERBS = {"evict": "create", "delete": "delete"}


def shop() -> FakeKubernetes:
    """A deployment that can be taken back, a pod and a node."""
    fake = FakeKubernetes()
    fake.deployment(images=("shop:1", "shop:2"))
    fake.pod()
    fake.add("nodes", "", "n1", spec={})
    return fake


def state(fake: FakeKubernetes) -> list[Any]:
    """All that a step could change."""
    things = (fake.things["deployments", "shop", "checkout"], fake.things["pods", "shop", "checkout-abc"])
    marks = [(one["metadata"].get("generation"), one["metadata"].get("deletionTimestamp")) for one in things]
    return [*marks, dict(fake.things["nodes", "", "n1"]["spec"])]


# (what goes wrong, whether the change was done by then, what the step says of it)
FAULTS = [
    pytest.param({"status": 400}, "failed", "answered 400", id="400"),
    pytest.param({"status": 401}, "failed", "does not know who we are", id="401"),
    pytest.param({"status": 403}, "failed", "the role needs", id="403"),
    pytest.param({"status": 409}, "succeeded", "", id="409-once"),
    pytest.param({"status": 429}, "succeeded", "", id="429-once"),
    pytest.param({"status": 429, "retry_after": "2"}, "succeeded", "", id="429-retry-after"),
    pytest.param({"status": 429, "retry_after": "3600"}, "failed", "answered 429", id="429-too-long"),
    pytest.param({"status": 500}, "failed", "answered 500", id="500-before"),
    pytest.param({"status": 500, "doing": True}, "succeeded", "seen afterwards", id="500-after"),
    pytest.param({"status": 503, "plain": True}, "failed", "answered 503", id="503-before"),
    pytest.param({"status": 503, "plain": True, "doing": True}, "succeeded", "seen afterwards", id="503-after"),
    pytest.param({"status": 504}, "failed", "answered 504", id="504-before"),
    pytest.param({"status": 504, "doing": True}, "succeeded", "seen afterwards", id="504-after"),
    pytest.param({"ends": "silence"}, "failed", "did not answer within 0.3s", id="silence-before"),
    pytest.param({"ends": "silence", "doing": True}, "succeeded", "did not answer", id="silence-after"),
    pytest.param({"ends": "break"}, "failed", "broke the connection", id="break-before"),
    pytest.param({"ends": "break", "doing": True}, "succeeded", "broke the connection", id="break-after"),
    pytest.param({"ends": "truncated"}, "failed", "cannot be read", id="truncated-before"),
    pytest.param({"ends": "truncated", "doing": True}, "succeeded", "cannot be read", id="truncated-after"),
]


@pytest.mark.parametrize(("fault", "outcome", "words"), FAULTS)
@pytest.mark.parametrize("name", STEPS)
async def test_what_comes_of_a_change(
    tmp_path: Path, name: str, fault: dict[str, Any], outcome: str, words: str
) -> None:
    """Succeeded: it was done, once. Failed: nothing was done. The object itself tells, where the answer does not."""
    fake = shop()
    was = state(fake)
    async with bench(tmp_path, fake, **(HASTY if fault.get("ends") == "silence" else {})) as cluster:
        fake.faults = [Fault(VERBS.get(name, "patch"), **fault)]
        if name == "delete" and fault.get("ends") == "break":
            fake.faults *= 2  # the client itself sends a deletion again, which does no harm: it names the pod's uid
        done = await cluster.does(**STEPS[name])
        assert done.outcome == outcome, done
        assert words in (done.reason or done.output)
        assert (state(fake) == was) is (outcome == "failed")
        assert outcome == "succeeded" or "nothing was done" in done.reason
        assert TOKEN not in done.reason + done.output


@pytest.mark.parametrize("name", STEPS)
async def test_it_is_not_tried_for_ever(tmp_path: Path, name: str) -> None:
    """Who is refused again and again gives up: a conflict after some attempts, a limit when the time is over."""
    fake = shop()
    verb = VERBS.get(name, "patch")
    async with bench(tmp_path, fake) as cluster:
        fake.faults = [Fault(verb, status=409) for _ in range(100)]
        done = await cluster.does(**STEPS[name])
        assert (done.outcome, len(fake.heard)) == ("failed", 4)
        fake.faults = [Fault(verb, status=429, retry_after="10") for _ in range(100)]
        done = await cluster.does(**STEPS[name], timeout="1m")
        assert (done.outcome, cluster.patience.slept) == ("failed", [10.0] * 5)


@pytest.mark.parametrize(
    ("name", "outcome"),
    [("restart", "failed"), ("scale", "unknown"), ("undo", "failed"), ("cordon", "unknown"), ("evict", "failed")],
)
async def test_somebody_else_while_nothing_answers(tmp_path: Path, name: str, outcome: str) -> None:
    """What leaves a mark of its own was not done where the mark is missing; of a number or a flag nobody knows."""
    fake = shop()

    def other() -> None:
        fake.edit(fake.things["deployments", "shop", "checkout"], replicas=9)
        fake.touch(fake.things["nodes", "", "n1"])

    async with bench(tmp_path, fake, **HASTY) as cluster:
        fake.faults = [Fault(VERBS.get(name, "patch"), ends="silence", before=other)]
        done = await cluster.does(**STEPS[name])
        assert done.outcome == outcome, done
        assert bool(cluster.patience.slept) is (name not in ("restart", "undo"))  # the mark tells at once


@pytest.mark.parametrize(
    ("name", "outcome"), [("restart", "unknown"), ("scale", "unknown"), ("undo", "unknown"), ("evict", "succeeded")]
)
async def test_gone_while_nothing_answers(tmp_path: Path, name: str, outcome: str) -> None:
    """Of what is no longer there nobody knows whether it was changed; a pod that was to go is gone."""
    fake = shop()
    async with bench(tmp_path, fake, **HASTY) as cluster:
        fake.faults = [Fault(VERBS.get(name, "patch"), ends="silence", before=fake.things.clear)]
        assert (await cluster.does(**STEPS[name])).outcome == outcome


@pytest.mark.parametrize("name", STEPS)
async def test_nobody_knows_where_nothing_can_be_read(tmp_path: Path, name: str) -> None:
    """A change whose answer is lost, and an API server that then stays away: unknown, and sent once."""
    fake = shop()
    async with bench(tmp_path, fake, **HASTY) as cluster:

        def away() -> None:
            fake.faults += [Fault("get", status=503, plain=True) for _ in range(500)]

        fake.faults = [Fault(VERBS.get(name, "patch"), ends="silence", doing=True, before=away)]
        done = await cluster.does(**STEPS[name], timeout="30s")
        assert (done.outcome, len(fake.heard)) == ("unknown", 1)
        assert "whether it was done does not show" in done.reason


async def test_a_late_change_is_waited_for(tmp_path: Path) -> None:
    """A connection that breaks says nothing: the API server may be busy with the request until its time is over."""
    fake = shop()
    async with bench(tmp_path, fake, timeout="10s") as cluster:
        thing = fake.things["deployments", "shop", "checkout"]
        fake.faults = [Fault("patch", ends="break")]

        def late() -> None:
            if len(cluster.patience.slept) == 3:
                fake.edit(thing, replicas=5)

        cluster.patience.meanwhile.append(late)
        done = await cluster.does(action="scale", to=5)
        assert (done.outcome, len(fake.heard), cluster.patience.slept) == ("succeeded", 1, [1.0] * 3)


async def test_the_api_server_is_told_when_to_give_up(tmp_path: Path) -> None:
    """Every request carries a time limit of the server's that is over before ours."""
    async with bench(tmp_path, shop(), timeout="5s") as cluster:
        await cluster.does(action="rollout-restart")
        assert set(cluster.fake.timeouts) == {"4000ms"}


# Looking.


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ({"status": 401}, CannotBegin, "does not know who we are"),
        ({"status": 403}, CannotBegin, r"the role needs get on deployments \(apps\) in namespace shop"),
        ({"status": 404}, CannotBegin, "deployment shop/checkout is gone"),
        ({"status": 400}, CannotBegin, "answered 400"),
        ({"status": 429, "retry_after": "1"}, NotNow, "answered 429"),
        ({"status": 500}, NotNow, "answered 500"),
        ({"status": 503, "plain": True}, NotNow, "answered 503: Service Unavailable"),
        ({"ends": "silence"}, NotNow, "did not answer within 0.3s"),
        ({"ends": "truncated"}, NotNow, "cannot be read"),
    ],
)
async def test_looking(tmp_path: Path, fault: dict[str, Any], error: type[Exception], words: str) -> None:
    """What will not mend itself refuses the step; what may is tried again; nothing is ever sent after either."""
    async with bench(tmp_path, shop(), **HASTY) as cluster:
        cluster.fake.faults = [Fault("get", **fault)]
        with pytest.raises(error, match=words):
            await cluster.doer.look(step(action="rollout-restart"), ABOUT)
        seen = await cluster.look(action="rollout-restart")
        cluster.fake.faults = [Fault("get", **fault)]
        done = await cluster.does(action="rollout-restart", before=seen)
        assert (done.outcome, "nothing was done" in done.reason) == ("failed", True)
        assert not cluster.fake.heard


async def test_an_answer_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so much of an answer is read."""
    monkeypatch.setattr("tocsin.kubernetes.reach.MOST_BYTES", 1000)
    fake = shop()
    fake.things["deployments", "shop", "checkout"]["status"]["conditions"] = [{"message": "x" * 5000}]
    async with bench(tmp_path, fake) as cluster:
        with pytest.raises(NotNow, match="an answer of more than 1,000 bytes"):
            await cluster.look(action="rollout-restart")


async def test_nobody_listens(tmp_path: Path) -> None:
    """A port that nobody listens on: not now; and where the step had begun, nothing was done."""
    async with bench(tmp_path, shop(), server="http://127.0.0.1:9") as cluster:
        with pytest.raises(NotNow, match="cannot be reached"):
            await cluster.look(action="rollout-restart")
        done = await cluster.does(action="rollout-restart", before={"uid": "u"})
        assert (done.outcome, "nothing was done" in done.reason) == ("failed", True)


async def test_a_template_that_the_cluster_does_not_take(tmp_path: Path) -> None:
    """A 422 of an undo may be its precondition, or the template: it is tried again, and then its words are told."""
    fake = shop()
    async with bench(tmp_path, fake) as cluster:
        fake.faults = [Fault("patch", status=422) for _ in range(9)]
        done = await cluster.does(action="undo")
        assert (done.outcome, "answered 422" in done.reason) == ("failed", True)
        assert fake.things["deployments", "shop", "checkout"]["spec"]["template"] == template("checkout", "shop:2")
