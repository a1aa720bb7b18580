"""Runbooks over the API: which there are, what they would do, and that one is to run."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from receiver.config import ReceiverConfig
from tests.receiver.bodies import alert, body
from tests.receiver.harness import prepared, receiver
from tests.receiver.remediate.healing import runbook, step
from tests.receiver.web.remedied import PEOPLE, remedied

PLAYER = body(alert(service="player", tenant="acme"))
GUARD = {"name": "no deployment", "expr": "deploying", "at_most": 0}
BY_HAND = runbook(
    step("restart", rollback=True), automatic=False, guards=[GUARD], metadata={"name": "restart", "doc": "Restarts it."}
)
NUMBERS = {"errors": 0.0, "deploying": 0.0}


async def test_runbooks_are_listed_as_they_are_in_force(tmp_path: Path) -> None:
    """The matchers, what it does in words, its bounds and limits, and where it stands."""
    document = BY_HAND | {"approval": {"count": 2, "expires": "10m"}}
    async with remedied(tmp_path, document) as people:
        (told,) = (await people.get("victor", "runbooks"))["items"]
        assert (told["name"], told["doc"], told["mode"], told["automatic"]) == (
            "restart",
            "Restarts it.",
            "apply",
            False,
        )
        assert told["matchers"] == ['alertname="PlayerErrors"']
        assert told["approval"] == {"role": None, "count": 2, "expires": "10m"}
        (guard,) = told["guards"]
        assert guard == {"name": "no deployment", "expr": "deploying", "bounds": "at most 0"}
        (one,) = told["steps"]
        assert "/opt/restart" in one["does"]
        assert "/opt/unrestart" in one["rollback"]
        assert told["targets"] == {"pattern": "$(service)", "allow": ["player", "cart"], "allow_matching": []}
        assert told["limits"][0] == "on one target 1 within 1h"
        assert told["where"].rpartition("/")[2].startswith("runbooks.yml:")


async def test_other_tenants_runbooks_and_targets_are_not_told(tmp_path: Path) -> None:
    """Whoever may see one tenant sees what serves it, and no list of targets that others have, too."""
    books = [runbook(name="all"), runbook(name="ours", tenants=["acme"]), runbook(name="theirs", tenants=["other"])]
    async with remedied(tmp_path, *books) as people:
        told = {one["name"]: one["targets"]["allow"] for one in (await people.get("anna", "runbooks"))["items"]}
        assert told == {"all": None, "ours": ["player", "cart"]}
        assert len((await people.get("victor", "runbooks"))["items"]) == 3


async def test_what_would_happen(tmp_path: Path) -> None:
    """The plan with its values filled in, the guards as they are now, and what stands against it; nothing is done."""
    async with remedied(tmp_path, BY_HAND, numbers=NUMBERS | {"deploying": 2.0}) as people:
        await people.heals.harness.post(PLAYER)
        incident = await people.incident()
        (told,) = (await people.get("victor", f"incidents/{incident[:6]}/runbooks"))["items"]
        assert (told["runbook"], told["target"], told["needs_approval"]) == ("restart", "player", False)
        assert (told["refusal"], told["runs"]) == ("guard no deployment: not at most 0", [])
        (guard,) = told["guards"]
        assert (guard["holds"], guard["value"], guard["bounds"]) == (False, 2.0, "at most 0")
        assert told["plan"]["steps"][0]["arguments"]["command"] == ["/opt/restart"]
        assert told["plan"]["values"] == {"service": "player"}
        assert people.heals.hand.did == []
        people.heals.numbers.values["deploying"] = 0.0
        (told,) = (await people.get("victor", f"incidents/{incident}/runbooks"))["items"]
        assert told["refusal"] is None


async def test_what_cannot_be_planned_says_why(tmp_path: Path) -> None:
    """A target outside of the allow-list has no plan, and the reason is the refusal."""
    async with remedied(tmp_path, BY_HAND, numbers=NUMBERS) as people:
        await people.heals.harness.post(body(alert(service="payroll")))
        incident = await people.incident()
        (told,) = (await people.get("victor", f"incidents/{incident}/runbooks"))["items"]
        assert (told["plan"], told["target"], told["guards"]) == (None, None, [])
        assert "'payroll' is not among those" in told["refusal"]
        status, problem = await people.ask("rita", "POST", f"incidents/{incident}/runs", {"runbook": "restart"})
        assert (status, "'payroll' is not among those" in problem["detail"]) == (409, True)


async def test_a_person_runs_one(tmp_path: Path) -> None:
    """It runs on the target that it can only mean; who asked and why stand in its record."""
    async with remedied(tmp_path, BY_HAND, numbers=NUMBERS) as people:
        await people.heals.harness.post(PLAYER)
        incident = await people.incident()
        said = {"runbook": "restart", "reason": "customers call"}
        status, told = await people.ask("rita", "POST", f"incidents/{incident}/runs", said)
        assert (status, told["changed"], told["by"], told["target"]) == (201, True, "rita", "player")
        assert people.heals.hand.did == ["restart"]
        record = await people.get("victor", f"runs/{told['id']}")
        assert (record["outcome"], record["requested_because"]) == ("succeeded", "customers call")
        (run,) = (await people.get("victor", f"incidents/{incident}"))["runs"]
        assert (run["id"], run["outcome"], run["by"]) == (told["id"], "succeeded", "rita")


async def test_dry_run(tmp_path: Path) -> None:
    """A dry run of a runbook that acts does nothing, and says whether it would have begun."""
    async with remedied(tmp_path, BY_HAND, numbers=NUMBERS | {"deploying": 1.0}) as people:
        await people.heals.harness.post(PLAYER)
        incident = await people.incident()
        said = {"runbook": "restart", "dry_run": True}
        _, told = await people.ask("rita", "POST", f"incidents/{incident}/runs", said)
        assert (told["dry_run"], told["message"]) == (True, "it shows what it would do")
        record = await people.get("rita", f"runs/{told['id']}")
        assert (record["outcome"], people.heals.hand.did) == ("dry_run", [])
        assert record["reason"] == "it would not have begun: guard no deployment: not at most 0"


async def test_several_targets(tmp_path: Path) -> None:
    """Where it could mean several it must be told which; one that none of the alerts names is refused."""
    async with remedied(tmp_path, BY_HAND, numbers=NUMBERS) as people:
        await people.heals.harness.post(body(alert(service="player"), alert(service="cart")))
        path = f"incidents/{await people.incident()}/runs"
        status, told = await people.ask("rita", "POST", path, {"runbook": "restart"})
        assert (status, "restart could work on cart, player: say on which" in told["detail"]) == (409, True)
        status, told = await people.ask("rita", "POST", path, {"runbook": "restart", "target": "db"})
        assert (status, "cannot work on db here" in told["detail"]) == (409, True)
        status, told = await people.ask("rita", "POST", path, {"runbook": "restart", "target": "cart"})
        assert (status, told["target"]) == (201, "cart")


async def test_the_plan_that_was_shown_is_the_one_that_is_run(tmp_path: Path) -> None:
    """The hash of another plan is refused with the one as it is now."""
    async with remedied(tmp_path, BY_HAND, numbers=NUMBERS) as people:
        await people.heals.harness.post(PLAYER)
        incident = await people.incident()
        (would,) = (await people.get("rita", f"incidents/{incident}/runbooks"))["items"]
        path, said = f"incidents/{incident}/runs", {"runbook": "restart", "plan_hash": "0" * 24}
        status, told = await people.ask("rita", "POST", path, said)
        assert (status, would["plan"]["plan_hash"] in told["detail"]) == (409, True)
        status, _ = await people.ask("rita", "POST", path, said | {"plan_hash": would["plan"]["plan_hash"]})
        assert status == 201


async def test_whoever_has_the_incident_may_run_it(tmp_path: Path) -> None:
    """While somebody has it nobody else may, where the runbook does not allow that."""
    async with remedied(tmp_path, BY_HAND, numbers=NUMBERS) as people:
        await people.heals.harness.post(PLAYER)
        incident = await people.incident()
        status, _ = await people.ask("rita", "POST", f"incidents/{incident}/acknowledge", {})
        assert status == 200
        (hers,) = (await people.get("rita", f"incidents/{incident}/runbooks"))["items"]
        (his,) = (await people.get("bob", f"incidents/{incident}/runbooks"))["items"]
        assert (hers["refusal"], "rita has the incident" in his["refusal"]) == (None, True)
        for who, outcome in (("bob", "refused"), ("rita", "succeeded")):
            _, told = await people.ask(who, "POST", f"incidents/{incident}/runs", {"runbook": "restart"})
            assert (await people.get(who, f"runs/{told['id']}"))["outcome"] == outcome


async def test_sent_again_it_runs_once(tmp_path: Path) -> None:
    """The same key names the same run: at the same time, within a day, and for good."""
    async with remedied(tmp_path, BY_HAND, numbers=NUMBERS) as people:
        await people.heals.harness.post(PLAYER)
        path, said = f"incidents/{await people.incident()}/runs", {"runbook": "restart"}
        both = [people.ask("rita", "POST", path, said, Idempotency_Key="k") for _ in range(2)]
        (_, first), (_, second) = await asyncio.gather(*both)
        assert first["id"] == second["id"]
        people.heals.harness.clock.advance(days=2)
        status, third = await people.ask("rita", "POST", path, said, Idempotency_Key="k")
        assert (status, third["id"], third["changed"]) == (200, first["id"], False)
        assert people.heals.hand.did == ["restart"]


WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({}, 400, "runbook is missing"),
    ({"runbook": "restart", "dryrun": True}, 400, "dryrun is not a key"),
    ({"runbook": "restart", "dry_run": "yes"}, 400, "dry_run must be a valid boolean"),
    ({"runbook": "reboot"}, 409, "reboot does not exist; those that are: restart"),
    ({"runbook": "restart", "by": "bob"}, 403, "nobody acts for somebody else"),
]


@pytest.mark.parametrize(("said", "status", "says"), WRONG)
async def test_wrong_requests(tmp_path: Path, said: dict[str, Any], status: int, says: str) -> None:
    """What cannot be is told with the way out, to an admin, too, and proposes nothing."""
    async with remedied(tmp_path, BY_HAND, numbers=NUMBERS) as people:
        await people.heals.harness.post(PLAYER)
        found, told = await people.ask("root", "POST", f"incidents/{await people.incident()}/runs", said)
        assert (found, says in told["detail"]) == (status, True), told
        assert (await people.get("root", "runs"))["items"] == []


RIGHTS = [("nobody", 401), ("victor", 403), ("rita", 201), ("anna", 404), ("root", 201)]


@pytest.mark.parametrize(("who", "status"), RIGHTS)
async def test_who_may_run(tmp_path: Path, who: str, status: int) -> None:
    """It takes remediation:run for the incident's tenant; of another tenant's incident nothing is known."""
    async with remedied(tmp_path, BY_HAND, numbers=NUMBERS) as people:
        await people.heals.harness.post(body(alert(service="player", tenant="other")))
        incident = await people.incident()
        found, _ = await people.ask(who, "POST", f"incidents/{incident}/runs", {"runbook": "restart"})
        assert (found, people.heals.hand.did) == (status, ["restart"] if status == 201 else [])
        if who == "anna":
            assert (await people.ask(who, "GET", f"incidents/{incident}/runbooks"))[0] == 404


async def test_over_is_over(tmp_path: Path) -> None:
    """Nothing is run for an incident that is over."""
    async with remedied(tmp_path, BY_HAND, numbers=NUMBERS) as people:
        await people.heals.harness.post(PLAYER)
        incident = await people.incident()
        await people.ask("rita", "POST", f"incidents/{incident}/resolve", {})
        status, told = await people.ask("rita", "POST", f"incidents/{incident}/runs", {"runbook": "restart"})
        assert (status, told["detail"]) == (409, "the incident is over")


async def test_without_configuration(tmp_path: Path) -> None:
    """Where no runbooks are configured that is said, with the key to set; what is kept can be read all the same."""
    async with receiver(tmp_path) as tocsin:
        await tocsin.post(PLAYER)
        (incident,) = await tocsin.incidents()
        for path in ("runbooks", f"incidents/{incident['id']}/runbooks"):
            answer = await tocsin.client.get(f"/api/v1/{path}")
            assert (answer.status, "remediation.runbook_files" in (await answer.json())["detail"]) == (409, True)
        answer = await tocsin.client.post(f"/api/v1/incidents/{incident['id']}/runs", json={"runbook": "restart"})
        assert answer.status == 409
        for path in ("runs", "approvals"):
            assert (await tocsin.get(f"/api/v1/{path}"))["items"] == []


async def test_configured_no_more(tmp_path: Path) -> None:
    """A configuration that is read again without runbooks plans nothing more; what was done stays to be read."""
    async with remedied(tmp_path, BY_HAND | {"automatic": True}, numbers=NUMBERS) as people:
        await people.heals.harness.post(PLAYER)
        (run,) = (await people.get("victor", "runs"))["items"]
        config = ReceiverConfig.model_validate(PEOPLE)
        await people.heals.harness.receiver.take(prepared(config, {}))
        assert (await people.ask("victor", "GET", "runbooks"))[0] == 409
        assert (await people.get("victor", f"runs/{run['id']}"))["outcome"] == "succeeded"
