"""The page about steps of kind `kubernetes` and the code say the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

from receiver.remediate.kinds import OneStep
from receiver.remediate.steps.kubernetes import ActionName, KubernetesEdge, KubernetesStep
from tests.receiver.remediate.test_kubernetes_roles import RULES
from tocsin.config import Settings

PAGE = (Path(__file__).parents[3] / "docs/reference/runbooks/kubernetes.md").read_text()


def section(heading: str) -> str:
    return re.split(r"\n## ", PAGE.split(f"## {heading}\n")[1])[0]


@pytest.mark.parametrize(
    ("heading", "model"), [("`remediation.kubernetes.NAME`", KubernetesEdge), ("The step", KubernetesStep)]
)
def test_every_setting_is_documented(heading: str, model: type[Settings]) -> None:
    """Each table lists exactly the settings that the code knows."""
    table = section(heading).split("| action |")[0]
    documented = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert documented == {field.alias or name for name, field in model.model_fields.items()}


def test_every_action_is_documented() -> None:
    """Each action has its line, with the roles that are shipped."""
    table = section("The step").split("| action |")[1]
    assert set(re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)) == set(get_args(ActionName))
    assert set(re.findall(r"`(tocsin-[\w-]+)`", table)) == set(RULES)


def test_the_examples_are_right() -> None:
    """What stands on the page is what the code takes."""
    steps, remediation = (yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
    for one in steps["steps"]:
        rollback = one.pop("rollback")
        assert OneStep.model_validate(one).step.KIND == OneStep.model_validate(rollback).step.KIND == "kubernetes"
    for cluster in remediation["remediation"]["kubernetes"].values():
        assert KubernetesEdge.model_validate(cluster).namespaces
