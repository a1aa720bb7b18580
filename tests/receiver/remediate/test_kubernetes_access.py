"""Who we are to a cluster, and that nobody else learns how we show it."""

from __future__ import annotations

import logging
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest
from kubernetes_asyncio.config import incluster_config

from receiver.remediate.kubernetes.doer import KubernetesDoer
from receiver.remediate.step import CannotBegin
from receiver.remediate.steps.kubernetes import KubernetesEdge
from tests.kubernetes import TOKEN, kubeconfig, no_authorities, running
from tests.receiver.remediate.fake_kubernetes import FakeKubernetes
from tests.receiver.remediate.kubernetes_bench import ABOUT, NOW, bench, step
from tests.tls import Authority
from tocsin.clock import ManualClock
from tocsin.errors import MissingExtra

__all__ = ["no_authorities"]
pytestmark = pytest.mark.usefixtures("no_authorities")


def shop() -> FakeKubernetes:
    fake = FakeKubernetes()
    fake.deployment()
    return fake


@pytest.fixture
def tls(tmp_path: Path) -> tuple[Authority, ssl.SSLContext]:
    authority = Authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.server().configure_cert(context)
    return authority, context


@pytest.mark.parametrize(
    ("cluster", "words"),
    [
        ({}, ""),
        ({"tls-server-name": "elsewhere.example"}, "elsewhere"),
        ({"certificate-authority": None}, "CERTIFICATE"),
    ],
)
async def test_certificates(
    tmp_path: Path, tls: tuple[Authority, ssl.SSLContext], cluster: dict[str, Any], words: str
) -> None:
    """A certificate for another name, or of nobody we know, will not mend itself: the step does not begin."""
    authority, context = tls
    trust = {"certificate-authority": str(authority.file)} | cluster
    fake = shop()
    async with running(fake, context) as url:
        file = kubeconfig(tmp_path, url, **{key: value for key, value in trust.items() if value})
        edge = KubernetesEdge(kubeconfig_file=file, namespaces=("shop",))
        doer = KubernetesDoer({"main": edge}, ManualClock(NOW))
        if words:
            with pytest.raises(CannotBegin, match=words):
                await doer.look(step(action="rollout-restart"), ABOUT)
            assert not fake.asked
        else:
            assert await doer.look(step(action="rollout-restart"), ABOUT)


async def test_the_service_account_of_the_pod(
    tmp_path: Path, tls: tuple[Authority, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a cluster the pod's own token is shown; outside of one that is said."""
    authority, context = tls
    edge = KubernetesEdge(in_cluster=True, namespaces=("shop",))
    doer = KubernetesDoer({"main": edge}, ManualClock(NOW))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(CannotBegin, match="the pod's service account: cannot be used: Service host/port is not set"):
        await doer.look(step(action="rollout-restart"), ABOUT)
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")
    async with running(shop(), context) as url:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", url.rpartition(":")[2])
        monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
        monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(authority.file))
        assert (await doer.look(step(action="rollout-restart"), ABOUT))["uid"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no such file"),
        ("users: [\n  {token: " + TOKEN, "cannot be used"),
        ("contexts: []\nusers: [{name: a, user: {token: " + TOKEN + "}}]", "Expected"),
        ("- " + TOKEN, "cannot be used"),
    ],
)
async def test_a_kubeconfig_that_cannot_be_used(tmp_path: Path, content: str | None, words: str) -> None:
    """It is named, and nothing in it is told."""
    file = tmp_path / "broken"
    if content is not None:
        file.write_text(content)
    doer = KubernetesDoer({"main": KubernetesEdge(kubeconfig_file=file, namespaces=("shop",))}, ManualClock(NOW))
    with pytest.raises(CannotBegin, match=words) as refused:
        await doer.look(step(action="rollout-restart"), ABOUT)
    assert str(file) in str(refused.value)
    assert TOKEN not in str(refused.value)
    done = await doer.do(step(action="rollout-restart"), {"uid": "u"}, ABOUT)
    assert (done.outcome, TOKEN in done.reason) == ("failed", False)


@pytest.mark.parametrize("token", ["other-token-of-somebody", TOKEN])
async def test_no_token_is_told(tmp_path: Path, token: str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither an error, nor an output, nor a log holds a token, also where the far side says it back."""
    caplog.set_level(logging.DEBUG)
    fake = shop()
    async with bench(tmp_path, fake, token=token) as cluster:
        if token != TOKEN:
            with pytest.raises(CannotBegin, match="does not know who we are") as refused:
                await cluster.look(action="rollout-restart")
            assert "Unauthorized: " in str(refused.value)
            assert token not in str(refused.value)
        done = await cluster.does(action="rollout-restart", before={"uid": "u", "generation": "1"})
        assert token not in f"{done}{caplog.text}"
        assert caplog.text


def test_the_extra_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without kubernetes-asyncio the extra is named when a worker starts; who has no cluster needs it not."""
    monkeypatch.setitem(sys.modules, "kubernetes_asyncio", None)
    KubernetesDoer({}, ManualClock(NOW))
    with pytest.raises(MissingExtra, match=r"pip install 'tocsin\[k8s\]'"):
        KubernetesDoer({"main": KubernetesEdge(in_cluster=True)}, ManualClock(NOW))
