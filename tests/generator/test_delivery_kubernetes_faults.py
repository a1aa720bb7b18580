"""What a cluster, and whoever else is in it, may do wrong: what is applied, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from generator.delivery.kubernetes_objects import MANAGED_BY
from tests.generator.rule_cluster import RESOURCE, RuleCluster
from tests.generator.rule_place import OURS, built, failures, place
from tests.kubernetes import TOKEN, Fault, no_authorities
from tocsin.errors import DeliveryError, PlaceLost

__all__ = ["no_authorities"]
pytestmark = pytest.mark.usefixtures("no_authorities")


# What goes wrong.


async def test_one_of_twenty_is_refused(tmp_path: Path) -> None:
    """The others are applied, the webhook's words are told, and the next run does just the rest."""
    files = [built(tmp_path, f"pack-{number:02}") for number in range(20)]
    cluster = RuleCluster(refused={"pack-07": "group group: rule 0: 1:1: parse error"})
    async with place(tmp_path, cluster) as one:
        progress = await one.apply(*files)
        words = 'the cluster answered 422: admission webhook "rules.example" denied the request: '
        assert failures(progress) == {"pack-07": words + "group group: rule 0: 1:1: parse error"}
        assert len(cluster.names) == 19
        cluster.refused.clear()
        cluster.heard.clear()
        assert (await one.apply(*files)).is_done
        assert (cluster.changes(), len(cluster.names)) == (["create"], 20)


# (what goes wrong with the first change, whether it is applied in the end, what is said otherwise)
FAULTS = [
    pytest.param({"status": 400, "message": "bad"}, False, "answered 400: bad", id="400"),
    pytest.param({"status": 401}, False, "does not know who we are", id="401"),
    pytest.param({"status": 403, "message": "exceeded quota: rules"}, False, "403: exceeded quota", id="quota"),
    pytest.param({"status": 422, "message": "denied"}, False, "answered 422: denied", id="422"),
    pytest.param({"status": 429, "retry_after": "7"}, True, "", id="429"),
    pytest.param({"status": 429, "retry_after": "7", "doing": True}, True, "", id="429-after"),
    pytest.param({"status": 500}, True, "", id="500"),
    pytest.param({"status": 500, "doing": True}, True, "", id="500-after"),
    pytest.param({"status": 503, "plain": True}, True, "", id="503"),
    pytest.param({"status": 504, "plain": True, "doing": True}, True, "", id="504-after"),
    pytest.param({"ends": "silence"}, True, "", id="silence"),
    pytest.param({"ends": "silence", "doing": True}, True, "", id="silence-after"),
    pytest.param({"ends": "break"}, True, "", id="break"),
    pytest.param({"ends": "break", "doing": True}, True, "", id="break-after"),
    pytest.param({"ends": "truncated"}, True, "", id="truncated"),
    pytest.param({"ends": "truncated", "doing": True}, True, "", id="truncated-after"),
]


@pytest.mark.parametrize(("fault", "applied", "words"), FAULTS)
@pytest.mark.parametrize("verb", ["create", "update", "delete"])
async def test_what_comes_of_a_change(
    tmp_path: Path, verb: str, fault: dict[str, Any], applied: bool, words: str
) -> None:
    """What passes is tried again, and done once however often it was asked; what does not is told."""
    cluster = RuleCluster()
    async with place(tmp_path, cluster, milliseconds=400 if fault.get("ends") == "silence" else 5000) as one:
        if verb != "create":
            await one.apply(built(tmp_path))
        cluster.faults = [Fault(verb, **fault)]
        files = [] if verb == "delete" else [built(tmp_path, above=4)]
        progress = await one.apply(*files)
        assert progress.is_done is applied, (failures(progress), progress.trouble)
        assert words in "".join(failures(progress).values())
        assert TOKEN not in f"{failures(progress)}{progress.trouble}"
        if applied:
            assert (await one.plan(*files)).is_done
            assert cluster.names == ([] if verb == "delete" else ["node"])
        if fault.get("retry_after"):
            assert one.slept == [7.0]


async def test_it_is_not_tried_for_ever(tmp_path: Path) -> None:
    """After four attempts what the cluster says is told; nobody waits for an hour because it asks."""
    async with place(tmp_path) as one:
        one.cluster.faults = [Fault("create", status=429, retry_after="3600", message="too busy") for _ in range(9)]
        progress = await one.apply(built(tmp_path))
        assert failures(progress) == {"node": "the cluster answered 429: too busy"}
        assert one.slept == [30.0] * 3


async def test_a_cluster_that_goes_away(tmp_path: Path) -> None:
    """What was applied, what was not and what was not tried is known; the next run does the rest."""
    files = [built(tmp_path, f"pack-{number}") for number in range(4)]
    async with place(tmp_path, milliseconds=200) as one:
        one.cluster.faults = [Fault("create"), *(Fault("create", ends="break") for _ in range(4))]
        progress = await one.apply(*files)
        states = [state for _, state, _ in progress.rows()]
        assert states == ["applied", "failed", "waiting", "waiting"]
        assert "broke the connection" in progress.trouble
        assert (await one.apply(*files)).is_done
        assert len(one.cluster.names) == 4


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ({"status": 401}, PlaceLost, "does not know who we are"),
        ({"status": 400, "message": "no"}, DeliveryError, "answered 400: no"),
        ({"ends": "truncated"}, None, ""),
        ({"status": 503, "plain": True}, None, ""),
    ],
)
async def test_looking(tmp_path: Path, fault: dict[str, Any], error: type[Exception] | None, words: str) -> None:
    """A list is asked for again where that may help."""
    async with place(tmp_path) as one:
        one.cluster.faults = [Fault("list", **fault)]
        if error is None:
            await one.destination.held()
        else:
            with pytest.raises(error, match=words):
                await one.destination.held()


@pytest.mark.parametrize("verb", ["list", "create", "update", "delete"])
async def test_a_right_that_is_missing(tmp_path: Path, verb: str) -> None:
    """The verb, the resource and the namespace are told, and a command that gives all rights that are needed."""
    async with place(tmp_path) as one:
        if verb in ("update", "delete"):
            await one.apply(built(tmp_path))
        one.cluster.forbidden = {f"{verb} {RESOURCE}"}
        files = [] if verb == "delete" else [built(tmp_path, above=4)]
        if verb == "list":
            with pytest.raises(DeliveryError) as refused:
                await one.plan(*files)
            told = str(refused.value)
        else:
            told = failures(await one.apply(*files))["node"]
        assert f"the role needs {verb} on prometheusrules (monitoring.coreos.com) in namespace monitoring" in told
        assert "kubectl create role tocsin-rules --namespace monitoring --verb=get,list,create,update,delete" in told


async def test_a_cluster_without_the_operator(tmp_path: Path) -> None:
    """It does not know what a PrometheusRule is."""
    async with place(tmp_path, RuleCluster(installed=False)) as one:
        with pytest.raises(DeliveryError, match=r"knows no PrometheusRule .*: install the Prometheus operator's"):
            await one.destination.held()


@pytest.mark.parametrize("answer", [{}, {"items": None}, {"items": "x"}, {"items": {}}, {"ok": True}])
async def test_what_is_no_api_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]) -> None:
    """A proxy that says yes to everything does not pass for a namespace in which nothing is."""
    monkeypatch.setattr(RuleCluster, "answer", lambda *_: web.json_response(answer))
    async with place(tmp_path) as one:
        with pytest.raises(PlaceLost, match="the answer is no list of objects"):
            await one.destination.held()


async def test_a_namespace_that_is_not_there(tmp_path: Path) -> None:
    """A list in it is empty; what is created in it is refused."""
    async with place(tmp_path, RuleCluster(namespaces=set())) as one:
        assert "has no namespace monitoring: create it" in failures(await one.apply(built(tmp_path)))["node"]


async def test_nobody_listens(tmp_path: Path) -> None:
    """The address is told, and which options lead elsewhere."""
    async with place(tmp_path, server="http://127.0.0.1:9") as one:
        with pytest.raises(PlaceLost, match=r"127.0.0.1:9 cannot be reached.* see --kubeconfig, --context"):
            await one.destination.held()
        assert len(one.slept) == 3


async def test_a_token_that_is_not_known(tmp_path: Path) -> None:
    """It is said, without the token, though the far side repeats it."""
    async with place(tmp_path, token="expired-token-of-somebody") as one:
        with pytest.raises(PlaceLost, match="does not know who we are") as refused:
            await one.destination.held()
        assert "expired-token" not in str(refused.value)


# Others at the same time.


async def test_a_stranger_that_comes_in_between(tmp_path: Path) -> None:
    """Whoever made an object of that name after it was looked at keeps it."""
    async with place(tmp_path) as one:
        progress = await one.apply(built(tmp_path), meanwhile=lambda: one.cluster.rule("node", {MANAGED_BY: "Helm"}))
        why = failures(progress)["node"]
        assert why == "it is not ours: its label app.kubernetes.io/managed-by is 'Helm'; it was not touched"
        assert one.cluster.named("node")["spec"] == {"groups": []}


@pytest.mark.parametrize("verb", ["update", "delete"])
async def test_somebody_changes_rules_in_between(tmp_path: Path, verb: str) -> None:
    """What nobody has looked at is neither overwritten nor removed; the next run shows it first."""
    async with place(tmp_path) as one:
        await one.apply(built(tmp_path))
        thing = one.cluster.named("node")
        files = [] if verb == "delete" else [built(tmp_path, above=4)]
        progress = await one.apply(*files, meanwhile=lambda: one.cluster.edit(thing, groups=[{"name": "theirs"}]))
        assert "somebody else has changed it since it was looked at; run it again" in failures(progress)["node"]
        assert one.cluster.named("node")["spec"]["groups"] == [{"name": "theirs"}]
        assert (await one.apply(*files)).is_done


@pytest.mark.parametrize("verb", ["update", "delete"])
async def test_a_status_that_changes_in_between(tmp_path: Path, verb: str) -> None:
    """What is none of our business does not stop us: the operator writes a status, somebody else a label."""
    async with place(tmp_path) as one:
        await one.apply(built(tmp_path))
        files = [] if verb == "delete" else [built(tmp_path, above=4)]

        def other() -> None:
            one.cluster.named("node")["metadata"]["labels"]["team"] = "storage"
            one.cluster.touch(one.cluster.named("node"))

        assert (await one.apply(*files, meanwhile=other)).is_done
        assert verb == "delete" or one.cluster.named("node")["metadata"]["labels"]["team"] == "storage"


@pytest.mark.parametrize("verb", ["update", "delete"])
async def test_a_cluster_that_always_changes(tmp_path: Path, verb: str) -> None:
    """Four times, and then it is told."""
    async with place(tmp_path) as one:
        await one.apply(built(tmp_path))
        one.cluster.faults = [Fault(verb, status=409) for _ in range(99)]
        progress = await one.apply(*([] if verb == "delete" else [built(tmp_path, above=4)]))
        assert "somebody else keeps changing it" in failures(progress)["node"]
        assert one.cluster.changes().count(verb) == 4


@pytest.mark.parametrize("verb", ["update", "delete"])
async def test_somebody_removes_it_in_between(tmp_path: Path, verb: str) -> None:
    """What is to be there is made anew; what is to go is gone."""
    async with place(tmp_path) as one:
        await one.apply(built(tmp_path))
        files = [] if verb == "delete" else [built(tmp_path, above=4)]
        assert (await one.apply(*files, meanwhile=one.cluster.things.clear)).is_done
        assert one.cluster.names == ([] if verb == "delete" else ["node"])


async def test_what_is_being_deleted_is_left_alone(tmp_path: Path) -> None:
    """A change to it would be lost with it."""
    cluster = RuleCluster()
    thing = cluster.rule("node", OURS)
    thing["metadata"]["deletionTimestamp"] = "2026-05-04T12:00:00Z"
    async with place(tmp_path, cluster) as one:
        assert "is being deleted; wait until it is gone" in failures(await one.apply(built(tmp_path)))["node"]
        assert not cluster.heard
