"""Steps of several kinds in one run, done for good: what they do is there, and is taken back where it did not help."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from receiver.reconcile.settings import ReconcileSettings
from receiver.remediate.steps.http_doer import HttpDoer
from receiver.silences.runbooks import SilenceDoer
from tests.receiver.bodies import START, alert
from tests.receiver.remediate.far_http import Far, edge, far
from tests.receiver.remediate.healing import Healing, healing, runbook
from tests.receiver.silences.fakes import FakeAlertmanager
from tests.receiver.silences.test_keeper import post
from tocsin.amapi import GettableAlert
from tocsin.clock import ManualClock

STEPS = (
    {"silence": {"labels": ["alertname", "service"], "for": "30m"}, "rollback": {"silence": {"expire": True}}},
    {
        "http": {"endpoint": "lb", "path": "/drain/$(service)"},
        "rollback": {"http": {"endpoint": "lb", "path": "/resume/$(service)"}},
    },
    {"notify": {"to": ["bob"], "text": "$(service) is drained"}},
)


@asynccontextmanager
async def place(folder: Path, errors: float) -> AsyncIterator[tuple[Healing, Far, FakeAlertmanager]]:
    """A receiver, a load balancer, and an Alertmanager whose one alert it is about."""
    (folder / "token").write_text("t0ken")
    reconcile = {"alertmanagers": ["http://never-asked"]}
    source = {"bearer_token_files": [str(folder / "token")], "reconcile": reconcile}
    clock = ManualClock(START)
    am = FakeAlertmanager(clock)
    labels = alert(service="player")["labels"]
    am.firing = [GettableAlert(labels, START, START), GettableAlert(labels | {"service": "cart"}, START, START)]
    async with far() as balancer:
        endpoint = edge(balancer.port)
        async with healing(
            folder,
            runbook(*STEPS),
            numbers={"errors": errors},
            clock=clock,
            sources={"alertmanager": source},
            remediation={"http": {"lb": endpoint.model_dump(mode="json", exclude_unset=True)}},
        ) as heals:
            acting = heals.harness.receiver.remediating.acting
            assert acting is not None
            sources = {"alertmanager": ReconcileSettings.model_validate(reconcile)}
            acting.doers = {"http": HttpDoer({"lb": endpoint}), "silence": SilenceDoer(sources, clock, peers=am.peers)}
            yield heals, balancer, am


async def test_it_helps(tmp_path: Path) -> None:
    """The alert is silent for its time, the far side was asked once, and people were told."""
    async with place(tmp_path, errors=0.0) as (heals, balancer, am):
        await post(heals.harness, alert(service="player"))
        run = await heals.run()
        assert run.outcome == "succeeded", run
        assert [one.path for one in balancer.asked] == ["/drain/player"]
        assert balancer.asked[0].headers["Idempotency-Key"] == f"{run.id}/1"
        (silence,) = am.active
        assert f"run {run.id}, step {run.id}/0: " in silence.comment
        assert [key for key in heals.harness.phones["bob"].keys if key.startswith("remediation/")]


async def test_it_does_not(tmp_path: Path) -> None:
    """What was done is taken back, the last step first: the far side is asked to, and the silence is over."""
    async with place(tmp_path, errors=3.0) as (heals, balancer, am):
        await post(heals.harness, alert(service="player"))
        assert len(am.active) == 1
        for _ in range(9):
            await heals.harness.advance(seconds=15)
        run = await heals.run()
        assert run.outcome == "rolled_back", run
        assert [one.path for one in balancer.asked] == ["/drain/player", "/resume/player"]
        assert (am.active, len(am.writes)) == ([], 1)
