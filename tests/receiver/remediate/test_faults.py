"""What goes wrong around a run: people and incidents change, Prometheus is away, everything is stopped."""

from __future__ import annotations

from pathlib import Path

from receiver.access.principal import anybody
from receiver.engine.policy import Step
from receiver.remediate.asking import asking
from receiver.remediate.step import CannotBegin
from receiver.respond import Answer
from receiver.store.jobs import REMEDIATION_LANE
from tests.receiver import harness
from tests.receiver.bodies import START, alert, body
from tests.receiver.remediate.healing import Healing, configured, healing, runbook, step
from tocsin.promconfig import ServerSettings

ALERT = body(alert(service="player"))
RESOLVED = body(alert(service="player", end=30))
TWO_STEPS = (step("one", rollback=True), step("two", rollback=True))


async def approve(heals: Healing, by: str = "ann") -> Step:
    """A yes to the one run that there is, as it stands."""
    run, (incident,) = await heals.run(), await heals.harness.incidents()
    answer = Answer("approve", run=run.id, plan_hash=run.plan_hash)
    said = await heals.harness.receiver.telling.responder.respond(incident["id"], answer, anybody(by))
    await heals.harness.settle()
    return said


async def test_approval_after_the_incident_is_over(tmp_path: Path) -> None:
    """Nobody can agree any more: the run ended with its incident, and says so."""
    async with healing(tmp_path, runbook(approval={})) as heals:
        await heals.harness.post(ALERT)
        await heals.harness.post(RESOLVED)
        run, said = await heals.run(), await approve(heals)
        assert (run.outcome, said.events, heals.hand.did) == ("cancelled", (), [])
        assert "no longer waits for approval: it is cancelled" in said.reason


async def test_approval_that_is_too_late(tmp_path: Path) -> None:
    """When its time is over the run is, and a yes that comes later counts no more."""
    async with healing(tmp_path, runbook(approval={"expires": "10m"})) as heals:
        await heals.harness.post(ALERT)
        await heals.harness.advance(minutes=11)
        run, said = await heals.run(), await approve(heals)
        assert (run.outcome, said.events, heals.hand.did) == ("expired", (), [])


async def test_the_incident_ends_between_two_steps(tmp_path: Path) -> None:
    """No further step begins; what was done is verified."""
    async with healing(tmp_path, runbook(*TWO_STEPS)) as heals:
        heals.hand.then["one"] = lambda: resolves(heals)
        await heals.harness.post(ALERT)
        assert ((await heals.run()).outcome, heals.hand.did) == ("succeeded", ["one"])


async def resolves(heals: Healing) -> None:
    await heals.harness.client.post(harness.HOOK, data=RESOLVED)
    await heals.harness.receiver.loop.run_once()


async def test_a_prometheus_that_is_not_there(tmp_path: Path) -> None:
    """Nobody listens where the guards are asked: nothing is done, and the reason stands in the run."""
    server = ServerSettings.model_validate({"url": "http://127.0.0.1:1", "timeout": "1s"})
    book = runbook(guards=[{"expr": "replicas", "above": 1}])
    async with healing(tmp_path, book) as heals, asking(server) as real:
        heals.harness.receiver.remediating.proposing.asking = real
        await heals.harness.post(ALERT)
        run = await heals.run()
        assert (run.outcome, heals.hand.did) == ("refused", [])
        assert "Prometheus does not answer" in run.reason


async def test_prometheus_goes_away_before_the_verification(tmp_path: Path) -> None:
    """Nobody knows whether it helped: that is told, and nothing is taken back."""
    async with healing(tmp_path, runbook(*TWO_STEPS)) as heals:
        del heals.numbers.values["errors"]
        await heals.harness.post(ALERT)
        for _ in range(9):
            await heals.harness.advance(seconds=15)
        run = await heals.run()
        assert (run.outcome, heals.hand.did) == ("unknown", ["one", "two"])
        assert "cannot be told whether it helped" in run.reason


async def test_the_target_vanishes_between_two_steps(tmp_path: Path) -> None:
    """The second step is not begun, and the first is taken back."""
    async with healing(tmp_path, runbook(*TWO_STEPS)) as heals:
        heals.hand.refusals["two"] = CannotBegin("deployment player is gone")
        await heals.harness.post(ALERT)
        run = await heals.run()
        assert (run.outcome, heals.hand.did) == ("rolled_back", ["one", "unone"])
        assert "not begun: deployment player is gone" in run.reason


async def test_a_guard_no_longer_holds_between_two_steps(tmp_path: Path) -> None:
    """Guards are asked before each step: the second is not begun, and the first is taken back."""
    book = runbook(*TWO_STEPS, guards=[{"name": "enough replicas", "expr": "replicas", "above": 1}])
    async with healing(tmp_path, book, numbers={"errors": 0.0, "replicas": 3.0}) as heals:

        async def fewer() -> None:
            heals.numbers.values["replicas"] = 1.0

        heals.hand.then["one"] = fewer
        await heals.harness.post(ALERT)
        run = await heals.run()
        assert (run.outcome, heals.hand.did) == ("rolled_back", ["one", "unone"])
        assert "guard enough replicas: not above 1" in run.reason


async def test_everything_is_stopped_in_mid_run(tmp_path: Path) -> None:
    """The step that has begun may end; nothing begins after it, no rollback either, and whoever is next hears of it."""
    async with healing(tmp_path, runbook(*TWO_STEPS)) as heals:
        runs = heals.harness.receiver.remediating.runs
        heals.hand.then["one"] = lambda: runs.stop("ann", "look first", heals.harness.clock.now())
        await heals.harness.post(ALERT)
        run = await heals.run()
        assert (run.outcome, heals.hand.did) == ("stopped", ["one"])
        assert "ann: look first" in run.reason
        assert heals.harness.phones["alice"].keys == ["page/0/alice"]  # a minute before its time


async def test_while_everything_is_stopped_nothing_starts(tmp_path: Path) -> None:
    """A run that was approved meanwhile is refused; after the start, what comes next runs."""
    async with healing(tmp_path, runbook()) as heals:
        runs, clock = heals.harness.receiver.remediating.runs, heals.harness.clock
        assert await runs.stop("ann", "", clock.now())
        await heals.harness.post(ALERT)
        assert ((await heals.run()).outcome, heals.hand.did) == ("refused", [])
        assert await runs.start("ann", clock.now())
        await heals.harness.post(body(alert(service="cart", group="other"), group="other"))
        assert heals.hand.did == ["restart"]


async def test_the_runbook_changes_after_the_approval_was_asked(tmp_path: Path) -> None:
    """People agreed with another text: nothing is done, and the reason says what to do."""
    async with healing(tmp_path, runbook(approval={})) as heals:
        await heals.harness.post(ALERT)
        other = configured(tmp_path, [runbook(step("reboot"), approval={})], {})
        prepared = harness.prepared(other, heals.harness.phones)
        await heals.harness.receiver.remediating.take(prepared)
        await approve(heals)
        run = await heals.run()
        assert (run.outcome, heals.hand.did) == ("refused", [])
        assert "the runbook has changed since this was planned" in run.reason


async def test_cool_down(tmp_path: Path) -> None:
    """After a run its target is left alone for a while; then the next one begins."""
    book = runbook(limits={"per_target": {"most": 9}, "per_runbook": {"most": 9}, "cool_down": "10m"})
    async with healing(tmp_path, book) as heals:
        for minutes, done in ((0, 1), (9, 1), (2, 2)):
            await heals.harness.advance(minutes=minutes)
            name = f"g{minutes}"
            seconds = (heals.harness.clock.now() - START).total_seconds()
            await heals.harness.post(body(alert(service="player", group=name, start=seconds), group=name))
            assert len(heals.hand.did) == done
        refused = [run for one in await heals.harness.incidents() for run in await heals.runs(one["id"])][1]
        assert "(limits.cool_down)" in refused.reason


async def test_a_web_process_holds_no_credentials(tmp_path: Path) -> None:
    """With a worker of its own the receiver has nothing that does a step or that opens a credential, and claims no job.

    Handed one, it gives it back; a receiver that runs steps itself takes it.
    """
    for apart, done in ((True, []), (False, ["restart"])):
        async with healing(tmp_path / str(apart), runbook(), remediation={"separate_worker": apart}) as heals:
            receiver = heals.harness.receiver
            assert (receiver.remediating.acting is None, receiver.runner.lanes(REMEDIATION_LANE)) == (apart, not apart)
            await heals.harness.post(ALERT)
            await heals.harness.advance(minutes=5)
            assert heals.hand.did == done
            if apart:
                assert await receiver.runner.run_due(REMEDIATION_LANE) == 1
                (incident,) = await heals.harness.incidents()
                assert list(await heals.runs(incident["id"])) == []
