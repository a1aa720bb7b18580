"""What a step of kind `kubernetes` may be asked for, and what it becomes in a plan."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from receiver.remediate.settings import StepEntry
from receiver.remediate.steps.kubernetes import KubernetesEdge, KubernetesStep
from receiver.remediate.values import Unfit, Values

SHOP = {"namespace": "shop", "object": "checkout"}


@pytest.mark.parametrize(
    ("settings", "does"),
    [
        ({"action": "rollout-restart"}, "restart deployment shop/checkout"),
        (
            {"action": "rollout-restart", "kind": "daemonset", "wait_ready": True, "cluster": "eu-1"},
            "restart daemonset shop/checkout and wait until it is ready in cluster eu-1",
        ),
        ({"action": "scale", "to": 0}, "scale deployment shop/checkout to 0"),
        (
            {"action": "scale", "kind": "statefulset", "by": -2, "min": 1, "max": 9},
            "scale statefulset shop/checkout by -2, between 1 and 9",
        ),
        (
            {"action": "scale", "percent": 50, "min": 1, "max": 9},
            "scale deployment shop/checkout by +50%, between 1 and 9",
        ),
        ({"action": "undo"}, "take deployment shop/checkout back to its previous revision"),
        ({"action": "delete-pod"}, "evict pod shop/checkout"),
        (
            {"action": "delete-pod", "evict": False, "wait_ready": True},
            "delete pod shop/checkout and wait until it is gone",
        ),
        ({"action": "cordon", "namespace": ""}, "cordon node checkout"),
        ({"action": "uncordon", "namespace": ""}, "uncordon node checkout"),
        ({"action": "restore"}, "put shop/checkout back as it was before the step"),
    ],
)
def test_what_people_read(settings: dict[str, Any], does: str) -> None:
    """Before they approve, people read exactly what will be done."""
    given = SHOP | settings
    if not given["namespace"]:
        del given["namespace"]
    action = KubernetesStep.model_validate(given).action(Values({}))
    assert (action.does, action.kind, action.timeout) == (does, "kubernetes", timedelta(minutes=2))


def test_the_plan_holds_every_argument() -> None:
    """Whatever the doer needs stands in the plan, of JSON's types, with the values filled in."""
    settings = {"action": "delete-pod", "cluster": "eu-1", "namespace": "$(namespace)", "object": "$(pod)"}
    step = KubernetesStep.model_validate(settings | {"grace": "1m", "name": "away with it", "timeout": "30s"})
    action = step.action(Values({"namespace": "shop", "pod": "checkout-6b1-x.2"}))
    assert action.arguments == {
        "action": "delete-pod",
        "cluster": "eu-1",
        "namespace": "shop",
        "object": "checkout-6b1-x.2",
        "evict": True,
        "grace_seconds": 60,
    }
    assert (action.name, action.timeout) == ("away with it", timedelta(seconds=30))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "-x",
        "x-",
        ".",
        "..",
        "a..b",
        "../../secrets/token",
        "checkout/scale",
        "checkout?dryRun=All",
        "Checkout",
        "check out",
        "checkout\n",
        '"} or vector(1)',
        "$(reboot)",
        "$(pod)",
        "%2e%2e",
        "сheckout",  # a Cyrillic letter
        "a" * 254,
        "a" * 1_000_000,
    ],
)
def test_names_that_are_none(value: str) -> None:
    """A value that is no name as RFC 1123 has it is refused when the step is planned; it never gets into a path."""
    for where in ("namespace", "object"):
        step = KubernetesStep.model_validate(SHOP | {"action": "rollout-restart", where: "$(pod)"})
        with pytest.raises(Unfit, match="RFC 1123") as refused:
            step.action(Values({"pod": value}))
        assert len(str(refused.value)) < 200


def test_a_namespace_has_no_dots() -> None:
    """A namespace is a label of at most 63 characters; other names are subdomains."""
    for namespace, name, fits in [("a" * 63, "a.b", True), ("a" * 64, "a.b", False), ("a.b", "a", False)]:
        step = KubernetesStep.model_validate({"action": "undo", "namespace": namespace, "object": name})
        if fits:
            assert step.action(Values({}))
        else:
            with pytest.raises(Unfit):
                step.action(Values({}))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"action": "reboot"}, "rollout-restart"),
        ({"action": "scale"}, "to, by or percent, one of them"),
        ({"action": "scale", "to": 3, "by": 1, "min": 0, "max": 9}, "one of them"),
        ({"action": "scale", "to": -1}, "greater than or equal to 0"),
        ({"action": "scale", "by": 1, "max": 9}, "by needs bounds"),
        ({"action": "scale", "percent": 50, "min": 1}, "percent needs bounds"),
        ({"action": "scale", "by": 1, "min": 9, "max": 1}, "min is 9 and max 1"),
        ({"action": "scale", "by": 0, "min": 1, "max": 9}, "changes nothing"),
        ({"action": "scale", "to": 3, "max": 9}, "needs no bounds"),
        ({"action": "scale", "to": 3, "kind": "daemonset"}, "cannot be done to a daemonset"),
        ({"action": "undo", "kind": "statefulset"}, "cannot be done to a statefulset"),
        ({"action": "undo", "to": 3}, "undo has no to"),
        ({"action": "cordon"}, "cordon has no namespace"),
        ({"action": "restore", "kind": "deployment"}, "restore has no kind"),
        ({"action": "rollout-restart", "grace": "5s"}, "rollout-restart has no grace"),
        ({"action": "rollout-restart", "namespace": ""}, "needs a namespace"),
        ({"action": "rollout-restart", "shell": "reboot"}, "Extra inputs"),
    ],
)
def test_settings_that_do_not_go_together(settings: dict[str, Any], words: str) -> None:
    """An action takes its own settings, and all that it needs."""
    with pytest.raises(ValidationError, match=words):
        KubernetesStep.model_validate(SHOP | settings)


BACK = {"kubernetes": {"action": "restore"} | SHOP}


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"kubernetes": {"action": "scale", "to": 3} | SHOP, "rollback": BACK}, ""),
        ({"kubernetes": {"action": "undo"} | SHOP, "rollback": BACK}, ""),
        (
            {"kubernetes": {"action": "rollout-restart"} | SHOP, "rollback": {"kubernetes": {"action": "undo"} | SHOP}},
            "",
        ),
        (BACK, "a rollback, and no step of its own"),
        ({"kubernetes": {"action": "rollout-restart"} | SHOP, "rollback": BACK}, "cannot take back rollout-restart"),
        ({"kubernetes": {"action": "delete-pod"} | SHOP, "rollback": BACK}, "only cordon, scale, uncordon, undo"),
        ({"kubernetes": {"action": "undo", "namespace": "x", "object": "y"}, "rollback": BACK}, "the same cluster"),
        ({"wait": {"for": "1m"}, "rollback": BACK}, "a step of kind wait"),
    ],
)
def test_what_restore_takes_back(entry: dict[str, Any], words: str) -> None:
    """A runbook whose rollback could not work is refused when it is read, and so is a rollback without its step."""
    if words:
        with pytest.raises(ValidationError, match=words):
            StepEntry.model_validate(entry)
    else:
        assert StepEntry.model_validate(entry).rollback


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "one of them"),
        ({"kubeconfig_file": "x", "in_cluster": True}, "one of them"),
        ({"in_cluster": True, "context": "eu"}, "belongs to a kubeconfig"),
        ({"in_cluster": True, "token": "x"}, "Extra inputs"),
    ],
)
def test_a_cluster_has_one_way_in(settings: dict[str, Any], words: str) -> None:
    """A kubeconfig, or the pod's own service account; and no namespace unless it is named."""
    with pytest.raises(ValidationError, match=words):
        KubernetesEdge.model_validate(settings)
    edge = KubernetesEdge(kubeconfig_file=Path("x"), context="eu")
    assert (edge.namespaces, edge.nodes) == ((), False)
