"""PrometheusRules in a cluster: what is there, what is written, and whose it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.delivery.kubernetes_objects import MANAGED_BY, SET, fresh
from generator.emit import File
from tests.generator.packs import alert
from tests.generator.rule_cluster import RESOURCE, RuleCluster
from tests.generator.rule_place import OURS, OWNERSHIP, built, failures, place, steps
from tests.kubernetes import no_authorities
from tocsin.errors import DeliveryError, UsageError

ROOT = Path(__file__).parents[2]

__all__ = ["no_authorities"]
pytestmark = pytest.mark.usefixtures("no_authorities")


# What is done, and that it is done once.


async def test_what_is_new_is_created_and_found_again(tmp_path: Path) -> None:
    """An object bears both marks and the labels that were asked for; a second apply has nothing to do."""
    ownership = replace(OWNERSHIP, labels={"release": "prometheus"})
    async with place(tmp_path, ownership=ownership) as one:
        assert steps(await one.plan(built(tmp_path))) == [("create", "node")]
        assert (await one.apply(built(tmp_path))).is_done
        made = one.cluster.named("node")
        assert made["metadata"]["labels"] == OURS | {"release": "prometheus"}
        assert made["spec"]["groups"][0]["rules"][0]["alert"] == "Test"
        assert one.cluster.managers == ["tocsin"]
        again = await one.plan(built(tmp_path))
        assert (again.steps, again.kept) == ((), ("monitoring/node",))
        await one.apply(built(tmp_path))
        assert one.cluster.changes() == ["create"]


async def test_what_changed_is_replaced_and_what_others_added_stays(tmp_path: Path) -> None:
    """Labels, annotations and finalizers of others outlive a change of the rules; a group of theirs does not."""
    async with place(tmp_path) as one:
        await one.apply(built(tmp_path))
        made = one.cluster.named("node")
        made["metadata"]["labels"]["team"] = "storage"
        made["metadata"]["annotations"]["note"] = "kept"
        made["metadata"]["finalizers"] = ["example.org/hold"]
        one.cluster.edit(made, groups=[*made["spec"]["groups"], {"name": "by hand", "rules": []}])
        done = await one.apply(built(tmp_path, above=4))
        assert done.is_done, failures(done)
        now = one.cluster.named("node")
        assert now["metadata"]["labels"] == OURS | {"team": "storage"}
        assert now["metadata"]["annotations"]["note"] == "kept"
        assert now["metadata"]["finalizers"] == ["example.org/hold"]
        assert [group["name"] for group in now["spec"]["groups"]] == ["group"]
        assert "> 4" in now["spec"]["groups"][0]["rules"][0]["expr"]


async def test_a_label_that_is_missing_is_a_change(tmp_path: Path) -> None:
    """A Prometheus that selects rules by a label must find it, also on rules that are as they should be."""
    cluster = RuleCluster()
    async with place(tmp_path, cluster) as one:
        await one.apply(built(tmp_path))
    async with place(tmp_path, cluster, replace(OWNERSHIP, labels={"release": "prometheus"})) as two:
        assert steps(await two.plan(built(tmp_path))) == [("update", "node")]
        await two.apply(built(tmp_path))
        assert cluster.named("node")["metadata"]["labels"]["release"] == "prometheus"
        assert (await two.plan(built(tmp_path))).is_done


async def test_what_no_pack_makes_any_more_is_removed(tmp_path: Path) -> None:
    """Only of our set, and only the very object that was looked at."""
    async with place(tmp_path) as one:
        await one.apply(built(tmp_path), built(tmp_path, "disk"))
        assert steps(await one.plan(built(tmp_path))) == [("remove", "disk")]
        assert (await one.plan(built(tmp_path), prune=False)).spared == ("monitoring/disk",)
        gone = one.cluster.named("disk")["metadata"]
        await one.apply(built(tmp_path))
        assert one.cluster.names == ["node"]
        sent = one.cluster.heard[-1][1]["preconditions"]
        assert sent == {"uid": gone["uid"], "resourceVersion": gone["resourceVersion"]}


STRANGERS = [
    pytest.param({}, id="no labels"),
    pytest.param({MANAGED_BY: "Helm", SET: "shop"}, id="somebody else's"),
    pytest.param({MANAGED_BY: "tocsin"}, id="built, and brought there by kubectl"),
    pytest.param({MANAGED_BY: "tocsin", SET: "other"}, id="another set"),
]


@pytest.mark.parametrize("labels", STRANGERS)
async def test_strangers_are_never_touched(tmp_path: Path, labels: dict[str, str]) -> None:
    """Neither replaced where they are in the way, nor removed where they are not."""
    cluster = RuleCluster()
    cluster.rule("node", labels)
    cluster.rule("disk", labels)
    was = str(cluster.things)
    async with place(tmp_path, cluster) as one:
        progress = await one.apply(built(tmp_path))
        assert (progress.plan.in_the_way, progress.plan.steps) == (("monitoring/node",), ())
        assert not progress.is_done
    assert (str(cluster.things), cluster.heard) == (was, [])


async def test_two_sets_share_a_namespace(tmp_path: Path) -> None:
    """What one team no longer makes is no reason to remove what another one does."""
    cluster = RuleCluster()
    async with place(tmp_path, cluster) as shop:
        await shop.apply(built(tmp_path))
    async with place(tmp_path, cluster, replace(OWNERSHIP, set_name="storage")) as storage:
        assert steps(await storage.plan(built(tmp_path, "disk"))) == [("create", "disk")]
        await storage.apply(built(tmp_path, "disk"))
        await storage.apply()
    assert cluster.names == ["node"]


@pytest.mark.parametrize(
    "spec", [{"groups": None}, {"groups": "x"}, {"groups": {"a": 1}}, {"groups": [1, {"name": "g", "rules": "x"}]}]
)
async def test_what_is_broken_in_the_cluster_is_replaced(tmp_path: Path, spec: dict[str, Any]) -> None:
    """An object of ours that holds no rules that can be read differs, and is no reason to fail."""
    cluster = RuleCluster()
    cluster.rule("node", OURS, **spec)
    async with place(tmp_path, cluster) as one:
        assert steps(await one.plan(built(tmp_path))) == [("update", "node")]
        assert (await one.apply(built(tmp_path))).is_done


# Many objects.


async def test_lists_come_in_pages(tmp_path: Path) -> None:
    """Ours whole and ten at a time, of all others the names alone; a list that expires is begun anew."""
    cluster = RuleCluster(expired=1)
    for number in range(25):
        cluster.rule(f"ours-{number:02}", OURS)
    for number in range(900):
        cluster.rule(f"theirs-{number:03}")
    async with place(tmp_path, cluster) as one:
        held = await one.destination.held()
    assert (len(held.pieces), len(held.strangers)) == (25, 900)
    assert [size for what, size in cluster.pages if what == "names"] == [500, 425]
    assert [size for what, size in cluster.pages if what != "names"] == [10, 10, 10, 5]


@pytest.mark.parametrize("faults", [{"expired": 99}, {"endless": True}], ids=str)
async def test_a_list_without_end(tmp_path: Path, faults: dict[str, Any]) -> None:
    """It is given up, and not read for ever."""
    cluster = RuleCluster(**faults)
    for number in range(11):
        cluster.rule(f"ours-{number:02}", OURS)
    async with place(tmp_path, cluster) as one:
        with pytest.raises(DeliveryError, match="the list of PrometheusRules never came to its end"):
            await one.destination.held()


# Names.


def test_a_name_that_no_object_can_have() -> None:
    """It is refused before anything is sent."""
    manifest = "metadata: {name: Node_Rules, labels: {}}\nspec: {groups: []}\n"
    with pytest.raises(UsageError, match="'Node_Rules' cannot be the name of a PrometheusRule"):
        OWNERSHIP.wanted([File("x.yml", manifest, 0)])


def test_what_is_written_is_what_was_built(tmp_path: Path) -> None:
    """Texts that YAML could take for something else survive the way into a piece."""
    rules = alert(
        "threshold: {expr: sum(up), above: 1}", description='"012 \\u2028 # é 😀\\n\\tnew line\\n"', summary='"on"'
    )
    file = built(tmp_path, rules=rules)
    [piece] = OWNERSHIP.wanted([file])
    assert fresh(piece)["spec"] == yaml.safe_load(file.text)["spec"]
    [rule] = piece.groups[0].rules
    assert (rule.annotations["summary"], "\u2028 # é 😀\n\tnew" in rule.annotations["description"]) == ("on", True)


# Rights.


def roles() -> dict[str, set[str]]:
    """The verbs on PrometheusRules of each Role that is shipped."""
    documents = yaml.safe_load_all((ROOT / "deploy/kubernetes/rules-rbac.yaml").read_text())
    rules = {one["metadata"]["name"]: one["rules"] for one in documents if one["kind"] == "Role"}
    assert all(rule["resources"] == [RESOURCE] for [rule] in rules.values())
    return {name: set(rule["verbs"]) for name, [rule] in rules.items()}


async def test_the_roles_that_are_shipped(tmp_path: Path) -> None:
    """Each allows just what is asked for: a plan lists, an apply that meets others does everything."""
    async with place(tmp_path) as one:
        await one.plan(built(tmp_path))
        assert {verb for verb, _ in one.cluster.asked} == roles()["tocsin-rules-plan"]
        await one.apply(built(tmp_path))
        await one.apply(built(tmp_path, above=4), meanwhile=lambda: one.cluster.touch(one.cluster.named("node")))
        await one.apply()
        assert {verb for verb, _ in one.cluster.asked} == roles()["tocsin-rules-apply"]
