"""A run from its proposal to its end, step by step."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from receiver.remediate.step import CannotBegin, Done
from tests.receiver.bodies import alert, body
from tests.receiver.remediate.healing import healing, runbook, step

ALERT = body(alert(service="player"))


async def test_a_fitting_runbook_runs_and_is_verified(tmp_path: Path) -> None:
    """Proposed, started, each step begun and ended, verified, and told as an event each."""
    async with healing(tmp_path, runbook(step("one"), step("two"))) as heals:
        await heals.harness.post(ALERT)
        run = await heals.run()
        assert (run.outcome, heals.hand.did) == ("succeeded", ["one", "two"])
        (incident,) = await heals.harness.incidents()
        kinds = [kind for kind in await heals.harness.story(incident["id"]) if kind.startswith("run_")]
        steps = ["run_step_began", "run_step_ended"] * 2
        assert kinds == ["run_proposed", "run_started", *steps, "run_verified", "run_ended"]


async def test_dry_run_is_the_default(tmp_path: Path) -> None:
    """A runbook that does not say `apply` does nothing, and tells what it would have done."""
    document = runbook()
    del document["mode"]
    async with healing(tmp_path, document) as heals:
        await heals.harness.post(ALERT)
        run = await heals.run()
        assert (run.outcome, run.reason, heals.hand.did) == ("dry_run", "it would have begun", [])


async def test_what_did_not_help_is_taken_back_in_reverse_order(tmp_path: Path) -> None:
    """The verification fails for its whole time: the rollbacks run, the last step's first, and people are told now."""
    book = runbook(step("one", rollback=True), step("two", rollback=True))
    async with healing(tmp_path, book, numbers={"errors": 3.0}) as heals:
        await heals.harness.post(ALERT)
        assert (await heals.run()).outcome is None
        for _ in range(8):
            await heals.harness.advance(seconds=15)
        assert (await heals.run()).outcome == "rolled_back"
        assert heals.hand.did == ["one", "two", "untwo", "unone"]
        assert heals.harness.phones["bob"].keys == ["page/1/bob"]  # long before its time


async def test_a_failed_step_is_the_last(tmp_path: Path) -> None:
    """What follows is not begun, what was begun is taken back."""
    book = runbook(step("one", rollback=True), step("two"), step("three"))
    async with healing(tmp_path, book) as heals:
        heals.hand.outcomes["two"] = Done("failed", reason="exit 3")
        await heals.harness.post(ALERT)
        assert (await heals.run()).outcome == "rolled_back"
        assert heals.hand.did == ["one", "two", "unone"]


async def test_a_target_that_is_gone_is_not_worked_on(tmp_path: Path) -> None:
    """Nothing was done, so that nothing is taken back."""
    async with healing(tmp_path, runbook(step("one", rollback=True))) as heals:
        heals.hand.refusals["one"] = CannotBegin("deployment player is gone")
        await heals.harness.post(ALERT)
        run = await heals.run()
        assert (run.outcome, heals.hand.did) == ("failed", [])
        assert "gone" in run.reason


async def test_nothing_is_done_without_prometheus(tmp_path: Path) -> None:
    """A guard that nobody answers refuses the run."""
    book = runbook(guards=[{"expr": "replicas", "above": 1}])
    async with healing(tmp_path, book) as heals:
        await heals.harness.post(ALERT)
        run = await heals.run()
        assert (run.outcome, heals.hand.did) == ("refused", [])
        assert "no answer" in run.reason


async def test_a_target_beyond_the_allow_list_is_told_once(tmp_path: Path) -> None:
    """Whoever can post an alert chooses its labels: the runbook is told unfit, and nothing is planned."""
    async with healing(tmp_path, runbook()) as heals:
        await heals.harness.post(body(alert(service="database")))
        await heals.harness.post(body(alert(service="database"), alert(service="redis", start=60)))
        (incident,) = await heals.harness.incidents()
        assert (await heals.harness.story(incident["id"])).count("runbook_unfit") == 1
        assert list(await heals.runs(incident["id"])) == []


async def test_limits_hold(tmp_path: Path) -> None:
    """One run of a target within an hour, two of the runbook; who comes too late is refused with the limit's name."""
    book = runbook(limits={"per_runbook": {"most": 2}, "cool_down": "0s", "at_once": 5})
    async with healing(tmp_path, book) as heals:
        for number, service in enumerate(["player", "player", "cart", "cart"]):
            group = f"g{number}"
            await heals.harness.post(body(alert(service=service, start=number, group=group), group=group))
        runs = [run for one in await heals.harness.incidents() for run in await heals.runs(one["id"])]
        assert Counter((run.plan.target, run.outcome) for run in runs) == Counter(
            [("player", "succeeded"), ("player", "refused"), ("cart", "succeeded"), ("cart", "refused")]
        )
        refused = next(run for run in runs if run.outcome == "refused" and run.plan.target == "player")
        assert "limits.per_target" in refused.reason


async def test_a_page_waits_for_a_runbook_that_may_help(tmp_path: Path) -> None:
    """The first page waits as long as the runbook says; when it is refused, nobody waits any longer."""
    book = runbook(hold_page="5m", guards=[{"expr": "replicas", "above": 1}])
    async with healing(tmp_path, book, numbers={"errors": 3.0, "replicas": 3.0}) as heals:
        await heals.harness.post(ALERT)
        await heals.harness.advance(seconds=90)
        assert heals.harness.phones["alice"].keys == []
        await heals.harness.advance(seconds=30)
        assert heals.harness.phones["alice"].keys == ["page/0/alice"]
    async with healing(tmp_path / "refused", book, numbers={"errors": 3.0, "replicas": 1.0}) as heals:
        await heals.harness.post(ALERT)
        assert heals.harness.phones["alice"].keys == ["page/0/alice"]
