"""How a cluster is reached, and which options say so."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generator.delivery.kubernetes import access_of, opened, pieces
from generator.delivery.kubernetes_objects import MANAGED_BY, SET, fresh
from generator.delivery.options import Options
from tests.generator.rule_cluster import RuleCluster
from tests.generator.rule_place import OURS, built
from tests.kubernetes import TOKEN, kubeconfig, no_authorities, running
from tocsin.errors import MissingExtra, PlaceLost, UsageError

__all__ = ["no_authorities"]
pytestmark = pytest.mark.usefixtures("no_authorities")


GIVEN = Options(to="kubernetes", namespace="monitoring", set_name="shop")


@pytest.mark.parametrize(
    ("given", "environment", "home", "file", "in_cluster"),
    [
        ({"kubeconfig": Path("given")}, {"KUBECONFIG": "other", "KUBERNETES_SERVICE_HOST": "x"}, True, "given", False),
        ({}, {"KUBECONFIG": "other", "KUBERNETES_SERVICE_HOST": "x"}, True, "other", False),
        ({}, {"KUBERNETES_SERVICE_HOST": "x"}, True, "HOME/.kube/config", False),
        ({}, {"KUBERNETES_SERVICE_HOST": "x"}, False, None, True),
    ],
)
def test_the_way_in(
    tmp_path: Path, given: dict[str, Any], environment: dict[str, str], home: bool, file: str | None, in_cluster: bool
) -> None:
    """As kubectl looks for it: what is given, KUBECONFIG, the home folder, the account of the pod."""
    if home:
        (tmp_path / ".kube").mkdir()
        (tmp_path / ".kube/config").touch()
    access = access_of(replace(GIVEN, **given), environment, tmp_path)
    shown = str(access.kubeconfig_file).replace(str(tmp_path), "HOME") if access.kubeconfig_file else None
    assert (shown, access.in_cluster) == (file, in_cluster)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"namespace": ""}, "--namespace: says where .* write --namespace monitoring"),
        ({"namespace": "Not/One"}, "--namespace: 'Not/One' cannot be a namespace"),
        ({"set_name": ""}, "--set: two deliveries under one name would remove each other's rules"),
        ({"set_name": "a b"}, "--set: 'a b' cannot be the value of a label"),
        ({"labels": ["release"]}, "--label: 'release' is no label; write --label release=prometheus"),
        ({"labels": ["a b=c"]}, "--label: 'a b=c' is no label"),
        ({"labels": ["a=b/c"]}, "--label: 'a=b/c' is no label"),
        ({"labels": [f"{MANAGED_BY}=Helm"]}, f"--label: {MANAGED_BY} is what tocsin knows its own by"),
        ({"labels": [f"{SET}=x"]}, f"--label: {SET} is what tocsin knows its own by"),
        ({"timeout": "soon"}, "--timeout: "),
        ({}, "no KUBECONFIG and no ~/.kube/config; write --kubeconfig FILE"),
    ],
)
async def test_options_that_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], words: str
) -> None:
    """They are refused before anything is asked, with the option's name and a way out."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match=words):
        async with opened(replace(GIVEN, **given)):
            pass


def test_a_context_without_a_kubeconfig(tmp_path: Path) -> None:
    """In a pod there is one cluster alone."""
    with pytest.raises(UsageError, match="--context: belongs to a kubeconfig"):
        access_of(replace(GIVEN, context="eu"), {"KUBERNETES_SERVICE_HOST": "x"}, tmp_path)


def test_labels_that_are_asked_for(tmp_path: Path) -> None:
    """They stand on every object, beside the marks."""
    options = replace(GIVEN, labels=["release=prometheus", "example.org/team=", "tier=gold"])
    [piece] = pieces([built(tmp_path)], options)
    assert piece.labels == OURS | {"release": "prometheus", "example.org/team": "", "tier": "gold"}
    assert fresh(piece)["metadata"]["labels"] == piece.labels


@pytest.mark.parametrize("several", [False, True])
async def test_a_whole_delivery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, several: bool) -> None:
    """By the kubeconfig, or several of them, that the environment names."""
    cluster = RuleCluster()
    async with running(cluster) as url:
        file = kubeconfig(tmp_path, url)
        monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'none'}:{file}" if several else str(file))
        async with opened(GIVEN) as destination:
            assert destination.where == f"namespace monitoring of the cluster at {url}"
            for piece in pieces([built(tmp_path)], GIVEN):
                await destination.put(piece)
            assert list((await destination.held()).pieces) == ["monitoring/node"]
            assert await destination.finish() == ""


async def test_credentials_that_cannot_be_used(tmp_path: Path) -> None:
    """The file is named, and nothing that stands in it."""
    file = tmp_path / "broken"
    file.write_text(f"users: [{{token: {TOKEN}")
    with pytest.raises(PlaceLost, match=r"broken: cannot be used: .* see --kubeconfig and --context") as refused:
        async with opened(replace(GIVEN, kubeconfig=file)):
            pass
    assert TOKEN not in str(refused.value)


async def test_a_context_that_is_not_there(tmp_path: Path) -> None:
    """It is said which one."""
    with pytest.raises(PlaceLost, match="nowhere"):
        async with opened(replace(GIVEN, kubeconfig=kubeconfig(tmp_path, "http://127.0.0.1:9"), context="nowhere")):
            pass


async def test_the_extra_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without kubernetes-asyncio the extra is named."""
    monkeypatch.setitem(sys.modules, "kubernetes_asyncio", None)
    with pytest.raises(MissingExtra, match=r"pip install 'tocsin\[k8s\]'"):
        async with opened(GIVEN):
            pass
