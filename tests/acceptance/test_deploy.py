"""The samples that people copy into their own stack, as the programs themselves judge them."""

from __future__ import annotations

import pytest

from demo.processes import TOCSIN, run
from tests.real import ROOT, Binaries

DEPLOY = ROOT / "deploy"


@pytest.mark.real
async def test_alertmanager_sample(binaries: Binaries) -> None:
    """Alertmanager takes the sample."""
    said = await run(binaries.amtool, "check-config", DEPLOY / "alertmanager.yml")
    assert "2 receivers" in said


@pytest.mark.real
@pytest.mark.parametrize(
    ("alert", "receiver"), [("NodeDiskFull", "tocsin"), ("TocsinReceiverDown", "fallback"), ("Watchdog", "tocsin")]
)
async def test_routes_of_the_alertmanager_sample(binaries: Binaries, alert: str, receiver: str) -> None:
    """Alerts go to Tocsin, except those that watch the way to it."""
    config = f"--config.file={DEPLOY / 'alertmanager.yml'}"
    said = await run(binaries.amtool, "config", "routes", "test", config, f"alertname={alert}")
    assert said.splitlines()[-1] == receiver


@pytest.mark.real
async def test_prometheus_sample(binaries: Binaries) -> None:
    """Prometheus takes the sample and the rules beside it."""
    said = await run(binaries.promtool, "check", "config", DEPLOY / "prometheus.yml")
    assert "5 rules found" in said


@pytest.mark.parametrize("component", ["receiver", "exporter"])
async def test_sample(component: str) -> None:
    """The components take their samples."""
    said = await run(TOCSIN, "config", "check", DEPLOY / f"{component}.yml")
    assert f"a valid {component} configuration" in said
